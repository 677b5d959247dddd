/**
 * Who a far contact is, asked of the far network; the gateway has a small profile of its own. A photo that no stanza holds is
 * left out. How a profile looks as a card or avatar is not known here.
 */
import type { Account, BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import { GATEWAY, type Profile } from '../../core/model';
import type { IqRequest } from '../iq';

/** Asks the far network. Null: there is none. Rejects with a Fault. */
export type ProfileOf = (user: BareJid, peer: Account, signal: AbortSignal) => Promise<Profile | null>;

/** The profile that a request is about. Rejects `not-found` and what the far network answers. */
export type FindProfile = (request: Pick<IqRequest, 'from' | 'peer' | 'signal'>) => Promise<Profile>;

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
export function makeFindProfile(profileOf: ProfileOf, stanzaBytes: number): FindProfile {
  return async ({ from, peer, signal }) => {
    const profile = peer === GATEWAY ? gatewayProfile : await profileOf(from.bare, peer, signal);
    if (profile === null) throw new Fault('not-found');
    const isFitting = (profile.photo?.base64.length ?? 0) + otherBytes <= stanzaBytes;
    return isFitting ? profile : { ...profile, photo: null };
  };
}
