/**
 * Contacts as people: presence (announce, appear), subscriptions (subscribe, gateway) and rosters behind one face. It
 * finds the user's circle and hands over; what is decided stands in core, what is done in those files. Handlers run on
 * the stream readers: they return at once and never throw.
 */
import type { Account, BareJid } from '../../core/address';
import { Fault, toFault, type FaultData } from '../../core/fault';
import { GATEWAY } from '../../core/model';
import type { Contact, Durable, Lane, LinkStatus, Verb } from '../../core/model';
import { newPair } from '../../core/pair';
import { isMoot } from '../../core/subscription';
import { makeAnnounce, type AnnounceOptions } from '../presence/ghosts';
import { makeAppear } from '../presence/users';
import { makeCircles, tables, type Circle } from '../state/user-state';
import type { Outcome, Plan } from './roster-sync';
import type { Intake } from '../delivery/intake';
import type { Links } from '../accounts/links';
import { makeFarewell } from './withdraw';
import { makeGateway } from './gateway-contact';
import type { Clock, FarPort, JabberPort, LaneReader, Log, Meter, StateStore } from '../ports';
import { makeRosters, type RostersOptions } from './roster-sync-schedule';
import type { ContactEvents as Routed } from '../router';
import { makeSubscribe } from './subscriptions';

export interface PeopleOptions {
  readonly jabber: JabberPort;
  readonly far: FarPort;
  readonly intake: Pick<Intake, 'accept'>;
  readonly lanes: LaneReader;
  readonly state: StateStore;
  /** lanes that are being drained or stand in line for it */
  readonly drainsCount: () => number;
  readonly links: Pick<Links, 'isLinked' | 'users' | 'linkOf'>;
  /** a message from the gateway itself to a user, through the queue */
  readonly say: (user: BareJid, text: string) => void;
  /** ends a link: the user deleted the gateway contact */
  readonly unlink: (user: BareJid) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** ms; what is left out is as the parts have it */
  readonly timing?: Pick<AnnounceOptions, 'leaseMs' | 'settleMs' | 'pace'> &
    Pick<RostersOptions, 'gatherMs' | 'laterMs' | 'sweepMs'>;
}

export interface People extends Routed {
  onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void;
  onStream(state: 'up' | 'down'): void;
  onRosterAccess(access: 'none' | 'get' | 'both'): void;
  onContact(user: BareJid, account: Account, contact: Contact | null): void;
  /** A stanza for one resource, or for the whole account (null), came back: what was said before counts no more when it is not there. */
  onUndelivered(user: BareJid, peer: Account, resource: string | null, fault: FaultData): void;
  /** A durable event has left its lane: the other side has it, or it was refused for good. */
  onEnded(lane: Lane, event: Durable, end: 'delivered' | 'bounced'): void;
  /** Was a verb for the user said so long ago that it is not true any more? */
  isMoot(lane: Lane, event: Durable): boolean;
  /** What a comparison of the user's rosters would do. `mayDelete`: so many contacts may lose something, null: the usual brake. */
  plan(user: BareJid, mayDelete: number | null, signal: AbortSignal): Promise<Plan>;
  /** Does it now. Both reject when a roster cannot be read. */
  reconcile(user: BareJid, mayDelete: number | null, signal: AbortSignal): Promise<Plan>;
  /** Tells a user's contacts that the link ends: withdraws presence, removes subscriptions and roster items. */
  farewell(user: BareJid): Promise<void>;
  /** Loads what was announced before. Rejects `store-away`. */
  start(): Promise<void>;
  /** Sends `unavailable` for every ghost that was announced. Never rejects. */
  stop(signal: AbortSignal): Promise<void>;
}

/** Contacts of one user, in all. */
const contactsMax = 20_000;
/** Users whose records are read from the store at once. */
const loadsCount = 50;
const retryMs = 1_000;
/** RFC 6120 section 8.3.3: conditions by which a server says that a resource is not there. */
const gone: readonly string[] = ['gone', 'item-not-found', 'recipient-unavailable', 'remote-server-not-found'];
/** Table `notes`: the user has been told that the password was refused. */
const refusedNote = 'refused';

