/** A stop that finds a session just bound: what the server pushes to it then is stored, since the server keeps it no more. */
import { makeFarPort } from '../../../src/ximss/port';
import { systemClock } from '../../../src/ops/clock';
import { until } from '../../support/wait';
import { startXimssServer, type XimssServer } from '../../support/ximss-server/server';
import { baseSettings, countingMeter, linkOf, rememberingListener, rememberingLog, serverAt } from '../support';

const link = linkOf('juliet@jabber.test', 'juliet@example.net', 'secret');
let server: XimssServer;
beforeEach(async () => {
  server = await startXimssServer({
    domains: ['example.net'],
    accounts: ['juliet', 'romeo'].map((name) => ({ account: `${name}@example.net`, password: 'secret' })),
  });
});
afterEach(() => server.stop());

test('what was stored for the account is not lost with a session that was stopped while it was bound', async () => {
  server.client('romeo@example.net').sendIM('juliet@example.net', 'held');
  const texts: string[] = [];
  const far = makeFarPort({
    settings: { ...baseSettings, server: serverAt(`ximss://127.0.0.1:${server.tcpPort}`) },
    notes: { read: () => Promise.resolve(null), write: () => Promise.resolve() },
    clock: systemClock,
    log: rememberingLog(),
    meter: countingMeter(),
  });
  far.start({
    ...rememberingListener(),
    onEvent(_user, _peer, event) {
      if (event.kind === 'message') texts.push(event.body);
      return Promise.resolve();
    },
  });
  const stopped: Promise<void>[] = [];
  server.onDocument(({ dir, xml }) => {
    if (dir === 'in' && xml.startsWith('<signalBind')) stopped.push(far.stop(AbortSignal.timeout(5_000)));
  });
  far.open(link);
  await until(() => stopped.length > 0, { what: 'a session that is being bound' });
  await Promise.all(stopped);
  expect(texts).toEqual(['held']);
});
