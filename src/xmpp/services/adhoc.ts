/**
 * XEP-0050: commands as conversations of forms. The list of commands and what they do come from outside; who may see and run one is
 * asked each time. What a person has answered so far lives in the next step's function, not here. Sessions belong to one
 * full JID, are few and short-lived, and a step is taken once, however often it is submitted.
 */
import type { BareJid } from '../../core/address';
import { Fault, faultText, toFault } from '../../core/fault';
import type { Clock, Command, CommandStep, Log } from '../../bridge/ports';
import { formEl, readForm, tableEl } from '../stanza/form';
import type { IqAnswer, IqHandler, IqRefusal, IqRequest, IqService } from '../iq';
import { ns } from '../stanza/ns';
import { attr, el, payload, type Child, type Element } from '../stanza/element';

export interface AdhocOptions {
  readonly commands: readonly Command[];
  readonly permits: (user: BareJid, permission: Command['permission']) => boolean;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The service, and what disco says about its nodes (null: not a node of ours, or not for this user). */
export interface Adhoc {
  readonly service: IqService;
  readonly info: (node: string, request: IqRequest) => Element | null;
  readonly items: (node: string, request: IqRequest) => Element | null;
}

/** what a request may want of a session */
const actions: readonly string[] = ['execute', 'next', 'prev', 'complete', 'cancel'];
const sessionMs = 600_000;
const sessionsMax = 1_000;
const sessionsPerUser = 5;

interface Session {
  readonly who: string;
  readonly user: BareJid;
  readonly node: string;
  readonly until: number;
  readonly next: Extract<CommandStep, { kind: 'form' }>['next'];
}

export function makeAdhoc(options: AdhocOptions): Adhoc {
  const { clock, log, permits } = options;
  const commands = new Map(options.commands.map((command) => [command.node, command]));
  const sessions = new Map<string, Session>();

  const visible = (user: BareJid): Command[] => options.commands.filter((one) => permits(user, one.permission));
  const whoOf = ({ from }: IqRequest): string => `${from.bare}/${from.resource ?? ''}`;

  /** Room for one more: what has run out goes, then this user's oldest, then the oldest. */
  const makeRoom = (user: BareJid): void => {
    for (const [id, { until }] of sessions) if (until <= clock.monotonic()) sessions.delete(id);
    const own = [...sessions].filter(([, session]) => session.user === user).map(([id]) => id);
    const [oldest] = sessions.keys();
    const victim = own.length >= sessionsPerUser ? own[0] : sessions.size >= sessionsMax ? oldest : undefined;
    if (victim !== undefined) sessions.delete(victim);
  };

  const show = (request: IqRequest, node: string, id: string, step: CommandStep): Element => {
    if (step.kind === 'done') {
      const table = step.table === undefined ? null : tableEl(step.table);
      return commandEl(node, id, 'completed', table, note('info', step.text));
    }
    makeRoom(request.from.bare);
    const until = clock.monotonic() + sessionMs;
    sessions.set(id, { who: whoOf(request), user: request.from.bare, node, until, next: step.next });
    const { title, hint, fields } = step;
    const form = formEl({ type: 'form', title, ...(hint === undefined ? {} : { hint }) }, fields);
    return commandEl(node, id, 'executing', el('actions', { execute: 'complete' }, el('complete')), form);
  };

  const proceed = async (
    request: IqRequest,
    node: string,
    id: string,
    act: () => CommandStep | Promise<CommandStep>,
  ): Promise<Element> => {
    try {
      return show(request, node, id, await act());
    } catch (thrown) {
      const fault = toFault(thrown);
      if (fault.code === 'internal') log.error({ err: fault.cause, kind: node }, 'a command failed');
      return commandEl(node, id, 'completed', note('error', faultText(fault.toData(), request.language).text));
    }
  };

  const begin = (request: IqRequest, node: string): Promise<Element> => {
    const command = commands.get(node);
    if (!command) throw new Fault('not-found');
    const user = request.from.bare;
    if (!permits(user, command.permission))
      throw new Fault(command.permission === 'linked' ? 'not-linked' : 'forbidden');
    const context = { user, language: request.language, signal: request.signal };
    return proceed(request, node, options.newId(), () => command.run(context));
  };

  const resume = (request: IqRequest, node: string, id: string, action: string): IqAnswer | Promise<IqAnswer> => {
    const session = sessions.get(id);
    if (session?.who !== whoOf(request) || session.node !== node)
      return refusal(new Fault('bad-request'), 'bad-sessionid');
    if (!actions.includes(action)) return refusal(new Fault('bad-request'), 'malformed-action');
    if (action === 'prev') return refusal(new Fault('bad-request', { reason: 'noWayBack' }), 'bad-action');
    const answers = action === 'cancel' ? 'cancel' : readForm(request.payload);
    sessions.delete(id);
    if (session.until <= clock.monotonic())
      return refusal(new Fault('not-allowed', { reason: 'tooLate' }), 'session-expired');
    if (answers === 'cancel') return commandEl(node, id, 'canceled');
    return proceed(request, node, id, () => session.next(answers ?? new Map()));
  };

  const execute: IqHandler = (request) => {
    const node = attr(request.payload, 'node') ?? '';
    const id = attr(request.payload, 'sessionid');
    const action = attr(request.payload, 'action') ?? 'execute';
    return id === null ? begin(request, node) : resume(request, node, id, action);
  };

  return {
    service: { name: 'command', xmlns: ns.commands, of: 'gateway', set: execute },
    info(node, request) {
      const command = commands.get(node);
      if (node === ns.commands) return infoEl(node, 'command-list', 'Commands');
      if (!command || !permits(request.from.bare, command.permission)) return null;
      return infoEl(node, 'command-node', command.title(request.language));
    },
    items(node, request) {
      if (node !== ns.commands) return commands.has(node) ? payload('query', ns.discoItems, { node }) : null;
      const jid = attr(request.stanza, 'to');
      const rows = visible(request.from.bare).map((one) =>
        el('item', { jid, node: one.node, name: one.title(request.language) }),
      );
      return payload('query', ns.discoItems, { node }, ...rows);
    },
  };
}

/** Section 4.6 of the XEP: what exactly was wrong with a request. */
function refusal(fault: Fault, condition: string): IqRefusal {
  return { fault, detail: payload(condition, ns.commands) };
}

function commandEl(node: string, sessionid: string, status: string, ...children: readonly Child[]): Element {
  return payload('command', ns.commands, { node, sessionid, status }, ...children);
}

function note(type: 'info' | 'error', text: string): Element {
  return el('note', { type }, text);
}

function infoEl(node: string, type: string, name: string): Element {
  return payload(
    'query',
    ns.discoInfo,
    { node },
    el('identity', { category: 'automation', type, name }),
    ...[ns.commands, ns.form].map((feature) => el('feature', { var: feature })),
  );
}
