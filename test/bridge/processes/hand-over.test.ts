/** One process hands over to another: who says what when, what is kept for whom, and what happens when one of them is gone. */
import type { Account, BareJid } from '../../../src/core/address';
import type { Event } from '../../../src/core/model';
import { makeHandOver, type HandOver } from '../../../src/bridge/processes/hand-over';
import { leftoverOf, parseLeftover } from '../../../src/bridge/processes/leftover';
import { systemClock } from '../../../src/ops/clock';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const juliet = 'juliet@jabber.test' as BareJid; // a good JID
const romeo = 'romeo@far.test' as Account; // a good account
const waits = { hereMs: 100, loadedMs: 200, goMs: 200, doneMs: 100, leavingMs: 5_000 };
const probe: Event = { kind: 'probe', resource: 'a' };
const chat: Event = { kind: 'chatState', state: 'gone' };
const verb = (name: 'subscribe' | 'subscribed'): Event => ({ kind: 'verb', verb: name, status: null });

interface Side {
  readonly handOver: HandOver;
  /** events that it acted on, and stanzas that it wrote for the other */
  readonly acted: string[];
}

function makeSides(): { first: Side; second: Side; order: string[]; leadership: (name: string) => Leadership } {
  const order: string[] = [];
  const store = makeMemoryStore();
  const side = (name: string, { bus, leftover }: typeof store.processes): Side => {
    const acted: string[] = [];
    const handOver = makeHandOver({
      bus,
      leftover,
      jabber: {
        prepare: () => void order.push(`${name} prepares`),
        stop: () => Promise.resolve(void order.push(`${name} closes the stream`)),
        giveAway(go) {
          order.push(`${name} gives the stream`);
          go();
          return Promise.resolve(['<presence/>']);
        },
        write: (stanzas) => void acted.push(...stanzas),
      },
      onEvent: (_user, _peer, event) => void acted.push(event.kind === 'verb' ? event.verb : event.kind),
      clock: systemClock,
      log: silentLog,
      waits,
    });
    return { handOver, acted };
  };
  const step = (text: string) => (): Promise<void> => Promise.resolve(void order.push(text));
  const leadership = (name: string): Leadership => ({
    takeStream: step(`${name} takes the lease of the stream`),
    releaseShards: step(`${name} releases the shards`),
    release: step(`${name} releases the stream`),
  });
  return {
    first: side('first', store.processes),
    second: side('second', store.sibling().processes),
    order,
    leadership,
  };
}
type Leadership = Parameters<HandOver['give']>[0];

test('step by step, and what came on the old stream goes before what came on the new one', async () => {
  const { first, second, order, leadership } = makeSides();
  second.handOver.standBy();
  expect(await first.handOver.offer()).toBe(true);
  expect(first.handOver.isLeaving()).toBe(true);
  expect(first.handOver.keep(juliet, romeo, verb('subscribe'))).toBe(true);
  expect(first.handOver.keep(juliet, romeo, chat)).toBe(true);
  const bounce: Event = {
    kind: 'bounce',
    of: 'x',
    what: 'message',
    resource: null,
    excerpt: null,
    fault: { code: 'expired', text: '' },
  };
  expect(first.handOver.keep(juliet, romeo, bounce)).toBe(false); // stored here
  const given = first.handOver.give(leadership('first'), () =>
    Promise.resolve(void order.push('first has stored all')),
  );
  await second.handOver.awaitStream(leadership('second'));
  expect(second.handOver.keep(juliet, romeo, verb('subscribed'))).toBe(true);
  expect(second.handOver.patienceMs()).toBeGreaterThan(0);
  await second.handOver.takeRest(leadership('second'));
  await given;
  expect(second.acted).toEqual(['<presence/>', 'subscribe', 'subscribed']);
  expect(second.handOver.keep(juliet, romeo, probe)).toBe(false);
  expect(order).toEqual([
    'second prepares',
    'first releases the shards',
    'first gives the stream',
    'first has stored all',
    'first releases the stream',
    'second takes the lease of the stream',
  ]);
});

test('nobody stands by: there is nobody to hand over to', async () => {
  const { first } = makeSides();
  expect(await first.handOver.offer()).toBe(false);
  expect(first.handOver.keep(juliet, romeo, verb('subscribe'))).toBe(false);
});

test('nobody is leaving: the lease of the stream is taken first', async () => {
  const { second, order, leadership } = makeSides();
  await second.handOver.awaitStream(leadership('second'));
  await second.handOver.takeRest(leadership('second'));
  expect(order).toEqual(['second takes the lease of the stream']);
  expect(second.handOver.patienceMs()).toBe(0);
});

test('the one that would go on is gone: the stream is closed, and what came last is left in the store', async () => {
  const { first, second, order, leadership } = makeSides();
  second.handOver.standBy();
  await first.handOver.offer();
  first.handOver.keep(juliet, romeo, verb('subscribe'));
  await first.handOver.give(leadership('first'), () => Promise.resolve());
  expect(order.at(-1)).toBe('first closes the stream');
});

test('the one that leaves is gone: the other takes the stream all the same', async () => {
  const { first, second, order, leadership } = makeSides();
  second.handOver.standBy();
  await first.handOver.offer();
  await second.handOver.awaitStream(leadership('second'));
  second.handOver.keep(juliet, romeo, verb('subscribed'));
  await second.handOver.takeRest(leadership('second'));
  await until(() => order.includes('second takes the lease of the stream'));
  expect(second.acted).toEqual(['subscribed']);
});

test.each([
  ['no JSON', 'x'],
  ['another shape', '[]'],
  [
    'entries of no shape',
    '{"unwritten":[1],"events":[{"user":1},null,{"user":"a","peer":"b","event":{"kind":"message"}}]}',
  ],
])('a leftover that cannot be read is left out: %s', (_what, text) => {
  expect(parseLeftover(text)).toEqual({ unwritten: [], events: [] });
});

test('a leftover is read as it was written', () => {
  const rest = { unwritten: ['<a/>'], events: [{ user: juliet, peer: romeo, event: probe }] };
  expect(parseLeftover(leftoverOf(rest))).toEqual(rest);
});
