/** The small operations of docs/XIMSS.md 2.6: noop, readTime, bye, passwordModify, options, client name, preferences. */
import type { Call } from './exchange';
import { refusals } from '../refusal';
import type { Session } from '../accounts/store';
import { ximssTime } from '../world';
import { el, elements, textOf } from '../xml';

export function noop(): void {
  return;
}

/** localTime equals gmtTime: the server lives in UTC. */
export function readTime(_session: Session, call: Call): void {
  const time = ximssTime(call.world.now());
  call.data(el('currentTime', { gmtTime: time, localTime: time }));
}

/** The response, then the session ends. */
export function bye(session: Session, call: Call): void {
  call.afterwards(() => call.world.sessions.end(session));
}

export function passwordModify(session: Session, call: Call): void {
  const { account } = session;
  const wanted = call.request.attrs[call.world.settings.dialect.newPasswordAttribute];
  if (call.request.attrs['oldPassword'] !== account.password) throw refusals.badPassword();
  if (wanted === '') throw refusals.badParameter('new password');
  if (wanted === undefined && call.request.attrs['recoveryEmail'] === undefined)
    throw refusals.badParameter('new password');
  if (wanted === undefined) return;
  account.password = wanted;
  account.mustChangePassword = false;
}

/** `idleTimeout` in seconds; other names of section 2.6 are accepted and do nothing. */
export function setSessionOption(session: Session, call: Call): void {
  const { name, value } = call.request.attrs;
  if (name === 'idleTimeout') {
    const seconds = Number(value);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > 86_400) throw refusals.badParameter('value');
    session.idleTimeoutMs = seconds * 1000;
    return;
  }
  if (name !== 'reportMailboxChanges') throw refusals.badParameter('name');
}

export function setClientName(session: Session, call: Call): void {
  session.clientName = (call.request.attrs['name'] ?? '').slice(0, 256);
}

/** One child per preference asked for; all are empty but Language. */
export function prefsRead(_session: Session, call: Call): void {
  const names = elements(call.request).map((child) => textOf(child));
  const known = names.filter((name) => name === 'Language');
  call.data(el('prefs', {}, ...known.map((name) => el(name, {}, 'English'))));
}
