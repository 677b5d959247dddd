/** What an HTTP session holds that a killed bridge left behind: it is fetched, in order, once, and the session ended. */
import type { NoteStore } from '../../../src/bridge/ports';
import type { BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import { makeFarPort } from '../../../src/ximss/port';
import { systemClock } from '../../../src/ops/clock';
import { until } from '../../support/wait';
import { startXimssServer, type XimssServer } from '../../support/ximss-server/server';
import { baseSettings, countingMeter, linkOf, rememberingListener, rememberingLog, serverAt } from '../support';

const link = linkOf('juliet@jabber.test', 'juliet@example.net', 'secret');

let server: XimssServer;
const ends: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  server = await startXimssServer({
    domains: ['example.net'],
    accounts: ['juliet', 'romeo'].map((name) => ({ account: `${name}@example.net`, password: 'secret' })),
  });
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await server.stop();
});

/** A session that nobody serves any more: logged in, bound, this many requests made. */
async function leaveBehind(requests: number): Promise<{ urlId: string; get: (ack: number) => Promise<string> }> {
  const base = `http://127.0.0.1:${server.httpPort}`;
  const post = async (path: string, type: string, body: string): Promise<string> =>
    (await fetch(base + path, { method: 'POST', headers: { 'content-type': type }, body })).text();
  const login = 'userName=juliet@example.net&password=secret&errorAsXML=1';
  const said = await post('/ximsslogin/', 'application/x-www-form-urlencoded', login);
  const urlId = /urlID="([^"]+)"/.exec(said)?.[1] ?? '';
  for (let reqSeq = 1; reqSeq <= requests; reqSeq += 1) {
    const request =
      reqSeq === 1 ? '<signalBind id="1" readIM="yes" clientID="xmpp-bridge"/>' : `<noop id="${reqSeq}"/>`;
    await post(`/Session/${urlId}/sync?reqSeq=${reqSeq}`, 'text/xml', `<XIMSS>${request}</XIMSS>`);
  }
  const get = async (ack: number): Promise<string> =>
    (await fetch(`${base}/Session/${urlId}/get?ackSeq=${ack}&maxWait=0`)).text();
  return { urlId, get };
}

/** The far port with the link open; what of it is noted begins with this. */
function begin(note: object | string | null) {
  const port = prepare(note);
  port.far.open(link);
  return port;
}

function prepare(note: object | string | null) {
  const stored = new Map<BareJid, string>();
  if (note !== null) stored.set(link.user, typeof note === 'string' ? note : JSON.stringify(note));
  const state = { isStoreAway: false, refusedCount: 0 };
  const ask = async <T>(answer: () => T): Promise<T> => {
    if (!state.isStoreAway) return Promise.resolve(answer());
    state.refusedCount += 1;
    return Promise.reject(new Fault('store-away'));
  };
  const notes: NoteStore = {
    read: (user) => ask(() => stored.get(user) ?? null),
    write: (user, text) => ask(() => void (text === null ? stored.delete(user) : stored.set(user, text))),
  };
  const listener = rememberingListener();
  const heard: { text: string; identity: string | null }[] = [];
  const log = rememberingLog();
  const far = makeFarPort({
    settings: { ...baseSettings, server: serverAt(`http://127.0.0.1:${server.httpPort}`) },
    notes,
    clock: { ...systemClock, dice: () => 0 },
    log,
    meter: countingMeter(),
  });
  far.start({
    ...listener,
    onEvent(_user, _peer, event, identity) {
      return ask(() => void (event.kind === 'message' && heard.push({ text: event.body, identity })));
    },
  });
  ends.unshift(() => far.stop(AbortSignal.timeout(2_000)));
  const statuses = () => listener.statuses.map(({ status }) => status);
  return { far, heard, stored, state, log, statuses, texts: () => heard.map(({ text }) => text) };
}

const noteOf = (urlId: string, changes: object = {}) => ({
  account: 'juliet@example.net',
  urlId,
  cookie: null,
  ackSeq: 0,
  reqSeq: 8,
  ...changes,
});
const romeoSays = (...texts: string[]) => {
  const romeo = server.client('romeo@example.net');
  for (const text of texts) romeo.sendIM('juliet@example.net', text);
};
const sessions = () => server.sessions().filter(({ transport }) => transport === 'http');
const isUp = (urlId: string) => () =>
  sessions().length === 1 && sessions().every((one) => one.isBound && one.urlID !== urlId);

