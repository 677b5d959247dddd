/**
 * The recorder of everything a client sends that docs/XIMSS.md does not know: elements, attributes, children, text in the
 * wrong place, framing and numbering mistakes. Recording never changes an answer. Bounded; names only, never contents.
 */
import type { Dialect } from './dialect';
import type { El } from './xml';

/** What an element may hold: attribute names, child elements (`true`: anything inside), text or not. */
interface Shape {
  attrs?: string[];
  children?: Record<string, Shape | true>;
  text?: boolean;
}

const empty: Shape = {};
const text: Shape = { text: true };
const group = { group: text };

/** Requests the document knows, by section. `id` and `exeTime` (1.2) go with every one. */
function vocabulary(dialect: Dialect): Record<string, Shape> {
  const shapes: Record<string, Shape> = {
    listFeatures: { attrs: ['domain'] },
    starttls: empty,
    signup: { attrs: ['domain', 'userName', 'password', 'realName', 'recoverPassword'] },
    recoverPassword: { attrs: ['domain', 'userName'] },
    readStrings: { attrs: ['language'] },
    login: { attrs: ['method', 'authData', 'password', ...(dialect.tcpLoginVersion ? ['version'] : [])] },
    auth: { attrs: ['value'] },
    noop: empty,
    readTime: empty,
    bye: empty,
    passwordModify: { attrs: ['oldPassword', 'recoveryEmail', dialect.newPasswordAttribute] },
    setSessionOption: { attrs: ['name', 'value'] },
    setClientName: { attrs: ['name'] },
    prefsRead: { attrs: ['type'], children: { name: text } },
    cliExecute: { text: true },
    signalBind: { attrs: ['presence', 'readIM', 'clientID', 'deviceName'], children: { sdp: true, sdpText: true } },
    signalUnbind: empty,
    sendIM: {
      attrs: ['peer', 'type', 'clientID', 'iqid'],
      children: { composing: empty, paused: empty, gone: empty, body: text, subject: text },
      text: true,
    },
    iqSend: { attrs: ['type', 'peer', 'iqid'], children: { '*': true } },
    rosterList: empty,
    rosterSet: { attrs: ['peer', 'name', dialect.rosterRemove], children: group },
    presenceSet: { attrs: ['peer', 'type'], children: { presence: text, status: text } },
    fileList: { attrs: ['directory', 'fileName'] },
    fileRead: { attrs: ['fileName', 'position', 'limit', 'type'] },
    fileWrite: { attrs: ['fileName', 'type', 'uploadID'], children: { vCard: true, base64: text }, text: true },
    fileRemove: { attrs: ['fileName'] },
    fileDirCreate: { attrs: ['fileName'] },
    listDirectory: { attrs: ['filter', 'limit'], children: { field: text } },
  };
  return shapes;
}

const maxViolations = 1000;

export class Strict {
  /** One line each, oldest first, at most a thousand. */
  readonly violations: string[] = [];
  private readonly shapes: Map<string, Shape>;

  constructor(dialect: Dialect) {
    this.shapes = new Map(Object.entries(vocabulary(dialect)));
  }

  /** True when the document knows a request of that name. */
  knows(name: string): boolean {
    return this.shapes.has(name);
  }

  note(who: string | null, what: string): void {
    if (this.violations.length < maxViolations) this.violations.push(`${who ?? '-'}: ${what}`);
  }

  /** Compares a request with the document. */
  check(who: string | null, request: El): void {
    const shape = this.shapes.get(request.name);
    if (shape === undefined) this.note(who, `unknown request <${request.name.slice(0, 80)}>`);
    else this.compare(who, request, shape, request.name, true);
  }

  private compare(who: string | null, element: El, shape: Shape, path: string, isRequest: boolean): void {
    for (const key in element.attrs) {
      if (isRequest && (key === 'id' || key === 'exeTime')) continue;
      if (!(shape.attrs?.includes(key) ?? false)) this.note(who, `${path}: unknown attribute ${key.slice(0, 80)}`);
    }
    for (const child of element.children) {
      if (typeof child === 'string') {
        if (shape.text !== true && child.trim() !== '') this.note(who, `${path}: unexpected text`);
        continue;
      }
      const known = shape.children ?? {};
      const inner = Object.hasOwn(known, child.name) ? known[child.name] : known['*'];
      if (inner === undefined) this.note(who, `${path}: unknown child <${child.name.slice(0, 80)}>`);
      else if (inner !== true) this.compare(who, child, inner, `${path}/${child.name}`, false);
    }
  }
}
