/**
 * Writes a transcript from live traffic: the real program between a real Prosody and the XIMSS test server, both wires
 * listened to. Juliet (XMPP) and Romeo (XIMSS) do what they are told, one sentence after the other. What the runner's
 * networks answer by themselves is left out, as are the gateway's own presence and the users' own.
 */
import { StringDecoder } from 'node:string_decoder';
import { connect, type JabberClient } from '../support/xmpp/jabber-client';
import { startProsody } from '../support/servers';
import { startRedis } from '../support/servers/redis';
import { makeTempDir, removeTempDir } from '../support/temp';
import { pause, until } from '../support/wait';
import { makeSplitter, parseXml, type Element } from '../support/xmpp/xml';
import { startXimssServer, type Actor } from '../support/ximss-server/server';
import { parseTranscript, type Step, type Transcript } from './format';
import { generalised, recognised, type Bound } from './match';
import { startProgram } from './program';
import { startTap, type Listen } from './tap';
import { isOrdinary, ximssDomain } from './ximss-network';
import { bridgeDomain, jabberDomain } from './xmpp-network';

/** After a sentence: so long nothing more has come. */
const quietMs = 700;
const sentence = /^(juliet|romeo) (says|is|asks|approves|denies)(?: (.*))?$/;
const verbs = { asks: 'subscribe', approves: 'subscribed', denies: 'unsubscribed' } as const;

/** Plays the sentences and gives back what went over both wires. Rejects for one that it does not understand. */
export async function record(requirement: string, sentences: readonly string[]): Promise<Transcript> {
  const undo: (() => Promise<unknown>)[] = [];
  const keep = <T>(made: T, end: (made: T) => Promise<unknown>): T => {
    undo.push(() => end(made));
    return made;
  };
  try {
    const domains = { domain: jabberDomain, componentDomain: bridgeDomain, privileges: false };
    const xmpp = keep(await startProsody(domains), (one) => one.dispose());
    const accounts = ['juliet', 'romeo'].map((name) => ({ account: `${name}@${ximssDomain}`, password: 'secret' }));
    const ximss = keep(await startXimssServer({ domains: [ximssDomain], accounts }), (one) => one.stop());
    const redis = keep(await startRedis({ unixsocket: true }), (one) => one.dispose());
    const dir = keep(makeTempDir('record'), (one) => Promise.resolve(removeTempDir(one)));
    await xmpp.register('juliet', 'secret');
    const traffic = makeTraffic();
    const jabberWire = keep(await startTap(xmpp.componentPort, traffic.xmpp), (one) => one.close());
    const farWire = keep(await startTap(ximss.tcpPort, traffic.ximss), (one) => one.close());
    const servers = { redis, secret: xmpp.secret, service: `xmpp://127.0.0.1:${jabberWire.port}` };
    const server = `ximss://127.0.0.1:${farWire.port}`;
    keep(await startProgram({ linked: ['juliet'], config: {} }, dir, { ...servers, server }), (one) => one.stop());
    await until(() => ximss.sessions().some(({ isBound }) => isBound), { what: 'the XIMSS session' });
    const juliet = keep(
      await connect({ server: xmpp, user: 'juliet', password: 'secret', resource: 'balcony' }),
      (one) => one.close(),
    );
    const romeo = ximss.client(`romeo@${ximssDomain}`);
    await traffic.quiet();
    traffic.steps.length = 0;
    for (const [index, text] of sentences.entries()) {
      perform(text, `m${index + 1}`, juliet, romeo);
      await traffic.quiet();
    }
    return { ...parseTranscript(`# ${requirement}\n`), steps: [...traffic.steps] };
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

function perform(text: string, id: string, juliet: JabberClient, romeo: Actor): void {
  const [, who, verb, more = ''] = sentence.exec(text) ?? [];
  const ghost = `romeo@${bridgeDomain}`;
  const account = `juliet@${ximssDomain}`;
  if (verb === 'says') return who === 'juliet' ? void juliet.message(ghost, more, id) : romeo.sendIM(account, more);
  if (verb === 'is' && who === 'romeo') return romeo.setPresence(more);
  if (verb !== 'asks' && verb !== 'approves' && verb !== 'denies') throw new Error(`not understood: ${text}`);
  if (who === 'juliet') juliet.presence({ to: ghost, type: verbs[verb] });
  else romeo.verb(verbs[verb], account);
}

function makeTraffic() {
  const steps: Step[] = [];
  const bound: Bound = new Map();
  let lastMs = 0;
  const note = (step: Step): void => {
    lastMs = performance.now();
    steps.push(step);
  };
  const received = (who: string, xml: Element): void => note({ do: 'receives', who, xml: generalised(xml, bound) });
  const sent = (who: string, xml: Element): void => note({ do: 'sends', who, xml: recognised(xml, bound) });

  const xmpp: Listen = () => {
    const fromBridge = makeStanzas((stanza) => {
      const who = personOf(stanza.attrs['to'], jabberDomain);
      if (who !== null && stanza.attrs['from'] !== bridgeDomain) received(who, stanza);
    });
    const toBridge = makeStanzas((stanza) => {
      const who = personOf(stanza.attrs['from'], jabberDomain);
      if (who !== null && stanza.attrs['to'] !== bridgeDomain && stanza.attrs['type'] !== 'probe') sent(who, stanza);
    });
    return { fromBridge: (bytes) => fromBridge.write(bytes), toBridge: (bytes) => toBridge.write(bytes) };
  };
  const ximss: Listen = () => {
    const fromBridge = makeDocuments((document) => {
      const who = personOf(document.attrs['peer'], ximssDomain);
      if (who !== null && !isOrdinary(document)) received(who, document);
    });
    const toBridge = makeDocuments((document) => {
      const who = personOf(document.attrs['peer'], ximssDomain);
      if (who !== null && document.attrs['id'] === undefined) sent(who, document);
    });
    return { fromBridge, toBridge };
  };
  return {
    steps,
    xmpp,
    ximss,
    quiet: async () => {
      lastMs = performance.now();
      await until(() => performance.now() - lastMs > quietMs, { deadlineMs: 30_000, what: 'quiet wires' });
      await pause(0);
    },
  };
}

const personOf = (address: string | undefined, domain: string): string | null => {
  const [, local = null, host] = /^([^@/]+)@([^/]+)/.exec(address ?? '') ?? [];
  return host === domain ? local : null;
};

function makeStanzas(onStanza: (stanza: Element) => void) {
  const nothing = (): void => undefined;
  return makeSplitter({ onHeader: nothing, onStanza: (text) => onStanza(parseXml(text)), onEnd: nothing });
}

function makeDocuments(onDocument: (document: Element) => void): (bytes: Buffer) => void {
  const decoder = new StringDecoder('utf8');
  let unread = '';
  return (bytes) => {
    const documents = (unread + decoder.write(bytes)).split('\0');
    unread = documents.pop() ?? '';
    for (const document of documents) onDocument(parseXml(document));
  };
}
