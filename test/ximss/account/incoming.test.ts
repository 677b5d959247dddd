/** What the server says by itself: senders that cannot be answered, reports of what was not delivered. */
import { Incoming } from '../../../src/ximss/account/incoming';
import { makeXimssContext } from '../../../src/ximss/context';
import type { Event } from '../../../src/core/model';
import { systemClock } from '../../../src/ops/clock';
import { el, serialise } from '../../../src/ximss/wire/element';
import { baseSettings, countingMeter, linkOf, rememberingListener, rememberingLog } from '../support';

function setUp() {
  const [log, meter] = [rememberingLog(), countingMeter()];
  const link = linkOf('juliet@example.org', 'juliet@example.net', 'secret');
  const taken: Event[] = [];
  const said: string[] = [];
  const incoming = new Incoming({
    link,
    listener: rememberingListener(),
    context: makeXimssContext({ settings: baseSettings, clock: systemClock, log, meter }),
    inbox: {
      take: (_peer, event) => {
        taken.push(event);
        return undefined;
      },
    },
    iqRequests: { answer: () => false },
    send: ({ request }) => void said.push(serialise(request)),
    onBye: () => undefined,
  });
  const warnings = () => log.lines.filter(({ level }) => level === 'warn');
  return { incoming, taken, said, warnings, meter };
}

describe('a message whose sender has no address that can be used', () => {
  test.each(['bob', 'a@b@c', 'a b@example.net'])('from "%s": counted, warned of, and the sender told, once', (peer) => {
    const { incoming, taken, said, warnings, meter } = setUp();
    for (let n = 0; n < 3; n += 1) expect(incoming.onAsync(el('readIM', { peer }, 'hello'))).toBeUndefined();
    expect(meter.counts.get('faults_total ximss jid-malformed')).toBe(3);
    expect(warnings()).toHaveLength(1);
    expect(said).toEqual([
      `<sendIM peer="${peer}" type="chat">Your message could not be delivered: your address cannot be used on the other network.</sendIM>`,
    ]);
    expect(taken).toEqual([]);
  });

  test('from nobody: counted and warned of, there is nobody to tell', () => {
    const { incoming, said, warnings } = setUp();
    void incoming.onAsync(el('readIM', {}, 'hello'));
    expect([said, warnings().length]).toEqual([[], 1]);
  });

  test('many senders are told, and only so many remembered', () => {
    const { incoming, said } = setUp();
    for (let n = 0; n < 1_000; n += 1) void incoming.onAsync(el('readIM', { peer: `nobody${n}` }, 'hello'));
    expect(said).toHaveLength(1_000);
    void incoming.onAsync(el('readIM', { peer: 'nobody999' }, 'hello'));
    expect(said).toHaveLength(1_000);
  });
});

test('a report that a message was not delivered names the envelope', () => {
  const { incoming, taken } = setUp();
  void incoming.onAsync(
    el('readIM', { peer: 'romeo@example.net', type: 'error', errorText: 'full', iqid: 'env-1' }, ''),
  );
  expect(taken).toMatchObject([{ kind: 'bounce', of: 'env-1', fault: { text: 'full' } }]);
});
