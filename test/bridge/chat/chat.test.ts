/** The gateway as somebody to write to: one answer for a message, in the language of who asks, and never a password. */
import { makeChat } from '../../../src/bridge/chat/chat';
import { makePermits } from '../../../src/bridge/commands/user';
import { makeAccess } from '../../../src/core/access';
import type { BareJid } from '../../../src/core/address';
import type { Language } from '../../../src/core/i18n';
import { gatewayMessage } from '../../../src/bridge/delivery/gateway-messages';
import { manualClock } from '../../support/clock';
import { silentLog } from '../../support/silence';
import { until } from '../../support/wait';
import { account, jid, juliet } from '../operator/operator-scene';
import { commandScene } from '../commands/commands-scene';

function scene() {
  const { commands, userSettings, calls, links } = commandScene();
  const clock = manualClock();
  const answers: { user: BareJid; text: string; language: Language | undefined }[] = [];
  const chat = makeChat({
    commands,
    permits: makePermits({
      access: makeAccess({ allow: ['*'], deny: [], admins: [] }),
      isLinked: (user) => links.has(user),
    }),
    registration: {
      accountOf: (user) => links.get(user)?.account ?? null,
      unlink: (user) => Promise.resolve(void calls.push(`unlink ${user}`)),
    },
    userSettings,
    directory: {
      search: (_user, text) =>
        Promise.resolve(text === 'rom' ? [{ account: account('romeo'), name: 'Romeo', email: null }] : []),
    },
    languages: { of: () => 'en' },
    sendToUser: (user, words, language) =>
      void answers.push({ user, text: typeof words === 'string' ? words : words(language ?? 'en'), language }),
    clock,
    log: silentLog,
  });
  const write = (text: string, user = juliet) => chat.onMessage(user, gatewayMessage(text, null));
  /** Writes and waits for the answer. */
  const say = async (text: string, user = juliet): Promise<string> => {
    const before = answers.length;
    const fault = write(text, user);
    if (fault) return `refused: ${fault.code}`;
    await until(() => answers.length > before, { what: `an answer to ${text}` });
    expect(answers.length).toBe(before + 1);
    return answers.at(-1)?.text ?? '';
  };
  return { say, write, answers, clock, calls, userSettings };
}

test.each<[string, RegExp]>([
  ['help', /^This is the gateway.*\nstatus — /],
  ['status', /^You are linked to juliet@far\.test\./],
  ['where', /newest|waiting|Nothing/],
  ['where no-such-id', /^No message with this id is known/],
  ['link', /open the commands.*do not write your password/],
  ['search rom', /^• Romeo: romeo@far\.test$/],
  ['find nobody', /^Nobody was found/],
  ['settings', /Tell me when .*: on\n/],
  ['settings receipts off', /accepted a message: off/],
  ['settings receipts maybe', /^To change one/],
  ['yes', /^I have not asked anything/],
  ['tell me a joke', /^I do not understand that/],
])('%s', async (text, expected) => {
  expect(await scene().say(text)).toMatch(expected);
});

test('a word of another language is answered in it, unless one was chosen', async () => {
  const { say, answers, userSettings } = scene();
  expect(await say('статус')).toMatch(/^Привязана учётная запись/);
  expect(answers.at(-1)?.language).toBe('ru');
  await userSettings.change(juliet, { language: 'en' });
  expect(await say('статус')).toMatch(/^You are linked/);
});

test.each(['link juliet@far.test S3cret', 'password S3cret', 'пароль S3cret', 'register juliet S3cret'])(
  'a password in a chat is refused: %s',
  async (text) => {
    const { say, calls } = scene();
    const answer = await say(text);
    expect(answer).toMatch(/does not belong in a chat|не место в переписке/);
    expect(answer).not.toContain('S3cret');
    expect(calls).toEqual([]);
  },
);

describe('unlink', () => {
  test('asks back, and does it at a yes', async () => {
    const { say, calls } = scene();
    expect(await say('unlink')).toMatch(/^Your link to juliet@far\.test ends/);
    expect(calls).toEqual([]);
    expect(await say('Yes!')).toBe('Your account is unlinked.');
    expect(calls).toEqual([`unlink ${juliet}`]);
  });

  test.each<[string, string[], number]>([
    ['at a no', ['no', 'yes'], 0],
    ['at another word in between', ['status', 'yes'], 0],
    ['at a yes that comes too late', ['yes'], 301_000],
  ])('is not done %s', async (_when, words, waitMs) => {
    const { say, calls, clock } = scene();
    await say('unlink');
    clock.advance(waitMs);
    for (const word of words) await say(word);
    expect(calls).toEqual([]);
  });
});

test('who has no link is told how to get one, and nothing else', async () => {
  const { say } = scene();
  const stranger = jid('stranger');
  expect(await say('link', stranger)).toMatch(/^To link your account/);
  for (const text of ['status', 'where 1', 'unlink', 'settings', 'settings receipts off'])
    expect(`${text}: ${await say(text, stranger)}`).toBe(`${text}: Please register with this gateway first.`);
});

test('who is not understood again and again is refused: another machine would answer for ever', async () => {
  const { say, clock } = scene();
  const told = [await say('lorem'), await say('ipsum'), await say('dolor')];
  expect(new Set(told)).toEqual(new Set(['I do not understand that. Write "help" to see what I can do.']));
  expect(await say('sit')).toBe('refused: no-service');
  expect(await say('help')).toMatch(/^This is the gateway/);
  expect(await say('amet')).toMatch(/^I do not understand/);
  for (let i = 0; i < 5; i += 1) await say('x');
  clock.advance(600_001);
  expect(await say('again')).toMatch(/^I do not understand/);
});

test('a thousand messages at once have one answer or refusal each, and a few are under way', async () => {
  const { write, answers } = scene();
  const faults = Array.from({ length: 1_000 }, () => write('status'));
  const takenCount = faults.filter((fault) => fault === null).length;
  expect(takenCount).toBe(3);
  expect(new Set(faults.map((fault) => fault?.code))).toEqual(new Set([undefined, 'lane-full']));
  await until(() => answers.length === takenCount, { what: 'the answers' });
  expect(write('status')).toBeNull();
});
