/**
 * One test server and requests to its HTTP port, for a file of tests: `boot` starts the server, `down` ends it after each
 * test. The module belongs to one test file, so its server does too.
 */
import type { XimssServer, XimssServerOptions } from '../../../support/ximss-server/server';
import { alice, makeHarness, password } from '../harness';
import { web, type WebAnswer } from './client';

const harness = makeHarness();
export const down = harness.down;
export let server: XimssServer;

export async function boot(options: XimssServerOptions = {}): Promise<void> {
  server = await harness.boot(options);
}

export const get = (path: string): Promise<WebAnswer> => web(server.httpPort, 'GET', path);
export const post = (path: string, body: string, type = 'text/xml'): Promise<WebAnswer> =>
  web(server.httpPort, 'POST', path, { body, type });
export const ximssDocument = (...requests: string[]): string => `<XIMSS>${requests.join('')}</XIMSS>`;
export const query = `errorAsXML=1&version=6.1&userName=${alice}&password=${password}`;

/** Logs alice in and gives the session URL. */
export async function login(extra = ''): Promise<string> {
  const { body } = await get(`/ximsslogin/?${query}${extra}`);
  const urlID = /urlID="([^"]+)"/.exec(body)?.[1];
  if (urlID === undefined) throw new Error(body);
  return `/Session/${urlID}/`;
}

/** A session that is bound for presence and messages. */
export async function bound(extra = ''): Promise<string> {
  const session = await login(extra);
  await post(
    `${session}sync?reqSeq=1`,
    ximssDocument('<signalBind id="1" clientID="xmpp" presence="yes" readIM="1"/>'),
  );
  return session;
}
