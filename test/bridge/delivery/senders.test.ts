/** Senders are told so that a person sees it, and two machines cannot talk for ever. */
import { makeSenders, type ResourceState } from '../../../src/bridge/delivery/senders';
import type { Account, BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { Bounce, Durable, Lane } from '../../../src/core/model';
import { manualClock } from '../../support/clock';
import { countingMeter, silentLog } from '../../support/silence';

const user = 'juliet@jabber.test' as BareJid;
const peer = 'romeo@far.test' as Account;
const toJabber: Lane = { direction: 'toJabber', user, peer };
const toFar: Lane = { direction: 'toFar', user, peer };

function scene(state: ResourceState = 'unknown') {
  const clock = manualClock();
  const meter = countingMeter();
  const sent: Durable[] = [];
  const ids: string[] = [];
  const senders = makeSenders({
    refusals: { send: (_user, _peer, event) => void sent.push(event) },
    far: {
      deliver: (_user, _peer, all) =>
        all.map(({ id, event }) => {
          sent.push(event);
          ids.push(id);
          return Promise.resolve();
        }),
    },
    resourceState: () => state,
    languages: { of: () => 'ru' },
    language: () => 'en',
    clock,
    meter,
    log: silentLog,
  });
  const bounce: Bounce = {
    kind: 'bounce',
    of: 'm1',
    what: 'message',
    resource: 'phone',
    excerpt: 'Wherefore art  thou?',
    fault: new Fault('refused', { text: 'Nobody of this name.' }).toData(),
    sentAt: clock.now(),
  };
  let count = 0;
  const words = (lane: Lane, event: Durable, id = `e${(count += 1)}`): Durable | null =>
    senders.wordsFor(lane, { id, event, acceptedAt: clock.now(), attempts: 0, lastFault: null });
  return { clock, meter, sent, ids, senders, bounce, words };
}

const textOf = (event: Durable | null): string => (event?.kind === 'message' ? event.body : (event?.kind ?? 'nothing'));

describe('a Jabber sender', () => {
  test.each<[string, ResourceState, number, Partial<Bounce>, string]>([
    ['whose resource is there gets an error, however late', 'online', 3 * 86_400_000, {}, 'bounce'],
    ['of whom nothing is known gets an error within a minute', 'unknown', 60_000, {}, 'bounce'],
    ['of whom nothing is known gets a message after it', 'unknown', 60_001, {}, 'message'],
    ['whose resource has gone gets a message at once', 'gone', 0, {}, 'message'],
    ['who is not known by resource gets a message', 'online', 0, { resource: null }, 'message'],
    ['of a request gets an error, which the server keeps', 'gone', 0, { what: 'verb', resource: null }, 'bounce'],
  ])('%s', (_name, state, laterMs, changes, kind) => {
    const { words, bounce, clock } = scene(state);
    clock.advance(laterMs);
    expect(words(toJabber, { ...bounce, ...changes })?.kind).toBe(kind);
  });

  test.each<[string, Partial<Bounce>, string]>([
    [
      'the message quotes the beginning and says why',
      { language: 'en' },
      'Your message "Wherefore art thou?" could not be delivered: Nobody of this name.',
    ],
    [
      'in the language of what was sent',
      { language: 'ru', fault: new Fault('expired').toData() },
      'Ваше сообщение «Wherefore art thou?» не доставлено: Не удалось доставить вовремя.',
    ],
    [
      'of what said no language in the one that its sender wrote in last',
      { fault: new Fault('expired').toData() },
      'Ваше сообщение «Wherefore art thou?» не доставлено: Не удалось доставить вовремя.',
    ],
    [
      'a long one is cut at 80 characters',
      { language: 'en', excerpt: 'x'.repeat(200) },
      `Your message "${'x'.repeat(79)}…" could`,
    ],
  ])('%s', (_name, changes, text) => {
    const { words, bounce } = scene('gone');
    expect(textOf(words(toJabber, { ...bounce, ...changes }))).toContain(text);
  });
});

describe('a far sender', () => {
  test('gets at most one notice a minute, which counts those that were kept back', () => {
    const { words, bounce, clock, meter } = scene();
    const texts: string[] = [];
    for (let second = 0; second < 600; second += 1) {
      const said = words(toFar, bounce);
      if (said !== null) texts.push(textOf(said));
      clock.advance(1_000);
    }
    expect(texts).toHaveLength(10);
    expect(texts[0]).not.toContain('more');
    expect(texts[1]).toContain('59 more');
    expect(meter.total('notices_held_total')).toBe(590);
  });

  test('whose notice could not be sent gets that one, when it is tried again', () => {
    const { words, bounce } = scene();
    expect(textOf(words(toFar, bounce, 'e'))).toContain('could not be delivered');
    expect(textOf(words(toFar, bounce, 'e'))).toContain('could not be delivered');
    expect(words(toFar, bounce, 'another')).toBeNull();
  });

  test('an account that answers everything cannot be talked with for ever, past the queue either', () => {
    const { senders, sent, bounce, clock } = scene();
    for (let i = 0; i < 10_000; i += 1) {
      senders.tell(toJabber, bounce);
      clock.advance(60);
    }
    expect(sent.length).toBeLessThanOrEqual(11);
  });
});

test('what is refused at once is told at once, on the side of its sender', () => {
  const { senders, sent, bounce } = scene();
  senders.tell(toFar, bounce);
  senders.tell(toJabber, bounce);
  expect(sent.map(({ kind }) => kind)).toEqual(['bounce', 'message']);
});

test('notices of what was refused at once all had one id, which a report could not tell apart: each has its own', () => {
  const { senders, ids, bounce, clock } = scene();
  senders.tell(toJabber, bounce);
  clock.advance(61_000);
  senders.tell(toJabber, bounce);
  expect(new Set(ids).size).toBe(2);
});

test('what is no bounce is left as it is', () => {
  const { words } = scene();
  const receipt = { kind: 'receipt', of: 'm', resource: null } as const;
  expect(words(toJabber, receipt)).toBe(receipt);
});
