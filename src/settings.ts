/**
 * What each part is told of the configuration, in the part's own words and units (the configuration counts seconds, the
 * parts milliseconds). Nothing is decided or checked here; the configuration has been.
 */
import { readFileSync } from 'node:fs';
import type { DrainOptions } from './bridge/delivery/drain';
import type { HoldOptions } from './bridge/delivery/hold';
import type { PeopleOptions } from './bridge/contacts/contacts';
import type { ProvisionOptions } from './bridge/accounts/provision';
import { accepted, parseXimssServer, parseXmppService, type Config } from './config';
import type { StoreOptions } from './store';
import type { FarSettings } from './ximss/port';
import type { JabberOptions } from './xmpp/component';

const second = 1_000;
const day = 24 * 3600 * second;

export function storeSettings({ redis, dataDir, secretKeyFile, delivery }: Config) {
  return {
    url: redis.url,
    dataDir,
    secretKeyFile,
    dedupeWindowMs: delivery.dedupeWindowSeconds * second,
    laneMax: delivery.laneMax,
    totalMax: delivery.queueMax,
    deadMax: 10_000,
    deadAgeMs: 30 * day,
    drainConcurrency: 64,
  } satisfies Partial<StoreOptions>;
}

export function jabberSettings({ xmpp, ximss, limits, registration }: Config) {
  return {
    service: accepted(parseXmppService, xmpp.service),
    domain: xmpp.domain,
    homeDomain: ximss.domain,
    secret: xmpp.secret,
    serverDomain: xmpp.serverDomain,
    ca: null,
    stanzaBytes: limits.stanzaBytes,
    language: 'en',
    registration: registration.enabled,
  } satisfies Partial<JabberOptions>;
}

/** Reads the CA file, which the configuration has seen; throws when it has gone since. */
export function farSettings({ ximss, limits }: Config): FarSettings {
  return {
    server: accepted(parseXimssServer, ximss.server),
    domain: ximss.domain,
    starttls: ximss.starttls,
    login: ximss.login,
    ca: ximss.caFile === null ? null : readFileSync(ximss.caFile, 'utf8'),
    keepAliveMs: ximss.keepAliveSeconds * second,
    requestTimeoutMs: ximss.requestTimeoutSeconds * second,
    maxDocumentBytes: 4 * limits.stanzaBytes,
    dialect: ximss.dialect,
  };
}

export function peopleTiming({ presence, roster }: Config): NonNullable<PeopleOptions['timing']> {
  return {
    leaseMs: presence.leaseSeconds * second,
    settleMs: presence.settleSeconds * second,
    sweepMs: roster.compareSeconds * second,
  };
}

export function provisioningPlan({ provisioning }: Config): ProvisionOptions['plan'] {
  const { enabled, domain, template } = provisioning;
  return enabled && domain !== null ? { domain, template } : null;
}

export function holdSetting({ delivery }: Config): HoldOptions['setting'] {
  return delivery.holdSeconds === 'auto' ? 'auto' : delivery.holdSeconds * second;
}

export function deliveryRules({ delivery }: Config): Omit<DrainOptions['rules'], 'newId'> {
  return {
    expireAfterMs: delivery.expireAfterSeconds * second,
    unknownOutcome: delivery.unknownOutcome,
    receipts: delivery.receipts,
  };
}
