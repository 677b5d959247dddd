/** What goes wrong on TCP: lost connections, silence, garbage. Each has a name, is counted, and stays in its own session. */
import { until } from '../../support/wait';
import { Fault } from '../../../src/core/fault';
import { chat, jid, linkOf } from '../support';
import { juliet, startScenario, romeo, type Scenario } from '../scenario';

let scenario: Scenario;
afterEach(async () => {
  await scenario.end();
});

const codes = (outcomes: readonly PromiseSettledResult<void>[]): string[] =>
  outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'done' : (outcome.reason as Fault).code)); // all are Faults

describe('a connection lost in the middle', () => {
  test('a request that was written and not answered is of unknown outcome; the answered ones are done', async () => {
    scenario = await startScenario();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    scenario.server.faults.add({ action: 'dropAfter', request: 'sendIM', nth: 3 });
    const first = await Promise.allSettled(scenario.far.deliver(juliet, romeo, [chat('a'), chat('b')]));
    const second = await Promise.allSettled(scenario.far.deliver(juliet, romeo, [chat('c'), chat('d')]));
    expect(codes([...first, ...second])).toEqual(['done', 'done', 'unknown-outcome', 'unknown-outcome']);
    expect(actor.of('im').map(({ text }) => text)).toEqual(['a', 'b', 'c']);
    await until(() => scenario.statuses().includes('waiting'));
  });

  test('what was still queued was certainly not sent', async () => {
    scenario = await startScenario();
    await scenario.online();
    scenario.server.faults.add({ action: 'never', request: 'sendIM', count: 1000 });
    const outcomes = Promise.allSettled(
      scenario.far.deliver(
        juliet,
        romeo,
        Array.from({ length: 300 }, () => chat('x')),
      ),
    );
    await until(() => scenario.server.log.list().filter(({ xml }) => xml.startsWith('<sendIM')).length >= 128);
    scenario.server.dropAll();
    const counts = new Map<string, number>();
    for (const code of codes(await outcomes)) counts.set(code, (counts.get(code) ?? 0) + 1);
    expect(Object.fromEntries(counts)).toEqual({ 'unknown-outcome': 128, unavailable: 172 });
  });

  test('what may be repeated without harm is unavailable, never unknown', async () => {
    scenario = await startScenario();
    await scenario.online();
    scenario.server.faults.add({ action: 'drop', request: 'presenceSet' });
    await expect(scenario.far.setPresence(juliet, { show: 'away', status: null })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  test('a request that is never answered ends the session at its deadline', async () => {
    scenario = await startScenario('tcp', {}, { requestTimeoutMs: 300 });
    await scenario.online();
    scenario.server.faults.add({ action: 'never', request: 'sendIM' });
    scenario.server.faults.add({ action: 'never', request: 'rosterList' });
    const [message, roster] = await Promise.allSettled([
      scenario.far.deliver(juliet, romeo, [chat('x')])[0],
      scenario.far.roster(juliet),
    ]);
    expect(message).toMatchObject({ reason: { code: 'unknown-outcome' } });
    expect(roster).toMatchObject({ reason: { code: 'timeout' } });
    await until(() => scenario.statuses().filter((status) => status === 'online').length === 2);
  });

  test('a login that is never answered ends at its deadline and is tried again', async () => {
    scenario = await startScenario('tcp', {}, { requestTimeoutMs: 300 });
    scenario.server.faults.add({ action: 'never', request: 'listFeatures' });
    await scenario.online();
    expect(scenario.heard.statuses.map(({ status, fault }) => [status, fault?.code])).toEqual([
      ['connecting', undefined],
      ['waiting', 'timeout'],
      ['connecting', undefined],
      ['online', undefined],
    ]);
  });

  test.each(['connect', 'listFeatures', 'login', 'auth', 'signalBind'])('at %s: tried again', async (place) => {
    scenario = await startScenario('tcp', {}, { login: 'cram-md5' });
    scenario.server.faults.add({ action: 'drop', request: place === 'connect' ? '#connect' : place });
    await scenario.online();
    expect(scenario.statuses()).toEqual(['connecting', 'waiting', 'connecting', 'online']);
  });

  test('a server that was down at the start is found later', async () => {
    scenario = await startScenario();
    await scenario.server.stop();
    scenario.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
    await scenario.status('waiting');
    await expect(scenario.far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({ code: 'unavailable' });
    await scenario.server.start();
    await scenario.online();
  });

  test('a silent session is kept alive, and a dead one is found by its silence', async () => {
    scenario = await startScenario('tcp', {}, { keepAliveMs: 100, requestTimeoutMs: 300 });
    await scenario.online();
    const noops = (): number => scenario.server.log.list().filter(({ xml }) => xml.startsWith('<noop')).length;
    await until(() => noops() >= 3);
    scenario.server.faults.add({ action: 'never', request: 'noop' });
    await until(() => scenario.statuses().filter((status) => status === 'online').length === 2);
  });

  test('one session falls, the others stay', async () => {
    scenario = await startScenario();
    scenario.far.open(linkOf('romeo@example.org', 'romeo@example.net', 'other'));
    await scenario.online();
    const other = jid('romeo@example.org');
    await until(() => scenario.far.status(other) === 'online');
    scenario.server.faults.add({ action: 'drop', request: 'sendIM', account: 'juliet@example.net' });
    await Promise.allSettled(scenario.far.deliver(juliet, romeo, [chat('x')]));
    await until(() => scenario.statuses().filter((status) => status === 'online').length === 2);
    expect(scenario.heard.statuses.filter(({ user }) => user === other).map(({ status }) => status)).toEqual([
      'connecting',
      'online',
    ]);
  });
});

describe('input that should not be', () => {
  const deep = '<a>'.repeat(10_000) + '</a>'.repeat(10_000);
  test.each<[string, string | Uint8Array, string]>([
    ['no XML at all', 'hello', 'xml-malformed'],
    ['an element without end', '<readIM peer="romeo@example.net">', 'xml-malformed'],
    ['two roots', '<a/><b/>', 'xml-malformed'],
    ['bytes that are no UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xc3, 0x28, 0x3c, 0x2f, 0x61, 0x3e]), 'xml-malformed'],
    ['a DOCTYPE', '<!DOCTYPE a><a/>', 'xml-forbidden'],
    ['an entity bomb', '<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY c "&b;&b;">]><a>&c;</a>', 'xml-forbidden'],
    ['an entity of nobody', '<alert>&bomb;</alert>', 'xml-forbidden'],
    ['a processing instruction', '<?php?><a/>', 'xml-forbidden'],
    ['a comment', '<a><!-- x --></a>', 'xml-forbidden'],
    ['10 000 levels', deep, 'xml-limit'],
    ['50 MB of text', `<alert>${'x'.repeat(50_000_000)}</alert>`, 'xml-limit'],
    ['100 attributes', `<a ${Array.from({ length: 100 }, (_, i) => `a${i}="1"`).join(' ')}/>`, 'xml-limit'],
  ])('%s is skipped, counted and named; the session goes on', async (_, bytes, code) => {
    scenario = await startScenario('tcp', { maxUnreadBytes: 100_000_000 });
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    const framed = Buffer.concat([Buffer.from(bytes), Buffer.from([0])]);
    scenario.server.faults.add({ action: 'garbage', push: 'readIM', bytes: framed });
    actor.sendIM('juliet@example.net', 'after it');
    await until(() => scenario.heard.bodies().length === 1);
    expect(scenario.heard.bodies()).toEqual(['after it']);
    expect(scenario.heard.notices).toEqual([]);
    expect(scenario.meter.counts.get(`faults_total ximss ${code}`)).toBe(1);
    expect(scenario.log.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { kind: 'unreadable', fault: code }, message: 'what the server sent was not expected, ignored' },
    ]);
    expect(JSON.stringify(scenario.log.lines)).not.toMatch(/hello|bomb|xxx|php/);
    expect(scenario.statuses()).toEqual(['connecting', 'online']);
  });

  test.each<[string, string]>([
    ['a zero byte more', '\0\0\0'],
    ['an unknown element', '<whatever>x</whatever>\0'],
    ['an unknown element with an id', '<whatever id="99999"/>\0'],
    ['a response that nobody asked for', '<response id="99999"/>\0'],
    ['a response without id', '<response/>\0'],
    ['a failing response without id', '<response errorText="no" errorNum="5"/>\0'],
    ['a peer that is no address', '<readIM peer="@@@">x</readIM>\0'],
    ['no peer', '<readIM>x</readIM>\0'],
    ['a message without text', '<readIM peer="romeo@example.net"/>\0'],
    ['a roster item without peer', '<rosterItem name="x"/>\0'],
    ['an XML declaration', '<?xml version="1.0" encoding="utf-8"?><currentTime/>\0'],
  ])('%s is ignored', async (_, bytes) => {
    scenario = await startScenario();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    scenario.server.faults.add({ action: 'garbage', push: 'readIM', bytes });
    actor.sendIM('juliet@example.net', 'after it');
    await until(() => scenario.heard.events.length > 0);
    expect(scenario.heard.bodies()).toEqual(['after it']);
    expect(scenario.heard.contacts).toEqual([]);
    expect(scenario.statuses()).toEqual(['connecting', 'online']);
  });

  test('a server that sends nothing but garbage is left and tried again', async () => {
    scenario = await startScenario();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    scenario.server.faults.add({ action: 'garbage', push: 'readIM', bytes: 'garbage\0'.repeat(100) });
    actor.sendIM('juliet@example.net', 'x');
    await until(() => scenario.statuses().filter((status) => status === 'online').length === 2);
    expect(scenario.heard.statuses.find(({ status }) => status === 'waiting')?.fault?.code).toBe('xml-malformed');
  });

  test('a listener that throws instead of rejecting is asked again, as one that rejects', async () => {
    scenario = await startScenario();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    const onEvent = scenario.heard.onEvent.bind(scenario.heard);
    let callCount = 0;
    scenario.heard.onEvent = (...args) => {
      callCount += 1;
      if (callCount === 1) throw new Error('mine');
      return onEvent(...args);
    };
    actor.sendIM('juliet@example.net', 'x');
    await until(() => scenario.heard.bodies().length === 1);
    expect(scenario.statuses()).toEqual(['connecting', 'online']);
  });

  test('a listener that throws is logged and does not hurt the session', async () => {
    scenario = await startScenario();
    await scenario.online();
    scenario.heard.onAlert = () => {
      throw new Error('mine');
    };
    scenario.server.alert('x');
    await until(() => scenario.log.lines.some(({ level }) => level === 'error'));
    await scenario.far.deliver(juliet, romeo, [chat('x')])[0];
  });
});

test('clear text behind the response to starttls ends the connection', async () => {
  scenario = await startScenario('starttls');
  scenario.server.faults.add({ action: 'garbage', request: 'starttls', bytes: '<alert>evil</alert>\0' });
  await scenario.online();
  expect(scenario.statuses()).toEqual(['connecting', 'waiting', 'connecting', 'online']);
  expect(scenario.heard.notices).toEqual([]);
});
