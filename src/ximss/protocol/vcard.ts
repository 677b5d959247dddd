/**
 * A vCard of the far network -> the model, pure (docs/XIMSS.md 7.1: XMPP-style children, XEP-0054). Liberal: what is
 * missing, empty or odd is null. Every text is bounded, since it comes from strangers.
 */
import type { Profile } from '../../core/model';
import { excerpt } from '../../core/text';
import { childOf, childrenOf, childText, el, type Element } from '../wire/element';
import { iqSend } from './operations';
import type { Operation } from './request';

const textCount = 1_000;

/** Asks for a contact's card; the answer comes later, as an iqRead (4.6). */
export function askCard(peer: string, iqid: string): Operation<void> {
  return iqSend({ type: 'get', peer, iqid, payload: el('vCard', { xmlns: 'vcard-temp' }) });
}

/** What an iqRead that answers says of the contact; null when it is an error or the card is empty. */
export function readCard(answer: Element): Profile | null {
  const card = childOf(answer, 'vCard');
  if (card === null || childrenOf(card).length === 0) return null;
  const within = (name: string, ...inner: readonly string[]): string | null =>
    first(childrenOf(card, name).flatMap((part) => inner.map((one) => plain(childText(part, one)))));
  const email = childText(card, 'EMAIL');
  return {
    fullName: plain(childText(card, 'FN')),
    nick: plain(childText(card, 'NICKNAME')),
    email: within('EMAIL', 'USERID') ?? plain(email),
    phone: within('TEL', 'NUMBER'),
    organisation: within('ORG', 'ORGNAME'),
    title: plain(childText(card, 'TITLE')),
    url: plain(childText(card, 'URL')),
    about: plain(childText(card, 'DESC')),
    photo: photoOf(childOf(card, 'PHOTO')),
  };
}

const first = (texts: readonly (string | null)[]): string | null => texts.find((text) => text !== null) ?? null;

function plain(text: string | null): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : excerpt(trimmed, textCount);
}

/** Pictures by their first bytes: the far side may name no type. */
const signatures: readonly (readonly [string, RegExp])[] = [
  ['image/png', /^iVBORw0KGgo/],
  ['image/jpeg', /^\/9j\//],
  ['image/gif', /^R0lGOD/],
  ['image/webp', /^UklGR/],
];

function photoOf(photo: Element | null): Profile['photo'] {
  const base64 = photo === null ? '' : (childText(photo, 'BINVAL') ?? '').replace(/\s+/g, '');
  if (photo === null || base64 === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return null;
  const said = childText(photo, 'TYPE')?.trim().toLowerCase() ?? '';
  const seen = signatures.find(([, start]) => start.test(base64))?.[0];
  const type = seen ?? (/^image\/[a-z0-9.+-]{1,40}$/.test(said) ? said : null);
  return type === null ? null : { type, base64 };
}
