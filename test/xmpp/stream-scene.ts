/** A component against a scripted server, for the tests of its stream; everything is ended after each test. */
import { parseAccount, parseJid, type Account, type BareJid } from '../../src/core/address';
import { makeJabberSide, type JabberSide, type SideOptions } from '../support/jabber-side';
import { bounce, startScripted, welcome, type ScriptedServer } from './scripted-server';

export const romeo = parseAccount('romeo@far.test') as Account; // a good account
export const juliet = parseJid('juliet@jabber.test')?.bare as BareJid; // a good JID
export const streamError = (condition: string): string =>
  `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`;

export let server: ScriptedServer | undefined;
let side: JabberSide | undefined;
afterEach(async () => {
  await side?.jabber.stop();
  await server?.close();
  side = server = undefined;
});

export function makeSide(options: Partial<SideOptions> = {}): JabberSide {
  const timing = { closeMs: 100, ...options.timing }; // the scripted server does not close
  side = makeJabberSide({ service: server?.service ?? '', ...options, timing });
  return side;
}

/** A server that plays this with each connection. */
export async function playServer(script: Parameters<typeof startScripted>[0]): Promise<ScriptedServer> {
  server = await startScripted(script);
  return server;
}

/** A stream that is up; the scripted server goes on with `after`. */
export async function up(
  options: Partial<SideOptions> = {},
  after: Parameters<typeof startScripted>[0] = bounce,
): Promise<JabberSide> {
  await playServer(async (connection, index) => {
    await welcome(connection);
    await after(connection, index);
  });
  const made = makeSide(options);
  await made.jabber.start();
  return made;
}
