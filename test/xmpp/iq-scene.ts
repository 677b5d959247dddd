/** A component that is up against a scripted server, and a way to ask it: for the tests of what it answers. */
import { parseAccount, parseJid, type Account, type BareJid } from '../../src/core/address';
import { attr, childOf, elements, type Element } from '../../src/xmpp/stanza/element';
import { makeJabberSide, type JabberSide } from '../support/jabber-side';
import { until } from '../support/wait';
import { bounce, startScripted, welcome, type ScriptedConnection, type ScriptedServer } from './scripted-server';
import { stanzaOf } from './stanzas';

export const juliet = parseJid('juliet@jabber.test')?.bare as BareJid; // a good JID
export const romeo = parseAccount('romeo@far.test') as Account; // a good account
export const never = new AbortController().signal;

let server: ScriptedServer;
export let side: JabberSide;
export let connection: ScriptedConnection;

export async function begin(options: Parameters<typeof makeJabberSide>[0] | object = {}): Promise<void> {
  server = await startScripted(async (one) => {
    await welcome(one);
    await bounce(one);
  });
  side = makeJabberSide({ service: server.service, timing: { iqMs: 200, closeMs: 100, advertMs: 60_000 }, ...options });
  await side.jabber.start();
  connection = await server.connection(0);
}
afterEach(async () => {
  await side.jabber.stop();
  await server.close();
});

let count = 0;
/** Sends an iq and reads its one answer. */
export async function ask(
  type: string,
  payload: string,
  to = 'ximss.test',
  from = 'juliet@jabber.test/b',
  more = '',
): Promise<Element> {
  const id = `q${(count += 1)}`;
  connection.send(`<iq type='${type}' id='${id}' from='${from}' to='${to}' ${more}>${payload}</iq>`);
  const pattern = new RegExp(`<iq [^>]*?id="${id}"[^>]*?(?:/>|>.*?</iq>)`, 's');
  const text = await until(() => pattern.exec(connection.received())?.[0], {
    what: () => `an answer in ${connection.received()}`,
  });
  const answer = stanzaOf(text);
  expect(answer.attrs).toMatchObject({ from: to, to: from });
  return answer;
}

export const conditionOf = (answer: Element): string | undefined => {
  const error = childOf(answer, 'error');
  return error ? elements(error)[0]?.name : (attr(answer, 'type') ?? undefined);
};
export const infoQuery = `<query xmlns='http://jabber.org/protocol/disco#info'/>`;
export const registerQuery = (inside: string): string => `<query xmlns='jabber:iq:register'>${inside}</query>`;
