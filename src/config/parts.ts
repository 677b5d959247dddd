/**
 * What each part of the program is told of the configuration, in the part's own words and units (the configuration counts
 * seconds, the parts milliseconds). Nothing is decided or checked here; the configuration has been.
 */
import { readFileSync } from 'node:fs';
import { accepted, parseNode, parseXimssServer, parseXmppService } from './endpoints';
import type { Config } from './schema';

const second = 1_000;
/** A far document may be so many times as large as a stanza: rosters come whole, and the two escape differently. */
const stanzasPerDocument = 4;
/** A signup may take so many times as long as another request: CommuniGate delays its answer on purpose. */
const requestsPerSignup = 4;

export function storeSettings(config: Config) {
  const { scale, dataDir, secretKeyFile, delivery } = config;
  return {
    ...redisSettings(config),
    shards: scale.shards,
    processName: scale.name,
    dataDir,
    secretKeyFile,
    dedupeWindowMs: delivery.dedupeWindowSeconds * second,
    laneMax: delivery.laneMax,
    totalMax: delivery.queueMax,
  };
}

/** What must be the same in all processes on one Redis: setting and value. */
export function agreementOf({ xmpp, ximss, provisioning }: Config): Readonly<Record<string, string>> {
  return {
    'xmpp.domain': xmpp.domain,
    'ximss.domain': ximss.domain,
    'ximss.server': ximss.server,
    'provisioning.template': provisioning.enabled ? `${provisioning.template}@${provisioning.domain ?? ''}` : 'off',
  };
}

/** Where Redis is. Reads the CA file, which the configuration has seen; throws when it has gone since. */
export function redisSettings({ redis }: Config) {
  const { url, sentinel, cluster, username, password, tls, caFile, wait } = redis;
  const { name, hosts } = sentinel;
  return {
    url,
    sentinel:
      hosts.length === 0
        ? null
        : { name, hosts: hosts.map(nodeOf), username: sentinel.username, password: sentinel.password },
    cluster: cluster === null ? null : cluster.map(nodeOf),
    username,
    password,
    isTls: tls,
    ca: textOf(caFile),
    waitReplicas: wait,
  };
}

/** Reads the CA file, which the configuration has seen; throws when it has gone since. */
export function jabberSettings({ xmpp, ximss, limits, registration, language }: Config) {
  return {
    service: accepted(parseXmppService, xmpp.service),
    domain: xmpp.domain,
    homeDomain: ximss.domain,
    secret: xmpp.secret,
    serverDomain: xmpp.serverDomain,
    ca: textOf(xmpp.caFile),
    stanzaBytes: limits.stanzaBytes,
    language,
    mayRegister: registration.enabled,
  };
}

/** Reads the CA file, which the configuration has seen; throws when it has gone since. */
export function farSettings({ ximss, limits }: Config) {
  return {
    server: accepted(parseXimssServer, ximss.server),
    domain: ximss.domain,
    starttls: ximss.starttls,
    login: ximss.login,
    ca: textOf(ximss.caFile),
    keepAliveMs: ximss.keepAliveSeconds * second,
    requestTimeoutMs: ximss.requestTimeoutSeconds * second,
    maxDocumentBytes: stanzasPerDocument * limits.stanzaBytes,
    dialect: ximss.dialect,
  };
}

export function bridgeSettings(config: Config) {
  const { xmpp, ximss, access, accounts, registration, provisioning, limits, delivery, presence, roster } = config;
  const { enabled, domain, template } = provisioning;
  return {
    homeDomain: ximss.domain,
    access,
    accounts: accounts.map(({ jid, account, password }) => ({ user: jid, account, password })),
    registration: {
      mayRegister: registration.enabled,
      triesPerHour: registration.triesPerHour,
      linksPerDomain: registration.linksPerDomain,
      isOwnDomain: (domain: string) => domain === xmpp.serverDomain || xmpp.domain.endsWith(`.${domain}`),
    },
    language: config.language,
    provisioning: enabled && domain !== null ? { domain, template } : null,
    signupTimeoutMs: requestsPerSignup * ximss.requestTimeoutSeconds * second,
    messagesPerMinute: limits.messagesPerMinute,
    hold: delivery.holdSeconds === 'auto' ? ('auto' as const) : delivery.holdSeconds * second,
    logsDelivered: config.log.messages,
    delivery: {
      expireAfterMs: delivery.expireAfterSeconds * second,
      unknownOutcome: delivery.unknownOutcome,
      receipts: delivery.receipts,
    },
    timing: {
      leaseMs: presence.leaseSeconds * second,
      settleMs: presence.settleSeconds * second,
      sweepMs: roster.compareSeconds * second,
    },
  };
}

const nodeOf = (text: string) => accepted(parseNode, text);
const textOf = (path: string | null): string | null => (path === null ? null : readFileSync(path, 'utf8'));
