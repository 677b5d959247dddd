/** The commands on a scene of an operator, walked as a person fills them in. */
import type { BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { Language } from '../../../src/core/i18n';
import type { CommandStep } from '../../../src/bridge/ports';
import { makeCommands } from '../../../src/bridge/commands/user';
import { makeUserSettings } from '../../../src/bridge/state/settings';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { jid, juliet, makeOperatorScene } from '../operator/operator-scene';

export const admin = jid('admin');
const { signal } = new AbortController();

/** All commands on a scene of links, lanes and dead letters; `calls` is what they did. */
export function commandScene(users?: string[], mayRegister = true) {
  const scene = makeOperatorScene(users);
  const calls: string[] = [];
  const userSettings = makeUserSettings({ state: makeMemoryStore().state, isLinked: (user) => scene.links.has(user) });
  const commands = makeCommands({
    operator: scene.operator,
    registration: {
      accountOf: (user) => scene.links.get(user)?.account ?? null,
      link: (user, name, password) => {
        calls.push(`link ${user} ${name}`);
        return password === 'right' ? Promise.resolve() : Promise.reject(new Fault('not-authorized'));
      },
      unlink: (user) => Promise.resolve(void calls.push(`unlink ${user}`)),
    },
    userSettings,
    homeDomain: 'far.test',
    mayRegister,
  });
  /** Runs a command and fills in its forms one after the other. */
  const walk = async (
    node: string,
    forms: Readonly<Record<string, string>>[] = [],
    { user = juliet, language = 'en' }: { user?: BareJid; language?: Language } = {},
  ): Promise<CommandStep> => {
    const found = commands.find((one) => one.node === node);
    if (!found) throw new Error(`no command ${node}`);
    let step = await found.run({ user, language, signal });
    for (const form of forms) {
      if (step.kind !== 'form') throw new Error(`${node} ended early: ${step.text}`);
      step = await step.next(new Map(Object.entries(form)));
    }
    return step;
  };
  return { ...scene, commands, calls, userSettings, walk };
}

/** The end of a command; throws when it is not one. */
export const end = (step: CommandStep): { text: string; rows: readonly (readonly string[])[] } => {
  if (step.kind !== 'done') throw new Error(`not the end: ${step.title}`);
  return { text: step.text, rows: step.table?.rows ?? [] };
};
/** A form; throws when it is not one. */
export const form = (step: CommandStep) => {
  if (step.kind !== 'form') throw new Error(`not a form: ${step.text}`);
  return step;
};
