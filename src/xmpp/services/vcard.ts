/**
 * A contact's card in the two forms that clients ask for: vcard-temp (XEP-0054) and vCard4 (XEP-0292, RFC 6351). Read only: setting is
 * refused.
 */
import { Fault } from '../../core/fault';
import type { Profile } from '../../core/model';
import type { IqHandler, IqService } from '../iq';
import { ns } from '../stanza/ns';
import { el, payload, textEl, type Element } from '../stanza/element';
import type { FindProfile } from './profile';

export function vcardServices(find: FindProfile): IqService[] {
  const refuse: IqHandler = () => {
    throw new Fault('not-allowed');
  };
  return [
    { name: 'vCard', xmlns: ns.vcard, of: 'both', get: async (request) => vcardTemp(await find(request)), set: refuse },
    { name: 'vcard', xmlns: ns.vcard4, of: 'both', get: async (request) => vcard4(await find(request)), set: refuse },
  ];
}

function vcardTemp(profile: Profile): Element {
  const { photo } = profile;
  const within = (name: string, inner: string, text: string | null): Element | null =>
    text === null ? null : el(name, {}, textEl(inner, text));
  return payload(
    'vCard',
    ns.vcard,
    {},
    textEl('FN', profile.fullName),
    textEl('NICKNAME', profile.nick),
    within('EMAIL', 'USERID', profile.email),
    within('TEL', 'NUMBER', profile.phone),
    within('ORG', 'ORGNAME', profile.organisation),
    textEl('TITLE', profile.title),
    textEl('URL', profile.url),
    textEl('DESC', profile.about),
    photo && el('PHOTO', {}, textEl('TYPE', photo.type), textEl('BINVAL', photo.base64)),
  );
}

/** The card as RFC 6351 writes it. */
export function vcard4(profile: Profile): Element {
  const text = (name: string, value: string | null): Element | null =>
    value === null ? null : el(name, {}, textEl('text', value));
  const uri = (name: string, value: string | null): Element | null =>
    value === null ? null : el(name, {}, textEl('uri', value));
  const { photo, phone } = profile;
  return payload(
    'vcard',
    ns.vcard4,
    {},
    text('fn', profile.fullName ?? profile.nick ?? ''),
    text('nickname', profile.nick),
    text('email', profile.email),
    uri('tel', phone === null ? null : `tel:${phone.replace(/[^+\d]/g, '')}`),
    text('org', profile.organisation),
    text('title', profile.title),
    uri('url', profile.url),
    text('note', profile.about),
    uri('photo', photo && `data:${photo.type};base64,${photo.base64}`),
  );
}