test.each([1, 2, 7, 8])(
  'after %d requests: what was answered and not acknowledged, and what waits, comes in order',
  async (requests) => {
    const { urlId, get } = await leaveBehind(requests);
    romeoSays('kept 1', 'kept 2');
    expect(await get(0)).toContain('kept 2'); // its reader died
    romeoSays('waiting 1', 'waiting 2');
    const { texts, heard } = begin(noteOf(urlId));
    await until(isUp(urlId), { what: 'the new session, alone' });
    romeoSays('new');
    await until(() => texts().length >= 5, { what: () => `five messages, there are ${texts().join()}` });
    expect(texts()).toEqual(['kept 1', 'kept 2', 'waiting 1', 'waiting 2', 'new']);
    expect(new Set(heard.map(({ identity }) => identity)).size).toBe(5);
  },
);

test('what the note says is acknowledged does not come again, and what may come again has an identity', async () => {
  const { urlId, get } = await leaveBehind(3);
  romeoSays('stored');
  await get(0);
  romeoSays('perhaps stored');
  await get(1);
  const first = begin(noteOf(urlId, { ackSeq: 1 }));
  await until(isUp(urlId), { what: 'the new session, alone' });
  expect(first.heard).toEqual([{ text: 'perhaps stored', identity: expect.stringMatching(/./) as string }]);
});

test('a session in service is noted, with what it has acknowledged; a goodbye ends the note', async () => {
  const { far, stored, texts } = begin(null);
  await until(() => sessions().some(({ isBound }) => isBound));
  romeoSays('one');
  await until(() => texts().length === 1);
  await until(() => (stored.get(link.user) ?? '').includes('"ackSeq":1'), { what: 'the note' });
  await far.stop(AbortSignal.timeout(2_000));
  expect([...stored]).toEqual([]);
});

test('what falls between the end of the old session and the new bind is stored by the server and comes too', async () => {
  const { urlId } = await leaveBehind(5);
  let isSaid = false;
  server.onDocument(({ dir, xml }) => {
    if (isSaid || dir !== 'in' || !xml.includes('signalBind')) return;
    isSaid = true;
    romeoSays('in between');
  });
  const { texts } = begin(noteOf(urlId));
  await until(() => texts().length === 1, { what: 'the message in between' });
  expect(texts()).toEqual(['in between']);
});

test.each(['signalUnbind', 'bye'].flatMap((name) => [1, 4, 8].map((requests) => [name, requests] as const)))(
  'what comes in the very moment of its %s comes too, after %d requests',
  async (name, requests) => {
    const { urlId } = await leaveBehind(requests);
    server.onDocument(({ dir, xml }) => {
      if (dir !== 'in' || !xml.startsWith(`<XIMSS><${name} `)) return;
      server.onDocument(null);
      romeoSays('last');
    });
    const { texts } = begin(noteOf(urlId));
    await until(isUp(urlId), { what: 'the new session, alone' });
    await until(() => texts().length > 0, { what: 'the message' });
    expect(texts()).toEqual(['last']);
  },
);

test('the number of requests is noted ahead of them, and never far from them', async () => {
  const { far, stored } = begin(null);
  await until(() => far.status(link.user) === 'online', { what: 'the link' });
  for (let made = 2; made <= 40; made += 1) {
    await far.setPresence(link.user, { show: made % 2 === 0 ? 'online' : 'away', status: null });
    const { reqSeq } = JSON.parse(stored.get(link.user) ?? '{}') as { reqSeq: number }; // what http-session-record.ts writes
    expect(reqSeq).toBeGreaterThanOrEqual(made);
    expect(reqSeq - made).toBeLessThan(12);
  }
});

test.each<[string, object | string]>([
  ['of a session that is gone', noteOf('1-nobody')],
  ['of another account', noteOf('1-nobody', { account: 'romeo@example.net' })],
  ['that cannot be read', '{'],
  ['of another shape', '{"urlId":1}'],
])('a note %s does not keep the link away', async (_name, note) => {
  const { far } = begin(note);
  await until(() => far.status(link.user) === 'online', { what: 'the link' });
});

