/** Messages over every wire: order, text, refusals, what is held back. Against the XIMSS test server. */
import { until } from '../../support/wait';
import { account, chat } from '../../ximss/support';
import { juliet, romeo, scenariosOver, wires, type Scenario } from '../../ximss/scenario';

describe.each(wires)('over %s', (wire) => {
  let scenario: Scenario;
  const begin = scenariosOver(wire, (begun) => (scenario = begun));

  test('messages go out in order and come in in order', async () => {
    await begin();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    const bodies = Array.from({ length: 300 }, (_, index) => `message ${index}`);
    await Promise.all(
      scenario.far.deliver(
        juliet,
        romeo,
        bodies.map((body) => chat(body)),
      ),
    );
    expect(actor.of('im').map(({ text }) => text)).toEqual(bodies);
    for (const body of bodies) actor.sendIM('juliet@example.net', body);
    await until(() => scenario.heard.bodies().length >= bodies.length);
    expect(scenario.heard.bodies()).toEqual(bodies);
    expect(scenario.statuses()).toEqual(['connecting', 'online']);
  });

  test.each([
    ['line breaks', 'one\ntwo\r\nthree\rfour', 'one\ntwo\r\nthree\rfour'],
    ['emoji and right-to-left', '😀 שלום 👩‍👩‍👧', '😀 שלום 👩‍👩‍👧'],
    ['markup', '<b a="1">&amp; ]]> \'</b>', '<b a="1">&amp; ]]> \'</b>'],
    ['white space at the ends', '  a  ', '  a  '],
    ['what XML cannot carry is left out', 'a\u0007b\u0000c\ufffed', 'abcd'],
    ['200 000 characters', 'ж'.repeat(100_000), 'ж'.repeat(100_000)],
  ])('text survives: %s', async (_, said, arrived) => {
    await begin();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    await scenario.far.deliver(juliet, romeo, [chat(said)])[0];
    expect(actor.of('im').map(({ text }) => text)).toEqual([arrived]);
    actor.sendIM('juliet@example.net', said);
    await until(() => scenario.heard.bodies().length === 1);
    expect(scenario.heard.bodies()).toEqual([arrived]);
  });

  test('a refused message is refused with the text and number of the server; its neighbours go on', async () => {
    await begin();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    scenario.server.faults.add({ action: 'refuse', request: 'sendIM', nth: 2, errorNum: 77, errorText: 'no thanks' });
    const outcomes = await Promise.allSettled(scenario.far.deliver(juliet, romeo, [chat('a'), chat('b'), chat('c')]));
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'refused', number: 77, text: 'no thanks' } },
      { status: 'fulfilled' },
    ]);
    expect(actor.of('im').map(({ text }) => text)).toEqual(['a', 'c']);
    await expect(scenario.far.deliver(juliet, account('nobody@example.net'), [chat('x')])[0]).rejects.toMatchObject({
      code: 'refused',
    });
  });

  test('a subject is the first line; a receipt has no word in XIMSS', async () => {
    await begin();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    await scenario.far.deliver(juliet, romeo, [chat('text', { subject: 'Topic' })])[0];
    await scenario.far.deliver(juliet, romeo, [
      { ...chat(''), event: { kind: 'receipt', of: 'x', resource: null } },
    ])[0];
    expect(actor.of('im').map(({ text }) => text)).toEqual(['Topic\ntext']);
  });

  test('stored messages come with their time and a name for the dedupe window', async () => {
    await begin();
    const actor = scenario.server.client('romeo@example.net');
    actor.sendIM('juliet@example.net', 'while you were away');
    await scenario.online();
    await until(() => scenario.heard.bodies().length === 1);
    const [heard] = scenario.heard.events;
    expect(heard).toMatchObject({ peer: romeo, event: { body: 'while you were away', nick: 'Romeo' } });
    expect(heard?.event.kind === 'message' && Math.abs((heard.event.sentAt ?? 0) - Date.now()) < 60_000).toBe(true);
    expect(heard?.identity).toEqual(expect.stringMatching(/./)); // over HTTP its place in the session, else what it says
  });

  test('chat states go both ways, the others are dropped', async () => {
    await begin();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    for (const state of ['composing', 'active', 'inactive', 'paused', 'gone'] as const) {
      scenario.far.sendChatState(juliet, romeo, { kind: 'chatState', state });
    }
    await actor.waitFor(({ state }) => state === 'gone');
    expect(actor.of('im').map(({ state }) => state)).toEqual(['composing', 'paused', 'gone']);
    actor.sendIM('juliet@example.net', '', { state: 'composing' });
    await until(() => scenario.heard.events.some(({ event }) => event.kind === 'chatState'));
    expect(scenario.heard.events).toMatchObject([{ peer: romeo, event: { kind: 'chatState', state: 'composing' } }]);
  });

  test('while the store cannot take them, messages are held and then come once and in order', async () => {
    await begin();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    let isAway = true;
    scenario.heard.store = () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve());
    const bodies = Array.from({ length: 600 }, (_, index) => `${index}`);
    for (const body of bodies) actor.sendIM('juliet@example.net', body);
    await until(() => scenario.log.lines.some(({ message }) => message === 'held back for the store'));
    isAway = false;
    await until(() => scenario.heard.bodies().length >= bodies.length);
    expect(scenario.heard.bodies()).toEqual(bodies);
    expect(scenario.statuses()).toEqual(['connecting', 'online']);
  });

  test('one byte at a time is as good as all at once', async () => {
    await begin();
    // the server cannot split what it writes just before it wraps the socket in TLS
    scenario.server.faults.add({ action: 'splitBytes', request: wire === 'starttls' ? 'signalBind' : 'listFeatures' });
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    actor.sendIM('juliet@example.net', 'żółw 😀');
    await until(() => scenario.heard.bodies().length === 1);
    expect(scenario.heard.bodies()).toEqual(['żółw 😀']);
  });
});
