/** What waits when a link ends goes back to those who sent it, each once. */
import { randomUUID } from 'node:crypto';
import { makeReturnWaiting } from '../../../src/bridge/accounts/return-waiting';
import type { Account, BareJid } from '../../../src/core/address';
import { chatMessage, laneKey, type Bounce, type Durable, type Lane, type Message } from '../../../src/core/model';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { silentLog } from '../../support/silence';

const user = 'juliet@jabber.test' as BareJid;
const other = 'nurse@jabber.test' as BareJid;
const [romeo, tybalt] = ['romeo@far.test', 'tybalt@far.test'] as Account[];
const toFar: Lane = { direction: 'toFar', user, peer: romeo as Account };
const toJabber: Lane = { direction: 'toJabber', user, peer: tybalt as Account };

const message = (body: string, id: string | null = null): Message =>
  chatMessage(body, { id, resource: id === null ? null : 'phone' });

function scene() {
  const store = makeMemoryStore();
  const told: { direction: string; peer: string; bounce: Bounce }[] = [];
  const said: string[] = [];
  const returnWaiting = makeReturnWaiting({
    lanes: store.lanes,
    senders: { tell: ({ direction, peer }, bounce) => void told.push({ direction, peer, bounce }) },
    sendToUser: (_user, words) => void said.push(typeof words === 'string' ? words : words('en')),
    log: silentLog,
  });
  const wait = async (lane: Lane, ...events: Durable[]): Promise<void> => {
    const envelopes = events.map((event) => ({ id: randomUUID(), event, acceptedAt: 1, attempts: 0, lastFault: null }));
    await store.lanes.append(envelopes.map((envelope) => ({ lane: laneKey(lane), envelope, identity: null })));
  };
  return { store, told, said, returnWaiting, wait };
}

test("a Jabber user's messages come back with their ids, far senders are told, and the user how many there were", async () => {
  const { store, told, said, returnWaiting, wait } = scene();
  await wait(toFar, message('one', 'a1'), message('two', 'a2'));
  await wait(toJabber, message('three'));
  await wait({ ...toFar, user: other }, message('of another user', 'b1'));
  await returnWaiting(user);
  expect(told).toMatchObject([
    { direction: 'toFar', peer: romeo, bounce: { of: 'a1', resource: 'phone', fault: { code: 'not-linked' } } },
    { direction: 'toFar', peer: romeo, bounce: { of: 'a2', excerpt: 'two' } },
    { direction: 'toJabber', peer: tybalt, bounce: { excerpt: 'three' } },
  ]);
  expect(said).toEqual([expect.stringContaining('3 messages')]);
  expect(await store.lanes.counts()).toMatchObject({ envelopes: 1, lanes: 1 });
});

test('nothing is said when nothing waits, and nothing twice', async () => {
  const { told, said, returnWaiting, wait } = scene();
  await returnWaiting(user);
  await wait(toFar, message('one', 'a1'));
  await returnWaiting(user);
  await returnWaiting(user);
  expect([told.length, said.length]).toEqual([1, 1]);
});

test('what is beyond the bound is only counted', async () => {
  const { told, said, returnWaiting, wait } = scene();
  await wait(toFar, ...Array.from({ length: 150 }, (_, i) => message('x', `a${i}`)));
  await returnWaiting(user);
  expect(told).toHaveLength(100);
  expect(said).toEqual([expect.stringContaining('150 messages')]);
});

test('bounces and receipts that wait make no words about themselves', async () => {
  const { told, returnWaiting, wait } = scene();
  await wait(toJabber, { kind: 'receipt', of: 'a1', resource: 'phone' });
  await returnWaiting(user);
  expect(told).toEqual([]);
});

test('while the store is away nothing is emptied, and the caller hears it', async () => {
  const { store, told, returnWaiting, wait } = scene();
  await wait(toFar, message('one', 'a1'));
  store.setAway(true);
  await expect(returnWaiting(user)).rejects.toMatchObject({ code: 'store-away' });
  store.setAway(false);
  await returnWaiting(user);
  expect(told).toHaveLength(1);
});
