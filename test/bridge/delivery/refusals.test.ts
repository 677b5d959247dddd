/** Errors for what was never accepted reach the sender, whatever becomes of the stream. */
import { makeRefusals } from '../../../src/bridge/delivery/refusals';
import type { Account, BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { Bounce } from '../../../src/core/model';
import { silentLog } from '../../support/silence';

const user = 'juliet@jabber.test' as BareJid;
const peer = 'romeo@far.test' as Account;
const bounce = (of: string): Bounce => ({
  kind: 'bounce',
  of,
  what: 'message',
  resource: 'r',
  fault: new Fault('store-away').toData(),
  excerpt: null,
  sentAt: 0,
});

/** A stream whose barriers the test answers. */
function scene(keptMax?: number) {
  const written: string[] = [];
  const barriers: { resolve: () => void; reject: (fault: Fault) => void }[] = [];
  const refusals = makeRefusals({
    jabber: {
      sendNow: (_user, _peer, event) => (event.kind === 'bounce' && written.push(event.of ?? ''), true),
      barrier: () => new Promise((resolve, reject) => barriers.push({ resolve, reject })),
    },
    log: silentLog,
    ...(keptMax === undefined ? {} : { keptMax }),
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { written, barriers, refusals, turn };
}

test('what the server has proved is written once', async () => {
  const { written, barriers, refusals, turn } = scene();
  refusals.send(user, peer, bounce('1'));
  refusals.send(user, peer, bounce('2'));
  barriers[0]?.resolve();
  await turn();
  barriers[1]?.resolve();
  await turn();
  refusals.onStreamUp();
  expect(written).toEqual(['1', '2']);
  expect(barriers).toHaveLength(2);
});

test('what was written into a stream that broke is written again on the next one, in order', async () => {
  const { written, barriers, refusals, turn } = scene();
  refusals.send(user, peer, bounce('1'));
  refusals.send(user, peer, bounce('2'));
  barriers[0]?.reject(new Fault('unavailable'));
  await turn();
  refusals.onStreamUp();
  expect(written).toEqual(['1', '2', '1', '2']);
  barriers[1]?.resolve();
  await turn();
  refusals.onStreamUp();
  expect(written).toHaveLength(4);
});

test('no more are kept than the bound', async () => {
  const { written, barriers, refusals, turn } = scene(2);
  for (const id of ['1', '2', '3']) refusals.send(user, peer, bounce(id));
  barriers[0]?.reject(new Fault('unavailable'));
  await turn();
  refusals.onStreamUp();
  expect(written).toEqual(['1', '2', '3', '1', '2']);
});
