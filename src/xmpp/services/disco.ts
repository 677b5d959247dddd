/**
 * What the component and its ghosts say they are: XEP-0030 answers and XEP-0115 hashes from one table, so that they cannot differ.
 * Ghosts name what a message to them may carry and still be understood on the other side; retraction is not among it, because nothing
 * can be taken back there.
 */
import { createHash } from 'node:crypto';
import type { Account } from '../../core/address';
import { Fault } from '../../core/fault';
import { gatewayPeer } from '../../core/model';
import type { IqHandler, IqRequest, IqService } from '../iq';
import { ns } from '../stanza/ns';
import { attr, el, payload, type Element } from '../stanza/element';

const capsNode = 'urn:xmpp-ximss-bridge';

interface Entity {
  readonly category: string;
  readonly type: string;
  readonly name: string | null;
  readonly features: readonly string[];
}

const ghostFeatures: readonly string[] = [
  ns.chatStates,
  ns.receipts,
  ns.markers,
  ns.correct,
  ns.reply,
  ns.fallback,
  ns.reactions,
  ns.oob,
  ns.attention,
];

export interface Disco {
  readonly services: readonly IqService[];
  readonly caps: (peer: Account) => Element;
}

/** Nodes of the gateway that others know; null: not theirs. */
export interface DiscoNodes {
  readonly info: (node: string, request: IqRequest) => Element | null;
  readonly items: (node: string, request: IqRequest) => Element | null;
}

const noNodes: DiscoNodes = { info: () => null, items: () => null };

/** `own`: every service there is; their namespaces are the features. */
export function makeDisco(own: readonly IqService[], nodes: DiscoNodes = noNodes): Disco {
  const featuresOf = (foreign: 'gateway' | 'ghost', extra: readonly string[]): string[] => {
    const served = own
      .filter((service) => service.of !== foreign && !service.isUnlisted)
      .map((service) => service.xmlns);
    return [...new Set([ns.discoInfo, ns.discoItems, ns.caps, ...served, ...extra])].sort();
  };
  const gateway: Entity = {
    category: 'gateway',
    type: 'ximss',
    name: 'XIMSS gateway',
    features: featuresOf('ghost', []),
  };
  const ghost: Entity = {
    category: 'account',
    type: 'registered',
    name: null,
    features: featuresOf('gateway', ghostFeatures),
  };
  const hashes = new Map([gateway, ghost].map((entity) => [entity, capsHash(entity)]));
  const entityOf = (peer: Account): Entity => (peer === gatewayPeer ? gateway : ghost);
  const hashOf = (peer: Account): string => hashes.get(entityOf(peer)) ?? '';

  const found = (request: IqRequest, answer: Element | null): Element => {
    if (answer === null || request.peer !== gatewayPeer) throw new Fault('not-found');
    return answer;
  };
  const info: IqHandler = (request) => {
    const { peer } = request;
    const node = attr(request.payload, 'node');
    if (node === null || node === `${capsNode}#${hashOf(peer)}`) return infoEl(entityOf(peer), node);
    return found(request, nodes.info(node, request));
  };
  const items: IqHandler = (request) => {
    const node = attr(request.payload, 'node');
    return node === null ? payload('query', ns.discoItems) : found(request, nodes.items(node, request));
  };
  return {
    services: [
      { name: 'query', xmlns: ns.discoInfo, of: 'both', get: info },
      { name: 'query', xmlns: ns.discoItems, of: 'both', get: items },
    ],
    caps: (peer) => payload('c', ns.caps, { hash: 'sha-1', node: capsNode, ver: hashOf(peer) }),
  };
}

function infoEl({ category, type, name, features }: Entity, node: string | null): Element {
  const identity = el('identity', { category, type, name });
  return payload('query', ns.discoInfo, { node }, identity, ...features.map((one) => el('feature', { var: one })));
}

/** XEP-0115 section 5.1: one identity without a language, features in order of their bytes (ours are ASCII). */
function capsHash({ category, type, name, features }: Entity): string {
  const text = [`${category}/${type}//${name ?? ''}`, ...features, ''].join('<');
  return createHash('sha1').update(text, 'utf8').digest('base64');
}
