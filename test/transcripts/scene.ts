/**
 * One transcript under way: who has received what, how a person says something, and the proof that nothing more is
 * coming. It knows both scripted networks and nothing of the program between them.
 */
import { until } from '../support/wait';
import { Element, xml } from '../support/xmpp/xml';
import { gateway, type Step, type Transcript } from './format';
import { filled, type Bound } from './match';
import { bridgeDomain, jabberDomain, type XmppNetwork } from './xmpp-network';
import { ximssDomain, type XimssNetwork } from './ximss-network';

export interface Scene {
  readonly bound: Bound;
  /** Does every step but `receives`. Rejects when it does not hold. */
  act(step: Exclude<Step, { do: 'receives' }>): Promise<void>;
  /** The next thing for a person; rejects at the deadline. */
  next(who: string, deadlineMs: number): Promise<Element>;
  /** Resolves when whatever was under way has come: a word has gone through every conversation, both ways. */
  settle(): Promise<void>;
  /** What has come and was not asked for, of those who are looked at. */
  leftOver(): readonly { readonly who: string; readonly xml: Element }[];
}

/** People that are looked at only where a line says that they receive something. */
const unwatched: readonly string[] = ['server', 'ximss', gateway];
const isReceived = (step: Step) => step.do === 'receives' || step.do === 'receives nothing';

export function makeScene(transcript: Transcript, xmpp: XmppNetwork, ximss: XimssNetwork): Scene {
  const { linked, contacts, seen, steps } = transcript;
  const arrived = new Map<string, Element[]>();
  const words = new Set<string>();
  const bound: Bound = new Map();
  let wordCount = 0;

  const arrive = (who: string, element: Element): void => {
    const word = /last-word-\d+/.exec(element.toString())?.[0];
    if (word !== undefined) words.add(word);
    else arrived.set(who, [...(arrived.get(who) ?? []), element]);
  };
  xmpp.onStanza((stanza) => arrive(readerOf(stanza), withoutStreamNs(stanza)));
  ximss.onRequest((request) => arrive(localPart(request.attrs['peer']) ?? 'ximss', request));

  const send = (who: string, element: Element): Promise<void> => {
    const { attrs, name, children } = filled(element, bound);
    const isStanza = attrs['to'] !== undefined && ['message', 'presence', 'iq'].includes(name);
    if (!isStanza) return ximss.send(`${linked[0] ?? 'juliet'}@${ximssDomain}`, new Element(name, attrs, children));
    const from = who === 'server' ? jabberDomain : `${who}@${jabberDomain}/balcony`;
    return xmpp.send(new Element(name, { from, ...attrs }, children));
  };

  const wordArrives = async (say: (word: string) => Promise<void>): Promise<void> => {
    wordCount += 1;
    const word = `last-word-${wordCount}`;
    await say(word);
    await until(() => words.has(word), { what: 'a word through the conversation' });
  };

  async function settle(): Promise<void> {
    for (const user of linked.length > 0 ? linked : strangers(transcript)) {
      for (const contact of contacts) {
        const to = `${contact}@${bridgeDomain}`;
        await wordArrives((word) => send(user, xml('message', { to, type: 'chat', id: word }, xml('body', {}, word))));
      }
      if (linked.includes(user)) await hear(`${user}@${ximssDomain}`);
    }
  }

  async function hear(account: string): Promise<void> {
    for (const contact of contacts) {
      const attrs = { peer: `${contact}@${ximssDomain}`, type: 'chat' };
      await wordArrives((word) => ximss.send(account, xml('readIM', attrs, xml('body', {}, word))));
    }
    for (const contact of seen) {
      const peer = `${contact}@${ximssDomain}`;
      const online = xml('presence', {}, 'online');
      await wordArrives((word) => ximss.send(account, xml('presence', { peer }, online, xml('status', {}, word))));
    }
  }

  return {
    bound,
    settle,
    async act(step) {
      switch (step.do) {
        case 'sends':
          return send(step.who, step.xml);
        case 'answers':
          return ximss.answer(step.request, step.documents);
        case 'ignores':
          return ximss.answer(step.request, []);
        case 'hangs up':
          return ximss.hangUp();
        case 'receives nothing': {
          await settle();
          const [unexpected] = arrived.get(step.who) ?? [];
          if (unexpected !== undefined) throw new Error(`${step.who} got ${unexpected.toString()}`);
        }
      }
    },
    async next(who, deadlineMs) {
      const found = await until(() => arrived.get(who)?.[0], { deadlineMs, what: `something for ${who}` });
      arrived.get(who)?.shift();
      return found;
    },
    leftOver() {
      const named = new Set(steps.flatMap((step) => ('who' in step && isReceived(step) ? [step.who] : [])));
      const watched = [...arrived.keys()].filter((who) => named.has(who) || !unwatched.includes(who));
      return watched.flatMap((who) => (arrived.get(who) ?? []).map((one) => ({ who, xml: one })));
    },
  };
}

/** Whose stanza it is that the bridge hands to the XMPP server. */
function readerOf({ name, attrs }: Element): string {
  if (attrs['to'] === jabberDomain) return 'server';
  if (name === 'presence' && attrs['from'] === bridgeDomain) return gateway;
  return localPart(attrs['to']) ?? 'server';
}

/** Without the namespace that every stanza of the stream has. */
function withoutStreamNs({ name, attrs, children }: Element): Element {
  const kept = Object.entries(attrs).filter(([key, value]) => key !== 'xmlns' || value !== 'jabber:component:accept');
  return new Element(name, Object.fromEntries(kept), children);
}

const localPart = (address: string | undefined): string | null => /^([^@/]+)@/.exec(address ?? '')?.[1] ?? null;

/** Jabber people who are not linked: those who send stanzas. */
function strangers({ steps }: Transcript): string[] {
  const senders = steps.flatMap((step) =>
    step.do === 'sends' && step.xml.attrs['to'] !== undefined && step.who !== 'server' ? [step.who] : [],
  );
  return [...new Set(senders)];
}
