/**
 * The gateway as somebody to write to: a chat message to it is answered with what the commands do (bridge/commands), in
 * words. One answer for a message at most, a few under way for each person; what is not understood is answered a few times
 * and then refused, since two machines could talk for ever. A password is never taken from a chat: it stays in histories.
 */
import type { BareJid } from '../../core/address';
import { Fault, faultText, toFault } from '../../core/fault';
import { textsFor, type Language, type Texts } from '../../core/i18n';
import type { Message } from '../../core/model';
import { excerpt } from '../../core/text';
import { makeRecentMap } from '../../core/recent-map';
import { settingsText } from '../commands/preferences';
import type { Command, CommandStep } from '../ports';
import type { SendToUser } from '../delivery/gateway-messages';
import type { Clock, DirectoryPort, LanguageMemory, Log, Registration } from '../ports';
import type { UserSettings } from '../state/settings';
import { readChoice } from './choices';
import { understand, type Verb, type Wish } from './understand';

export interface ChatOptions {
  readonly commands: readonly Command[];
  readonly permits: (user: BareJid, permission: Command['permission']) => boolean;
  readonly registration: Pick<Registration, 'accountOf' | 'unlink'>;
  readonly userSettings: Pick<UserSettings, 'of' | 'change'>;
  readonly directory: Pick<DirectoryPort, 'search'>;
  readonly languages: Pick<LanguageMemory, 'of'>;
  readonly sendToUser: SendToUser;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Chat {
  /** Answers soon, with one message. A fault: it will not be answered, and its sender is to be told why. Never throws. */
  onMessage(user: BareJid, message: Message): Fault | null;
}

/** answers under way, in all and for one person */
const busyMax = 200;
const busyPerUser = 3;
/** so many in a row are told that they were not understood, */
const unknownMax = 3;
/** and told so again after */
const unknownMs = 600_000;
/** for a "yes" */
const confirmMs = 300_000;
const answerMs = 30_000;
/** people that a search shows */
const foundMax = 20;
/** characters of an answer */
const answerMax = 4_000;

export function makeChat(options: ChatOptions): Chat {
  const { registration, userSettings, languages, sendToUser, clock, log } = options;
  const busy = new Map<BareJid, number>();
  const unknown = makeRecentMap<BareJid, { count: number; atMs: number }>();
  const asked = makeRecentMap<BareJid, number>(); // who was asked whether to unlink, and until when a yes counts
  let busyCount = 0;

  function onMessage(user: BareJid, { body }: Message): Fault | null {
    const own = busy.get(user) ?? 0;
    if (busyCount >= busyMax || own >= busyPerUser) return new Fault('lane-full', { reason: 'gatewayBusy' });
    const wish = understand(body);
    if (wish === null && !mayMisunderstand(user)) return new Fault('no-service');
    if (wish !== null) unknown.set(user, { count: 0, atMs: 0 });
    busy.set(user, own + 1);
    busyCount += 1;
    void reply(user, wish).finally(() => {
      busyCount -= 1;
      const left = (busy.get(user) ?? 1) - 1;
      if (left > 0) busy.set(user, left);
      else busy.delete(user);
    });
    return null;
  }

  function mayMisunderstand(user: BareJid): boolean {
    const before = unknown.get(user);
    const isLongAgo = before === undefined || clock.monotonic() - before.atMs >= unknownMs;
    const count = isLongAgo ? 1 : before.count + 1;
    if (count > unknownMax) return false;
    unknown.set(user, { count, atMs: clock.monotonic() });
    return true;
  }

  /** Never rejects. */
  async function reply(user: BareJid, wish: Wish | null): Promise<void> {
    const language = languageFor(user, wish);
    const say = textsFor(language);
    try {
      const text = wish === null ? say.chat.unknown : await answer(user, wish, language);
      sendToUser(user, () => excerpt(text, answerMax), language);
    } catch (thrown) {
      const fault = toFault(thrown);
      if (fault.code === 'internal')
        log.error({ err: fault.cause, kind: wish?.verb }, 'a chat message was not answered');
      const said = faultText(fault.toData(), language);
      sendToUser(user, said.language === null ? said.text : () => said.text, language);
    }
  }

  /** Who writes a word of another language reads it, unless they have chosen one. */
  function languageFor(user: BareJid, wish: Wish | null): Language {
    return userSettings.of(user).language ?? wish?.language ?? languages.of(user);
  }

  function answer(user: BareJid, { verb, rest }: Wish, language: Language): string | Promise<string> {
    const say = textsFor(language).chat;
    const isSure = verb === 'yes' && (asked.get(user) ?? 0) > clock.monotonic();
    if (verb !== 'unlink') asked.set(user, 0);
    switch (verb) {
      case 'help':
        return helpText(say);
      case 'link':
        return /\S\s+\S/.test(rest) ? say.passwordHere : say.link;
      case 'password':
        return rest === '' ? say.link : say.passwordHere;
      case 'search':
        return search(user, rest, language);
      case 'status':
      case 'where':
        return run(verb, user, language, rest);
      case 'settings':
        return rest === '' ? settingsNow(user, language) : change(user, rest, language);
      case 'unlink':
        return askToUnlink(user, say);
      case 'yes':
        return isSure ? unlink(user, language) : say.nothingAsked;
      case 'no':
        return textsFor(language).commands.kept;
    }
  }

  /** A command, its first form filled in with what was written. */
  async function run(verb: Verb, user: BareJid, language: Language, typed: string): Promise<string> {
    const command = options.commands.find(({ node }) => node === verb);
    if (command === undefined) throw new Fault('not-implemented');
    if (!options.permits(user, command.permission)) throw new Fault('not-linked');
    const signal = AbortSignal.timeout(answerMs);
    const first = await command.run({ user, language, signal });
    if (first.kind === 'done') return stepText(first);
    const [field] = first.fields;
    return stepText(await first.next(new Map(field ? [[field.var, typed]] : [])));
  }

  async function search(user: BareJid, text: string, language: Language): Promise<string> {
    const found = (await options.directory.search(user, text)).slice(0, foundMax);
    const lines = found.map(({ account, name }) => `• ${name === null ? '' : `${name}: `}${account}`);
    return lines.length === 0 ? textsFor(language).gateway.foundNobody : lines.join('\n');
  }

  function settingsNow(user: BareJid, language: Language): string {
    if (registration.accountOf(user) === null) throw new Fault('not-linked');
    return `${settingsText(userSettings.of(user), language)}\n${textsFor(language).chat.settingsHelp}`;
  }

  async function change(user: BareJid, text: string, language: Language): Promise<string> {
    const changes = readChoice(text);
    if (changes === null) return textsFor(language).chat.settingsHelp;
    const settings = await userSettings.change(user, changes);
    return settingsText(settings, settings.language ?? language);
  }

  function askToUnlink(user: BareJid, say: Texts['chat']): string {
    const account = registration.accountOf(user);
    if (account === null) throw new Fault('not-linked');
    asked.set(user, clock.monotonic() + confirmMs);
    return say.sure(account);
  }

  async function unlink(user: BareJid, language: Language): Promise<string> {
    await registration.unlink(user);
    return textsFor(language).commands.unlinked;
  }

  return { onMessage };
}

function helpText({ help, helpLines }: Texts['chat']): string {
  return [help, ...Object.values(helpLines)].join('\n');
}

/** The end of a command as text: its sentence, then a line for each row of its table. */
function stepText(step: CommandStep): string {
  if (step.kind === 'form') return step.hint ?? step.title;
  const rows = (step.table?.rows ?? []).map((row) => `• ${row.filter((cell) => cell !== '').join(' | ')}`);
  return [step.text, ...rows].join('\n');
}