export function makePeople(options: PeopleOptions): People {
  const { jabber, far, intake, state, links, say, unlink, clock, log, meter, timing = {} } = options;
  const stopping = new AbortController();
  const parting = new Set<BareJid>(); // users whose link is being ended
  const circles = makeCircles({ state, clock, log, meter });
  const announce = makeAnnounce({ ...timing, jabber, state, circles, isLinked, clock, log, meter });
  const appear = makeAppear({ ...timing, jabber, far, circles, clock, log, meter });
  const subscribe = makeSubscribe({ intake, state, announce, clock, log, meter });
  const gateway = makeGateway({ subscribe, unlink, say, wasAsked: (circle) => appear.wasAsked(circle), log });
  const part = makeFarewell({ jabber, state, subscribe, announce, log });
  const rosters = makeRosters({
    ...{ ...timing, jabber, far, state, circles, subscribe, announce, clock, log, meter },
    lanes: options.lanes,
    drainsCount: options.drainsCount,
    onCompared,
  });

  function isLinked(user: BareJid): boolean {
    return links.isLinked(user) && !parting.has(user);
  }

  /** False: it was not and will not be done. */
  function use(user: BareJid, act: (circle: Circle) => void): boolean {
    if (!isLinked(user)) return false;
    return circles.use(user, (circle) => {
      try {
        if (isLinked(user)) act(circle);
      } catch (thrown) {
        log.error({ peer: user, err: thrown }, 'an event of a contact could not be handled');
      }
    });
  }

  // ---- verbs

  /** A user who asks everybody, or whom everybody asks, must not fill the store. */
  function isTooMany(circle: Circle, peer: Account, verb: Verb): boolean {
    return verb.verb === 'subscribe' && circle.buddies.size >= contactsMax && !circle.buddies.has(peer);
  }

  function onJabberVerb(user: BareJid, peer: Account, verb: Verb): void {
    const isTaken = use(user, (circle) => void fromJabber(circle, peer, verb));
    if (!isTaken) refuse(user, peer, verb, new Fault(isLinked(user) ? 'lane-full' : 'not-linked'));
  }

  /** A subscribe that cannot be stored is refused at once; other verbs are facts and wait for the store. */
  async function fromJabber(circle: Circle, peer: Account, verb: Verb): Promise<void> {
    if (isTooMany(circle, peer, verb)) return refuse(circle.user, peer, verb, new Fault('lane-full'));
    rosters.touch(circle, peer);
    while (!stopping.signal.aborted) {
      try {
        if (peer === GATEWAY) await gateway.verb(circle, verb);
        else await subscribe.verb(circle, peer, 'inbound', verb);
        return;
      } catch (thrown) {
        const fault = toFault(thrown);
        if (verb.verb === 'subscribe' || fault.code !== 'store-away') return refuse(circle.user, peer, verb, fault);
        await clock.sleep(retryMs, stopping.signal).catch(() => undefined); // stop ends it
      }
    }
  }

  function refuse(user: BareJid, peer: Account, verb: Verb, fault: Fault): void {
    meter.count('envelopes_refused_total', { dir: 'toFar', fault: fault.code });
    log.warn({ dir: 'toFar', peer, kind: verb.verb, fault: fault.code }, 'a verb was refused');
    if (verb.verb !== 'subscribe') return;
    const bounce = { kind: 'bounce', of: null, what: 'verb', resource: null, excerpt: null } as const;
    jabber.sendNow(user, peer, { ...bounce, fault: fault.toData() });
  }

  async function onFarVerb(user: BareJid, peer: Account, verb: Verb): Promise<void> {
    if (!isLinked(user)) return;
    const circle = await circles.load(user);
    if (isTooMany(circle, peer, verb)) return meter.count('faults_total', { part: 'bridge', code: 'too-large' });
    rosters.touch(circle, peer);
    await subscribe.verb(circle, peer, 'outbound', verb);
  }

  function onEnded({ direction, user, peer }: Lane, event: Durable, end: 'delivered' | 'bounced'): void {
    if (event.kind !== 'verb' || !isLinked(user)) return;
    if (direction === 'toJabber') {
      const circle = circles.get(user);
      if (event.verb === 'subscribed' && circle) announce.release(circle, peer);
      return;
    }
    // nobody there who could answer: the request ends here, or the user's server would show it for ever
    if (end === 'bounced' && event.verb === 'subscribe') {
      onFarVerb(user, peer, { kind: 'verb', verb: 'unsubscribed', status: null }).catch((thrown: unknown) =>
        log.warn({ peer, fault: toFault(thrown).code }, 'a refused request could not be ended'),
      );
    }
  }

  function onUndelivered(user: BareJid, peer: Account, resource: string | null, { stanza }: FaultData): void {
    if (stanza === undefined || !gone.includes(stanza.condition)) return;
    use(user, (circle) => {
      if (resource === null) return appear.gone(circle);
      appear.resource(circle, peer, { kind: 'resource', resource, show: 'offline', status: null, priority: 0 });
    });
  }

  // ---- sessions and the stream

  function onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void {
    if (status !== 'closed') parting.delete(user);
    use(user, (circle) => {
      announce.session(circle, status);
      if (status === 'refused') void tellRefused(user, fault);
      if (status !== 'online') return;
      appear.sessionUp(circle);
      rosters.ask(circle);
      void note(user, null);
    });
  }

  /** Once, until the link works again. */
  async function tellRefused(user: BareJid, fault: Fault | null): Promise<void> {
    try {
      if ((await state.read(tables.notes, user)).has(refusedNote)) return;
      say(user, fault?.text ?? new Fault('not-authorized').text);
      await note(user, '1');
    } catch (thrown) {
      log.warn({ peer: user, fault: toFault(thrown).code }, 'a refused password could not be noted');
    }
  }

  async function note(user: BareJid, value: string | null): Promise<void> {
    await state
      .write(tables.notes, user, new Map([[refusedNote, value]]))
      .catch((thrown: unknown) => log.debug({ peer: user, fault: toFault(thrown).code }, 'a note could not be stored'));
  }

  function onStream(now: 'up' | 'down'): void {
    appear.stream(now);
    if (now === 'down') return;
    announce.streamUp();
    rosters.askAll();
  }

  /** Where contacts cannot be written into the roster, the gateway's own is how users are seen; verbs alone tell the rest. */
  function onCompared(circle: Circle, { isWritten, sight }: Outcome): void {
    if (isWritten && circle.resources.size === 0) appear.ask(circle);
    if (sight !== 'writing') {
      gateway.ask(circle).catch((thrown: unknown) => {
        log.debug({ peer: circle.user, fault: toFault(thrown).code }, 'the gateway could not ask yet');
      });
    }
    if (sight === 'blind') appear.confirm(circle);
  }

  // ---- beginnings and endings

  async function start(): Promise<void> {
    const users = new Set(links.users());
    for await (const page of state.users(tables.shown)) for (const user of page) users.add(user);
    const all = [...users];
    for (let i = 0; i < all.length; i += loadsCount) {
      await Promise.all(all.slice(i, i + loadsCount).map((user) => circles.load(user)));
    }
    announce.begin();
    rosters.start();
    if (jabber.isUp()) for (const circle of circles.all()) if (isLinked(circle.user)) appear.ask(circle);
    log.info({ count: all.length }, 'contacts loaded');
  }

  async function farewell(user: BareJid): Promise<void> {
    const circle = await circles.load(user);
    parting.add(user);
    rosters.drop(circle);
    appear.drop(circle);
    await part(circle, stopping.signal);
    circles.drop(user);
  }

  return {
    onJabberVerb,
    onFarVerb,
    onEnded,
    onUndelivered,
    isMoot: ({ direction, user, peer }, event) =>
      direction === 'toJabber' &&
      event.kind === 'verb' &&
      isMoot(circles.get(user)?.buddies.get(peer)?.pair ?? newPair, event.verb),
    onResource: (user, peer, presence) => void use(user, (circle) => appear.resource(circle, peer, presence)),
    onProbe: (user, peer) => void use(user, (circle) => announce.probe(circle, peer)),
    onFarPresence: (user, peer, presence) => void use(user, (circle) => announce.farPresence(circle, peer, presence)),
    onContact: (user, peer, contact) => void use(user, (circle) => rosters.told(circle, peer, contact === null)),
    onSession,
    onStream,
    onRosterAccess: () => rosters.accessChanged(),
    plan: async (user, mayDelete, signal) => rosters.plan(await circles.load(user), mayDelete, signal),
    reconcile: async (user, mayDelete, signal) => rosters.run(await circles.load(user), mayDelete, signal),
    farewell,
    start,
    async stop(signal) {
      stopping.abort();
      subscribe.stop();
      circles.stop();
      await Promise.all([rosters.stop(), appear.stop()]);
      await announce.stop(signal);
    },
  };
}
