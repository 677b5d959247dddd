/** An unlink that the store breaks off is done all the same, once. */
import { makeRepeatUnlink } from '../../../src/bridge/accounts/repeat-unlink';
import type { Account, BareJid } from '../../../src/core/address';
import { Fault, type FaultCode } from '../../../src/core/fault';
import type { Link } from '../../../src/core/model';
import { manualClock } from '../../support/clock';
import { silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const user = 'juliet@jabber.test' as BareJid;
const made: Link = { user, account: 'juliet@far.test' as Account, password: 'x', origin: 'registered' };

/** Unlinking fails with these first. */
function scene(faults: FaultCode[]) {
  const clock = manualClock();
  const state = { link: made as Link | undefined, tries: 0 };
  const repeat = makeRepeatUnlink({
    links: {
      linkOf: () => state.link,
      unlink() {
        state.tries += 1;
        const code = faults.shift();
        if (code !== undefined) return Promise.reject(new Fault(code));
        state.link = undefined;
        return Promise.resolve();
      },
    },
    clock,
    log: silentLog,
  });
  const tried = (count: number) =>
    until(() => (clock.advance(60_000), state.tries >= count), {
      deadlineMs: 2_000,
      everyMs: 1,
      what: `${count} tries`,
    });
  return { clock, state, repeat, tried };
}

test('an unlink that Redis broke off in the middle is repeated until it is done', async () => {
  const { repeat, state, tried } = scene(['store-away', 'store-away', 'rate-limited']);
  const done = repeat.unlink(user);
  await tried(4);
  await done;
  expect(state).toMatchObject({ link: undefined, tries: 4 });
});

test('the link of an operator is not tried twice', async () => {
  const { repeat, state } = scene(['not-allowed']);
  await expect(repeat.unlink(user)).rejects.toMatchObject({ code: 'not-allowed' });
  expect(state.tries).toBe(1);
});

test('who has linked anew meanwhile keeps the new link', async () => {
  const { repeat, state, clock } = scene(['store-away']);
  const done = repeat.unlink(user);
  await until(() => state.tries === 1, { deadlineMs: 2_000, what: 'the first try' });
  state.link = { ...made, password: 'y' };
  await until(() => (clock.advance(60_000), true), { deadlineMs: 100, what: 'time' });
  await Promise.race([done, until(() => (clock.advance(60_000), false), { deadlineMs: 2_000, what: 'the end' })]);
  expect(state).toMatchObject({ link: { password: 'y' }, tries: 1 });
});

test('a stop ends it', async () => {
  const { repeat, state } = scene(['store-away']);
  const done = repeat.unlink(user);
  await until(() => state.tries === 1, { deadlineMs: 2_000, what: 'the first try' });
  repeat.stop();
  await expect(done).rejects.toBeDefined();
  expect(state.tries).toBe(1);
});
