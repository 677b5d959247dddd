/**
 * Who a far contact is, in the three forms Jabber clients ask for: vcard-temp (XEP-0054), vCard4 (XEP-0292), and the avatar by
 * itself (XEP-0084, asked for, never pushed). The gateway has a small card of its own. Read only: setting is refused.
 * A photo that no stanza holds is left out.
 */
import { createHash } from 'node:crypto';
import type { Account, BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import { GATEWAY, type Profile } from '../../core/model';
import type { IqHandler, IqRequest, IqService } from '../iq';
import { NS } from '../stanza/ns';
import { attr, childOf, el, payload, textEl, type Element } from '../stanza/element';

/** Asks the far network. Null: there is none. Rejects with a Fault. */
export type ProfileOf = (user: BareJid, peer: Account, signal: AbortSignal) => Promise<Profile | null>;

export interface ProfileOptions {
  readonly profileOf: ProfileOf;
  readonly stanzaBytes: number;
}

/** Of a stanza, for everything in a card but the photo. */
const OTHER_BYTES = 16 * 1024;

const gatewayProfile: Profile = {
  fullName: 'XIMSS gateway',
  nick: null,
  email: null,
  phone: null,
  organisation: null,
  title: null,
  url: null,
  about: 'Passes messages and presence between Jabber and a XIMSS server.',
  photo: null,
};

export function profileServices({ profileOf, stanzaBytes }: ProfileOptions): IqService[] {
  const find = async ({ from, peer, signal }: IqRequest): Promise<Profile> => {
    const profile = peer === GATEWAY ? gatewayProfile : await profileOf(from.bare, peer, signal);
    if (profile === null) throw new Fault('not-found');
    const isFitting = (profile.photo?.base64.length ?? 0) + OTHER_BYTES <= stanzaBytes;
    return isFitting ? profile : { ...profile, photo: null };
  };
  const refuse: IqHandler = () => {
    throw new Fault('not-allowed');
  };
  return [
    { name: 'vCard', xmlns: NS.vcard, of: 'both', get: async (request) => vcardTemp(await find(request)), set: refuse },
    { name: 'vcard', xmlns: NS.vcard4, of: 'both', get: async (request) => vcard4(await find(request)), set: refuse },
    {
      name: 'pubsub',
      xmlns: NS.pubsub,
      of: 'ghost',
      isUnlisted: true, // two nodes are not a pubsub service
      get: async (request) => {
        const items = childOf(request.payload, 'items', NS.pubsub);
        const node = items && attr(items, 'node');
        if (node === NS.vcard4Node) return pubsub(node, 'current', vcard4(await find(request)));
        if (node !== NS.avatarMetadata && node !== NS.avatarData) throw new Fault('not-found');
        return avatar(node, (await find(request)).photo);
      },
    },
  ];
}

function vcardTemp(profile: Profile): Element {
  const { photo } = profile;
  const within = (name: string, inner: string, text: string | null): Element | null =>
    text === null ? null : el(name, {}, textEl(inner, text));
  return payload(
    'vCard',
    NS.vcard,
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

/** RFC 6351 */
function vcard4(profile: Profile): Element {
  const text = (name: string, value: string | null): Element | null =>
    value === null ? null : el(name, {}, textEl('text', value));
  const uri = (name: string, value: string | null): Element | null =>
    value === null ? null : el(name, {}, textEl('uri', value));
  const { photo, phone } = profile;
  return payload(
    'vcard',
    NS.vcard4,
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

/** XEP-0084: the hash is the item, here and in presence (XEP-0153). */
function avatar(node: string, photo: Profile['photo']): Element {
  if (photo === null) throw new Fault('not-found');
  const bytes = Buffer.from(photo.base64, 'base64');
  const id = createHash('sha1').update(bytes).digest('hex');
  const info = el('info', { id, type: photo.type, bytes: String(bytes.length) });
  const content =
    node === NS.avatarData
      ? payload('data', NS.avatarData, {}, photo.base64)
      : payload('metadata', NS.avatarMetadata, {}, info);
  return pubsub(node, id, content);
}

function pubsub(node: string, id: string, content: Element): Element {
  return payload('pubsub', NS.pubsub, {}, el('items', { node }, el('item', { id }, content)));
}
