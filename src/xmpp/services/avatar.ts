/**
 * A contact's avatar by itself (XEP-0084), and the new card as an item (XEP-0292): asked for, never pushed. Two nodes are not a pubsub
 * service, so pubsub is not among the features.
 */
import { Fault } from '../../core/fault';
import type { Profile } from '../../core/model';
import type { IqService } from '../iq';
import { ns } from '../stanza/ns';
import { attr, childOf, el, payload, type Element } from '../stanza/element';
import { avatarHashOf, type FindProfile } from './profile';
import { vcard4 } from './vcard';

export function avatarService(find: FindProfile): IqService {
  return {
    name: 'pubsub',
    xmlns: ns.pubsub,
    of: 'ghost',
    isUnlisted: true,
    get: async (request) => {
      const items = childOf(request.payload, 'items', ns.pubsub);
      const node = items && attr(items, 'node');
      if (node === ns.vcard4Node) return pubsub(node, 'current', vcard4(await find(request)));
      if (node !== ns.avatarMetadata && node !== ns.avatarData) throw new Fault('not-found');
      return avatar(node, idIn(items), (await find(request)).photo);
    },
  };
}

/** The item that is asked for; null: the present one. */
function idIn(items: Element | null): string | null {
  const item = items && childOf(items, 'item', ns.pubsub);
  return item && attr(item, 'id');
}

/** XEP-0084: the hash is the item, here and in presence (XEP-0153); another item than the present one there is not. */
function avatar(node: string, wanted: string | null, photo: Profile['photo']): Element {
  if (photo === null) throw new Fault('not-found');
  const id = avatarHashOf(photo);
  if (wanted !== null && wanted !== id) throw new Fault('not-found');
  const bytes = String(Buffer.byteLength(photo.base64, 'base64'));
  const content =
    node === ns.avatarData
      ? payload('data', ns.avatarData, {}, photo.base64)
      : payload('metadata', ns.avatarMetadata, {}, el('info', { id, type: photo.type, bytes }));
  return pubsub(node, id, content);
}

function pubsub(node: string, id: string, content: Element): Element {
  return payload('pubsub', ns.pubsub, {}, el('items', { node }, el('item', { id }, content)));
}
