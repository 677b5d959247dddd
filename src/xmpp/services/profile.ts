/**
 * Who a far contact is, asked of the far network; the gateway has a small profile of its own. Cut down to what is harmless to clients: a
 * photo is a picture of a usual type that a stanza holds, an address of a page is http or https; the rest is left out. How a profile
 * looks as a card or avatar is not known here.
 */
import { createHash } from 'node:crypto';
import type { Account, BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import { gatewayPeer, type Profile } from '../../core/model';
import type { IqRequest } from '../iq';

/** Asks the far network. Null: there is none. Rejects with a Fault. */
export type ProfileOf = (user: BareJid, peer: Account, signal: AbortSignal) => Promise<Profile | null>;

/** The profile that a request is about. Rejects `not-found` and what the far network answers. */
export type FindProfile = (request: Pick<IqRequest, 'from' | 'peer' | 'signal'>) => Promise<Profile>;

/** The avatar hash to tell for a contact's (XEP-0153): '' when the photo behind it is one that is left out. */
export type ShownAvatar = (avatarHash: string | null) => string | null;

export interface Profiles {
  readonly find: FindProfile;
  readonly shownAvatar: ShownAvatar;
}

const photoTypes: readonly string[] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
/** Photos that are known to be left out, by their hash. */
const leftOutMax = 1_000;
/** Of a stanza, for everything in a card but the photo. */
const otherBytes = 16 * 1024;

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

/** `stanzaBytes`: the largest stanza that goes out. */
export function makeProfiles(profileOf: ProfileOf, stanzaBytes: number): Profiles {
  const leftOut = new Set<string>();

  const isFine = ({ type, base64 }: Photo): boolean =>
    photoTypes.includes(type.toLowerCase()) && base64.length + otherBytes <= stanzaBytes;

  const leaveOut = (photo: Photo): void => {
    const [oldest] = leftOut;
    if (oldest !== undefined && leftOut.size >= leftOutMax) leftOut.delete(oldest);
    leftOut.add(avatarHashOf(photo));
  };

  return {
    async find({ from, peer, signal }) {
      const profile = peer === gatewayPeer ? gatewayProfile : await profileOf(from.bare, peer, signal);
      if (profile === null) throw new Fault('not-found');
      const { photo, url } = profile;
      const isShown = photo !== null && isFine(photo);
      if (photo !== null && !isShown) leaveOut(photo);
      return { ...profile, url: url !== null && isWebAddress(url) ? url : null, photo: isShown ? photo : null };
    },
    shownAvatar: (hash) => (hash !== null && leftOut.has(hash) ? '' : hash),
  };
}

type Photo = NonNullable<Profile['photo']>;

/** The hash by which a photo goes in presence and as an avatar item (XEP-0153, XEP-0084). */
export function avatarHashOf({ base64 }: Photo): string {
  return createHash('sha1').update(Buffer.from(base64, 'base64')).digest('hex');
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text.trim());
}
