/** The presence of Jabber users as the far side gets it: folded, only changes, repeated until it is taken. */
import { contactStateOf, sharedPair, type UserState } from '../../../src/bridge/state/user-state';
import { makeUserStates } from '../../../src/bridge/state/user-states';
import { makeUsers } from '../../../src/bridge/presence/users';
import { Fault } from '../../../src/core/fault';
import { gatewayPeer, type ResourcePresence, type Show } from '../../../src/core/model';
import { newPair } from '../../../src/core/contacts/pair';
import { manualClock } from '../../support/clock';
import { account, jid } from '../../support/middle-scene';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { countingMeter, silentLog } from '../../support/silence';

const romeo = account('romeo');
const user = jid('juliet');
const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('own presence', () => {
  async function makeScene() {
    const clock = manualClock();
    const meter = countingMeter();
    const store = makeMemoryStore({ clock });
    const userStates = makeUserStates({ state: store.state, clock, log: silentLog, meter });
    const userState: UserState = await userStates.load(user);
    userState.hasFarSession = true;
    contactStateOf(userState, gatewayPeer).pair = sharedPair({ ...newPair, state: 'both' });
    const sent: string[] = [];
    const wire = { answer: (): Promise<void> => Promise.resolve() };
    const attendance: boolean[] = [];
    const choice = { isShown: true };
    const users = makeUsers({
      onAttendance: ({ resources }) => void attendance.push(resources.size > 0),
      userStates,
      isShown: () => choice.isShown,
      clock,
      log: silentLog,
      meter,
      jabber: { isUp: () => true, probe: () => true },
      far: {
        setPresence: (_, { show, status }) => {
          sent.push(`${show}${status ? ` ${status}` : ''}`);
          return wire.answer();
        },
      },
    });
    const say = (show: Show, more: Partial<ResourcePresence> = {}, peer = gatewayPeer): void =>
      users.onResource(userState, peer, {
        kind: 'resource',
        resource: 'home',
        show,
        status: null,
        priority: 0,
        ...more,
      });
    return { clock, userState, users, say, sent, wire, attendance, choice };
  }

  test('a broadcast that reaches every ghost is sent once', async () => {
    const { say, sent } = await makeScene();
    for (let i = 0; i < 200; i += 1) say('away', {}, account(`c${i}`));
    say('away');
    await turns();
    expect(sent).toEqual(['away']);
  });

  test('who does not want to be seen is offline, from the choice on', async () => {
    const { say, sent, users, userState, choice } = await makeScene();
    say('online');
    await turns();
    choice.isShown = false;
    users.update(userState);
    await turns();
    say('away');
    await turns();
    expect(sent).toEqual(['online', 'offline']);
    choice.isShown = true;
    users.update(userState);
    await turns();
    expect(sent).toEqual(['online', 'offline', 'away']);
  });

  test('what the gateway hears counts more than what one ghost is shown', async () => {
    const { say, sent } = await makeScene();
    say('online');
    await turns();
    say('offline', {}, romeo); // blocked, or only for him
    await turns();
    expect(sent).toEqual(['online']);
    say('offline');
    await turns();
    expect(sent).toEqual(['online', 'offline']);
  });

  test('what the gateway hears without a subscription counts no more than the rest: its end is not sent', async () => {
    const { say, sent, userState } = await makeScene();
    contactStateOf(userState, gatewayPeer).pair = sharedPair(newPair);
    say('online');
    say('offline', {}, romeo);
    await turns();
    expect(sent).toEqual(['offline']);
  });

  test('without the gateway the ghosts are believed', async () => {
    const { say, sent } = await makeScene();
    say('dnd', { status: 'busy' }, romeo);
    await turns();
    say('offline', {}, romeo);
    await turns();
    expect(sent).toEqual(['dnd busy', 'offline']);
  });

  test('several resources are one presence; the silent one with a negative priority is none', async () => {
    const { say, sent } = await makeScene();
    say('away', { resource: 'phone', priority: 5 });
    say('online', { resource: 'operator', priority: 5 });
    say('chat', { resource: 'bot', priority: -1 });
    await turns();
    expect(sent).toEqual(['online']);
    say('offline', { resource: 'operator' });
    await turns();
    expect(sent).toEqual(['online', 'away']);
  });

  test('while the far side is slow only the last state is sent', async () => {
    const { say, sent, wire } = await makeScene();
    let go = (): void => undefined;
    wire.answer = () => new Promise((resolve) => (go = resolve));
    say('online');
    await turns();
    for (const show of ['away', 'dnd', 'away', 'xa'] as const) say(show);
    await turns();
    go();
    await turns();
    expect(sent).toEqual(['online', 'xa']);
    go();
  });

  test('an unavailable from the bare address is the answer to a subscribe, not news', async () => {
    const { say, sent } = await makeScene();
    say('online');
    await turns();
    say('offline', { resource: '' });
    await turns();
    expect(sent).toEqual(['online']);
  });

  test('a new session is sent everything, and a lost one nothing', async () => {
    const { say, sent, userState, users } = await makeScene();
    say('away');
    await turns();
    userState.hasFarSession = false;
    say('dnd');
    await turns();
    userState.hasFarSession = true;
    users.onFarSession(userState);
    await turns();
    expect(sent).toEqual(['away', 'dnd']);
    users.onFarSession(userState);
    await turns();
    expect(sent).toEqual(['away', 'dnd', 'dnd']);
  });

  test('resources that never say goodbye do not pile up', async () => {
    const { say, userState } = await makeScene();
    for (let i = 0; i < 5_000; i += 1) say('online', { resource: `r${i}` });
    expect(userState.resources.size).toBeLessThanOrEqual(32);
    expect(userState.heardByGateway?.size).toBeLessThanOrEqual(34);
  });

  test('a stream that stays away for long: nobody is known to be there', async () => {
    const { say, sent, users, clock } = await makeScene();
    say('online');
    await turns();
    users.onStream('down');
    clock.advance(89_000);
    await turns();
    expect(sent).toEqual(['online']);
    clock.advance(1_000);
    await turns();
    expect(sent).toEqual(['online', 'offline']);
  });

  test.each([
    ['the far side is busy', new Fault('unavailable'), 5_000],
    ['the far side refused it', new Fault('refused'), 60_000],
  ])('what was not taken is sent again: %s', async (_name, fault, afterMs) => {
    const { say, sent, wire, clock } = await makeScene();
    wire.answer = () => Promise.reject(fault);
    say('dnd');
    await turns();
    expect(sent).toEqual(['dnd']);
    wire.answer = () => Promise.resolve();
    clock.advance(afterMs);
    await turns();
    expect(sent).toEqual(['dnd', 'dnd']);
    clock.advance(afterMs);
    say('away');
    await turns();
    expect(sent).toEqual(['dnd', 'dnd', 'away']); // once it is taken it is not repeated
  });

  test('what a session did not take is not repeated in its place to the next one', async () => {
    const { say, sent, wire, users, userState, clock } = await makeScene();
    let fail = (): void => undefined;
    wire.answer = () => new Promise((_, reject) => (fail = () => reject(new Fault('unavailable'))));
    say('dnd');
    await turns();
    users.onFarSession(userState);
    wire.answer = () => Promise.resolve();
    fail();
    await turns();
    clock.advance(5_000);
    await turns();
    expect(sent).toEqual(['dnd', 'dnd']);
  });

  test('the first resource to come and the last one to go are told, no other', async () => {
    const { say, attendance } = await makeScene();
    say('online');
    say('away');
    say('online', { resource: 'phone' });
    say('offline');
    say('offline', { resource: 'phone' });
    expect(attendance).toEqual([true, false]);
  });
});