test('a server that will not give what it holds is asked three times, then the link goes on without', async () => {
  const { urlId } = await leaveBehind(1);
  server.faults.add({ request: '#get', action: 'status', status: 403, count: 3 });
  const { far, log } = begin(noteOf(urlId));
  await until(() => far.status(link.user) === 'online', { deadlineMs: 15_000, what: 'the link' });
  expect(log.lines.map(({ message }) => message)).toContain('what an earlier session holds is not to be had');
}, 20_000);

test('a goodbye over HTTP waits for the answer of the waiting get: what came in that very moment is not dropped', async () => {
  const { far, texts } = begin(null);
  await until(() => far.status(link.user) === 'online', { what: 'the link' });
  server.onDocument(({ dir, xml }) => {
    if (dir !== 'in' || !xml.startsWith('<XIMSS><bye')) return;
    server.onDocument(null);
    romeoSays('while leaving');
  });
  await far.stop(AbortSignal.timeout(2_000));
  expect(texts()).toEqual(['while leaving']);
});

test('a session that is given up takes nothing with it that it holds, and one licence is enough', async () => {
  await server.stop();
  server = await startXimssServer({
    domains: ['example.net'],
    maxSessions: 1,
    accounts: ['juliet', 'romeo'].map((name) => ({ account: `${name}@example.net`, password: 'secret' })),
  });
  const { far, texts } = begin(null);
  await until(() => far.status(link.user) === 'online', { what: 'the link' });
  const [first] = sessions();
  server.faults.add({ request: '#get', action: 'never' }); // the one after this
  romeoSays('answers the get that waits');
  await until(() => texts().length === 1);
  romeoSays('held');
  server.faults.add({ action: 'garbage', request: '#sync', bytes: '<', count: 6 });
  await far.setPresence(link.user, { show: 'away', status: null }).catch(() => undefined);
  await until(isUp(first?.urlID ?? ''), { what: 'the new session, alone' });
  await until(() => texts().length > 1, { what: 'what was held' });
  expect(texts()).toEqual(['answers the get that waits', 'held']);
});

test('while our own store is away nobody logs in, and the XIMSS server is not taken for away', async () => {
  const { urlId } = await leaveBehind(1);
  romeoSays('held');
  const { far, state, texts, log, statuses } = prepare(noteOf(urlId));
  let loginCount = 0;
  server.onDocument(({ dir, xml }) => void (dir === 'in' && xml.includes('ximsslogin') && (loginCount += 1)));
  state.isStoreAway = true;
  far.open(link);
  await until(() => state.refusedCount >= 3, { what: 'three looks' });
  expect(statuses().filter((status) => status === 'waiting')).toHaveLength(1); // and not with each look
  expect(loginCount).toBe(0);
  expect(log.lines.map(({ message }) => message).filter((message) => message.startsWith('the XIMSS server'))).toEqual(
    [],
  );
  state.isStoreAway = false;
  await until(() => far.status(link.user) === 'online' && texts().length === 1, {
    what: 'the link, and what was held',
  });
});

test('a take-over that the store breaks off, in a bridge that is killed then, loses nothing', async () => {
  const { urlId } = await leaveBehind(5);
  const { far, state, stored } = prepare(noteOf(urlId));
  server.onDocument(({ dir, xml }) => {
    if (dir !== 'in' || !/<(signalUnbind|bye) /.test(xml)) return;
    state.isStoreAway = true;
    romeoSays('in that moment');
  });
  romeoSays('before');
  far.open(link);
  await until(() => state.refusedCount > 0, { what: 'something that cannot be stored' });
  server.onDocument(null);
  await far.stop(AbortSignal.abort());
  const next = begin(stored.get(link.user) ?? null);
  await until(() => next.texts().includes('in that moment'), { what: 'what came in that moment' });
  expect(next.texts().filter((text) => text === 'in that moment')).toHaveLength(1);
});

test('a stop while nothing can be stored leaves what the session holds to the next start', async () => {
  const { far, state, stored } = begin(null);
  await until(() => far.status(link.user) === 'online', { what: 'the link' });
  state.isStoreAway = true;
  romeoSays('held');
  await until(() => state.refusedCount > 0, { what: 'something that cannot be stored' });
  await far.stop(AbortSignal.timeout(3_000));
  const next = begin(stored.get(link.user) ?? null);
  await until(() => next.texts().length > 0, { what: 'what was held' });
  expect(next.texts()).toEqual(['held']);
});
