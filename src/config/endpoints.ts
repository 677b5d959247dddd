/**
 * The only parser of addresses and URLs in the configuration: XMPP service, XIMSS server, listen, Redis, users. It only
 * looks at the text: no name is resolved, nothing is connected to. Every part of the program is given what is parsed
 * here, so that what check-config accepts is what runs.
 */
import { isIP } from 'node:net';
import { Fault } from '../core/fault';
import { localOf, parseJid } from '../core/address';
import type { BareJid } from '../core/address';

/** What `parse` makes of a text that the configuration has accepted. Throws Fault `bad-request` when it is another. */
export function accepted<T>(parse: (text: string) => T | null, text: string): T {
  const parsed = parse(text);
  if (parsed === null) throw new Fault('bad-request', { text: `"${text}" is no address that can be used here.` });
  return parsed;
}

/** Host (IPv6 without brackets), TCP port, and whether TLS starts with the first byte. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** A far server: raw TCP or the HTTP binding, whose base path ends without a slash. */
export interface XimssServerAddress extends Endpoint {
  readonly binding: 'tcp' | 'http';
  readonly basePath: string;
}

const componentPort = 5347; // what Prosody and ejabberd listen on for XEP-0114
const ximssPort = 11024; // default listener, docs/XIMSS.md 1.1

/** `xmpp://host[:port]` or `xmpps://host[:port]` (XEP-0114 has no registered scheme); null when it is something else. */
export function parseXmppService(text: string): Endpoint | null {
  const url = parseUrl(text);
  if (!url || !['xmpp:', 'xmpps:'].includes(url.protocol) || hasPath(url)) return null;
  return { host: hostOf(url), port: portOf(url) ?? componentPort, isTls: url.protocol === 'xmpps:' };
}

/**
 * `ximss://host[:port]`, `ximss+tls://host:port` (a default port of a TLS listener is not known, so it must be said),
 * `http://` or `https://` with an optional path; null when it is something else.
 */
export function parseXimssServer(text: string): XimssServerAddress | null {
  const url = parseUrl(text);
  if (!url) return null;
  const host = hostOf(url);
  const port = portOf(url);
  switch (url.protocol) {
    case 'ximss:':
      return hasPath(url) ? null : { binding: 'tcp', host, port: port ?? ximssPort, isTls: false, basePath: '' };
    case 'ximss+tls:':
      return hasPath(url) || port === null ? null : { binding: 'tcp', host, port, isTls: true, basePath: '' };
    case 'http:':
      return { binding: 'http', host, port: port ?? 80, isTls: false, basePath: basePathOf(url) };
    case 'https:':
      return { binding: 'http', host, port: port ?? 443, isTls: true, basePath: basePathOf(url) };
    default:
      return null;
  }
}

/** `host:port` or `[ipv6]:port`; port 0 lets the system choose. Null when it is something else. */
export function parseListen(text: string): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/@]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65_535) return null;
  if (match?.[1] !== undefined && isIP(host) !== 6) return null;
  return { host, port };
}

/** `host:port` or `[ipv6]:port` of a server that is connected to. Null when it is something else. */
export function parseNode(text: string): { readonly host: string; readonly port: number } | null {
  const node = parseListen(text);
  return node === null || node.port === 0 ? null : node;
}

/** Does the host name or address mean this very machine, by its text alone (RFC 6761 section 6.3)? */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true;
  const v4 = name.startsWith('::ffff:') ? name.slice('::ffff:'.length) : name;
  return isIP(v4) === 4 && v4.startsWith('127.');
}

/** `redis://`, `rediss://`, or a unix socket as `unix:///path` or `/path`. */
export function isRedisUrl(text: string): boolean {
  if (socketPath(text) !== null) return true;
  const url = parseUrl(text, true);
  return url !== null && ['redis:', 'rediss:'].includes(url.protocol) && /^\/?\d*$/.test(url.pathname);
}

/** The path of a unix socket URL, null when it is not one. */
export function socketPath(text: string): string | null {
  const path = text.startsWith('unix://') ? text.slice('unix://'.length) : text;
  return path.startsWith('/') && !path.startsWith('//') && path.length > 1 ? path : null;
}

/** The bare JID of a person, prepared: with a local part, without a resource. Null when it is something else. */
export function parseUser(text: string): BareJid | null {
  const jid = parseJid(text);
  return jid !== null && jid.resource === null && localOf(jid.bare) !== null ? jid.bare : null;
}

function parseUrl(text: string, mayHavePassword = false): URL | null {
  if (/\s/.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.hostname === '' || url.search !== '' || url.hash !== '') return null;
  if (!mayHavePassword && (url.username !== '' || url.password !== '')) return null;
  return url;
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

function portOf(url: URL): number | null {
  return url.port === '' ? null : Number(url.port);
}

function hasPath(url: URL): boolean {
  return url.pathname !== '' && url.pathname !== '/';
}

function basePathOf(url: URL): string {
  return url.pathname.replace(/\/+$/, '');
}
