/** What the server says by itself: senders that cannot be answered, reports of what was not delivered. */
import { Incoming } from '../../../src/ximss/account/incoming';
import { makeSentRecord } from '../../../src/ximss/account/sent-record';
import { makeXimssContext } from '../../../src/ximss/context';
import type { Bounce, Event } from '../../../src/core/model';
import { systemClock } from '../../../src/ops/clock';
import { el, serialise } from '../../../src/ximss/wire/element';
import { account, baseSettings, chat, countingMeter, linkOf, rememberingListener, rememberingLog } from '../support';

function setUp() {
  const [log, meter] = [rememberingLog(), countingMeter()];
  const link = linkOf('juliet@example.org', 'juliet@example.net', 'secret');
  const taken: Event[] = [];
  const said: string[] = [];
  const sent = makeSentRecord();
  const incoming = new Incoming({
    ...{ link, sent, listener: rememberingListener() },
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
  return { incoming, taken, said, sent, warnings, meter, user: link.user };
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

describe('a report that a message was not delivered', () => {
  const romeo = account('romeo@example.net');
  const report = (iqid?: string) => el('readIM', { peer: romeo, type: 'error', errorText: 'full', iqid }, '');

  test('names the message as its sender knows it', () => {
    const { incoming, taken, sent, user } = setUp();
    const envelope = chat('hello there', { id: 'm1', resource: 'phone' });
    sent.add(user, envelope);
    void incoming.onAsync(report(envelope.id));
    expect(taken).toMatchObject([
      { kind: 'bounce', of: 'm1', resource: 'phone', excerpt: 'hello there', fault: { text: 'full' } },
    ]);
  });

  test.each([
    ['without an id', undefined],
    ['with an id that is forgotten', 'env-of-yesterday'],
  ])('%s says only that some message failed', (_, iqid) => {
    const { incoming, taken } = setUp();
    void incoming.onAsync(report(iqid));
    expect(taken).toMatchObject([{ kind: 'bounce', of: null, resource: null }]);
  });

  test("of a notice of ours is nobody's", () => {
    const { incoming, taken, sent, user } = setUp();
    const fault = { code: 'no-service' as const, text: 'no' };
    const bounce: Bounce = { kind: 'bounce', of: 'x', what: 'message', resource: null, fault, excerpt: null };
    sent.add(user, { ...chat(''), id: 'notice-1', event: bounce });
    void incoming.onAsync(report('notice-1'));
    expect(taken).toEqual([]);
  });

  test("of another user's message names nothing", () => {
    const { incoming, taken, sent } = setUp();
    const envelope = chat('secret words', { id: 'm1' });
    sent.add(linkOf('mallory@example.org', 'mallory@example.net', 'x').user, envelope);
    void incoming.onAsync(report(envelope.id));
    expect(taken).toMatchObject([{ of: null, excerpt: null }]);
  });
});
