/**
 * The operations a chat bridge uses, typed: request, effect, and how the data of the answer is read. Names and attributes
 * as in docs/XIMSS.md 2, 5, 6 and 7. They know nothing of the middle; what an assumption governs is
 * decided by write.ts and read.ts and handed in. Readers are liberal: what is missing is null, what is odd is skipped.
 */
import { Fault } from '../../core/fault';
import { parseBasicTime } from '../../core/text';
import { attr, childOf, childrenOf, childText, el, textOf, type Element } from '../wire/element';
import type { Effect, Operation } from './request';

function operation(request: Element, effect?: Effect): Operation<void>;
function operation<R>(request: Element, effect: Effect, parse: (data: readonly Element[]) => R): Operation<R>;
function operation<R>(
  request: Element,
  effect: Effect = 'repeatable',
  parse?: (data: readonly Element[]) => R,
): Operation<R | void> {
  return { request, effect, parse: parse ?? ((): void => undefined) };
}

const named = (data: readonly Element[], name: string): Element | null =>
  data.find((document) => document.name === name) ?? null;

// ---- before login (2.1, 2.2)

export interface Features {
  readonly domain: string | null;
  readonly hasStarttls: boolean;
  /** upper case */
  readonly sasl: readonly string[];
  readonly nonce: string | null;
  readonly hasSignup: boolean;
}

export function readFeatures(element: Element | null): Features {
  if (element === null) return { domain: null, hasStarttls: false, sasl: [], nonce: null, hasSignup: false };
  return {
    domain: attr(element, 'domain'),
    hasStarttls: childOf(element, 'starttls') !== null,
    sasl: childrenOf(element, 'sasl').map((child) => textOf(child).trim().toUpperCase()),
    nonce: childText(element, 'nonce')?.trim() ?? null,
    hasSignup: childOf(element, 'signup') !== null,
  };
}

/** What the server offers before login; `domain` becomes the current one. */
export const listFeatures = (domain: string): Operation<Features> =>
  operation(el('listFeatures', { domain }), 'repeatable', (data) => readFeatures(named(data, 'features')));

export interface NewAccount {
  readonly domain: string;
  readonly userName: string;
  readonly password: string;
  readonly realName: string | null;
}

/** Makes an account; does not log in; the server answers late on purpose. Refused when it exists or signup is off. */
export const signup = ({ domain, userName, password, realName }: NewAccount): Operation<void> =>
  operation(el('signup', { domain, userName, password, realName: realName ?? undefined }), 'once');

// ---- the session (2.4, 2.6, 2.7)

export interface SessionInfo {
  readonly urlId: string | null;
  readonly userName: string | null;
  readonly version: string | null;
  readonly mustChangePassword: boolean;
  readonly needsSecondFactor: boolean;
}

/** The `session` message of a login. */
export function readSession(element: Element | null): SessionInfo {
  const get = (name: string): string | null => (element === null ? null : attr(element, name));
  const isOn = (name: string): boolean => !['', '0', 'no'].includes(get(name) ?? '');
  return {
    urlId: get('urlID'),
    userName: get('userName'),
    version: get('version'),
    mustChangePassword: isOn('changePassword'),
    needsSecondFactor: isOn('x2auth'),
  };
}

export const noop = (): Operation<void> => operation(el('noop'));
export const bye = (): Operation<void> => operation(el('bye'));

/** The server's clock, ms since the epoch; null when it said nothing readable. */
export const readTime = (): Operation<number | null> =>
  operation(el('readTime'), 'repeatable', (data) => {
    const now = named(data, 'currentTime');
    return parseBasicTime((now && attr(now, 'gmtTime')) ?? '');
  });

export const signalBind = (attrs: Readonly<Record<string, string>>): Operation<void> =>
  operation(el('signalBind', attrs));
export const signalUnbind = (): Operation<void> => operation(el('signalUnbind'));

// ---- messages, roster, presence, iq (4, 5, 6): the elements are made by write.ts

/** sendIM with text is visible when repeated; a chat state is not. */
export const sendIm = (element: Element, effect: Effect): Operation<void> => operation(element, effect);

export const rosterList = (): Operation<readonly Element[]> =>
  operation(el('rosterList'), 'repeatable', (data) => data.filter((item) => item.name === 'rosterItem'));

export const rosterSet = (element: Element): Operation<void> => operation(element);
export const presenceSet = (element: Element): Operation<void> => operation(element);

export interface IqRequest {
  readonly type: 'get' | 'set' | 'result' | 'error';
  readonly peer: string;
  readonly iqid: string;
  readonly payload: Element | null;
}

/** The answer comes later as an asynchronous iqRead with the same iqid (4.6). */
export const iqSend = ({ type, peer, iqid, payload }: IqRequest): Operation<void> =>
  operation(el('iqSend', { type, peer, iqid }, ...(payload === null ? [] : [payload])));

// ---- files and directory (7)

export interface FileData {
  readonly fileName: string | null;
  readonly text: string;
  readonly vCard: Element | null;
  readonly base64: string | null;
}

/** Reads a file of the account; refused with "file is not found" when there is none. */
export const fileRead = (fileName: string, type?: 'vcard' | 'binary'): Operation<FileData> =>
  operation(el('fileRead', { type, fileName }), 'repeatable', (data) => {
    const file = named(data, 'fileData');
    if (file === null) throw new Fault('unavailable', { cause: 'fileRead without fileData' });
    return {
      fileName: attr(file, 'fileName'),
      text: textOf(file),
      vCard: childOf(file, 'vCard'),
      base64: childText(file, 'base64'),
    };
  });

/** Writes the own profile (`profile.vcf`); the form is inferred from fileRead. */
export const fileWriteVCard = (fileName: string, vCard: Element): Operation<void> =>
  operation(el('fileWrite', { type: 'vcard', fileName }, vCard));

/** Directory search; the result element is not documented, so the data is given back as it came, `limit` documents at most. */
export const listDirectory = (
  filter: string,
  limit: number,
  fields: readonly string[],
): Operation<readonly Element[]> => ({
  ...operation(
    el('listDirectory', { filter, limit: String(limit) }, ...fields.map((field) => el('field', {}, field))),
    'repeatable',
    (data) => data,
  ),
  dataMax: limit,
});
