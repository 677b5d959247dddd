/**
 * Rules that join several keys. Each looks only at keys that are sound by themselves, so that one run reports
 * everything: a missing secret does not hide an open listener.
 */
import { domainOf } from '../core/address';
import { isLoopback, parseXmppService, parseListen, parseUser } from './endpoints';
import type { DialectKey, DialectValue } from './schema';

/** The value at a path after defaults, undefined when it is missing or has a problem of its own. */
export type Sound = (path: string) => unknown;
export type Report = (path: readonly string[], message: string) => void;

export interface RuleInput {
  readonly sound: Sound;
  readonly report: Report;
  readonly accountCount: number;
  /** undefined: not known here, anything goes */
  readonly dialect: readonly DialectKey[] | undefined;
}

/** Runs every rule. */
export function checkRules({ sound, report, accountCount, dialect }: RuleInput): void {
  checkComponentHost(sound, report);
  checkServerDomain(sound, report);
  checkHttpToken(sound, report);
  checkProvisioning(sound, report);
  checkAccounts(sound, report, accountCount);
  checkRedis(sound, report);
  if (dialect) checkDialect(sound, report, dialect);
}

function checkComponentHost(sound: Sound, report: Report): void {
  const service = sound('xmpp.service');
  const endpoint = typeof service === 'string' ? parseXmppService(service) : null;
  if (!endpoint || endpoint.isTls || isLoopback(endpoint.host)) return;
  if (sound('xmpp.allowRemotePlaintext') !== false) return;
  report(
    ['xmpp', 'service'],
    `${endpoint.host} is another host and the connection is not encrypted: ` +
      'use xmpps://, a tunnel to 127.0.0.1, or set xmpp.allowRemotePlaintext: true',
  );
}

function checkServerDomain(sound: Sound, report: Report): void {
  const server = sound('xmpp.serverDomain');
  if (typeof server !== 'string' || server !== sound('xmpp.domain')) return;
  report(
    ['xmpp', 'domain'],
    `${server} is the domain of the XMPP server itself (xmpp.serverDomain): give the bridge one of its own, for instance ximss.${server}`,
  );
}

function checkHttpToken(sound: Sound, report: Report): void {
  const text = sound('http.listen');
  const listen = typeof text === 'string' ? parseListen(text) : null;
  if (!listen || isLoopback(listen.host) || sound('http.token') !== null) return;
  report(['http', 'token'], `is missing; it is needed because http.listen (${listen.host}) is not loopback`);
}

function checkProvisioning(sound: Sound, report: Report): void {
  const template = sound('provisioning.template');
  if (typeof template === 'string') {
    const strange = template.replace(/\{(local|domain)\}/g, '');
    if (/[{}@\s/]/.test(strange))
      report(['provisioning', 'template'], 'may hold {local} and {domain}, but no @, space or other braces');
    else if (!template.includes('{local}')) report(['provisioning', 'template'], 'must contain {local}');
  }
  if (sound('provisioning.enabled') === true && sound('provisioning.domain') === null) {
    report(['provisioning', 'domain'], 'is missing; it is needed when provisioning.enabled is true');
  }
}

function checkAccounts(sound: Sound, report: Report, accountCount: number): void {
  const first = new Map<string, number>();
  for (let at = 0; at < accountCount; at += 1) {
    const jid = sound(`accounts.${at}.jid`);
    const user = typeof jid === 'string' ? parseUser(jid) : null;
    if (user === null) continue;
    if (domainOf(user) === sound('xmpp.domain')) {
      report(
        ['accounts', String(at), 'jid'],
        `${user} is in xmpp.domain, which belongs to the bridge alone: ` +
          'give the Jabber user here, and when that is their domain, another xmpp.domain',
      );
    }
    const earlier = first.get(user);
    if (earlier === undefined) first.set(user, at);
    else report(['accounts', String(at), 'jid'], `${user} has an account already: accounts.${earlier}`);
  }
}

/** Redis is given in one way, with what belongs to that way. */
function checkRedis(sound: Sound, report: Report): void {
  const hosts = sound('redis.sentinel.hosts');
  const given = [
    ...(typeof sound('redis.url') === 'string' ? ['redis.url'] : []),
    ...(Array.isArray(hosts) && hosts.length > 0 ? ['redis.sentinel'] : []),
    ...(Array.isArray(sound('redis.cluster')) ? ['redis.cluster'] : []),
  ];
  const [way = null, ...others] = given;
  if (others.length > 0) report(['redis'], `give one of ${given.join(' and ')}: they are different servers`);
  if (way === null || way === 'redis.url') {
    const where =
      way === null ? 'the private Redis has none' : 'they stand in redis.url: redis://USER:PASSWORD@HOST:PORT';
    for (const key of ['username', 'password']) {
      if (typeof sound(`redis.${key}`) === 'string') {
        report(['redis', key], `belongs to redis.sentinel or redis.cluster; ${where}`);
      }
    }
    const scheme = way === null ? 'the private Redis needs none' : 'write rediss:// in redis.url';
    if (sound('redis.tls') === true) report(['redis', 'tls'], `belongs to redis.sentinel or redis.cluster; ${scheme}`);
  }
  const wait = sound('redis.wait');
  if (typeof wait !== 'number' || wait === 0) return;
  if (way === null)
    report(['redis', 'wait'], 'waits for replicas, and the private Redis has none: set redis.url or redis.sentinel');
  if (way === 'redis.cluster')
    report(['redis', 'wait'], 'does not work with redis.cluster: set min-replicas-to-write on its nodes');
}

function checkDialect(sound: Sound, report: Report, dialect: readonly DialectKey[]): void {
  const overrides = sound('ximss.dialect');
  if (typeof overrides !== 'object' || overrides === null) return;
  for (const [key, value] of Object.entries(overrides)) {
    const known = dialect.find((entry) => entry.key === key);
    const path = ['ximss', 'dialect', key];
    if (!known) report(path, `unknown key; known are ${dialect.map((entry) => entry.key).join(', ')}`);
    else if (meant(known, value) === undefined) {
      report(path, `must be one of ${known.values.map(String).join(', ')}`);
    }
  }
}

/** The allowed value that was meant: `6.1` in YAML is a number, the word may be "6.1". Undefined: none. */
export function meant(key: DialectKey, value: unknown): DialectValue | undefined {
  if (key.values.length === 0) return value as DialectValue; // the schema lets nothing else in
  return key.values.find((allowed) => String(allowed) === String(value));
}
