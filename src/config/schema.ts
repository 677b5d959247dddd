/**
 * Every key of the configuration, once: type, default, bounds, what it means. The names of the environment variables,
 * the text of a problem and the completeness of config/bridge.example.yaml are derived from here. Secrets and paths
 * are marked as such, so that masking and resolving need no second list.
 */
import { z } from 'zod';
import { logLevels } from '../core/admin/table';
import { languages } from '../core/i18n';
import { parseRule } from '../core/access';
import { parseAccount } from '../core/address';
import { bytes, choice, count, domain, flag, mib, path, prepared, seconds, secret, shaped } from './kinds';
import { isRedisUrl, parseNode, parseXmppService, parseXimssServer, parseListen, parseUser } from './endpoints';

/** What a dialect key may be set to. */
export type DialectValue = string | number | boolean;

/** One switchable assumption of the far protocol, as the far layer declares it (it is handed in, never imported). */
export interface DialectKey {
  readonly key: string;
  /** which assumption of docs/XIMSS.md 11 it switches, for instance "A18" */
  readonly assumption: string;
  readonly values: readonly DialectValue[];
  readonly default: DialectValue;
  readonly description: string;
}

const hour = 3600;
const day = 24 * hour;
const year = 366 * day;
const xmpp = z.strictObject({
  service: shaped(
    parseXmppService,
    'xmpp://HOST:PORT or xmpps://HOST:PORT',
    "the component listener (XEP-0114) of the XMPP server; xmpps:// for a TLS listener; without a port 5347's",
  ),
  domain: domain("the component's own domain, as the XMPP server has it"),
  secret: secret('the secret shared with the XMPP server'),
  allowRemotePlaintext: flag(
    false,
    'accept xmpp:// to another host: the secret and all messages can be read on the way',
  ),
  serverDomain: domain(
    'domain of the XMPP server itself, which answers our pings; null: found by asking, the parent of xmpp.domain first',
  )
    .nullable()
    .prefault(null),
  caFile: path('PEM file with a CA to trust for xmpps:// besides those of the system; null: none')
    .nullable()
    .prefault(null),
});

const ximss = z.strictObject({
  server: shaped(
    parseXimssServer,
    'ximss://HOST:PORT, ximss+tls://HOST:PORT, http://HOST:PORT or https://HOST:PORT',
    'the CommuniGate Pro server: TCP, TCP with TLS from the first byte, or the HTTP binding',
  ),
  domain: domain('home domain of the accounts: its accounts get the short form of ghost addresses'),
  starttls: choice(
    ['required', 'preferred', 'never'],
    'required',
    'TLS on ximss:// connections: required refuses to log in without it, preferred takes it when offered',
  ),
  login: choice(
    ['auto', 'cram-md5', 'plain', 'digest-md5'],
    'auto',
    'login method; auto takes the strongest that the server offers',
  ),
  caFile: path('PEM file with a CA to trust besides those of the system; null: none').nullable().prefault(null),
  keepAliveSeconds: seconds(240, day, 'pause after which an idle session says something; the server closes after 600'),
  requestTimeoutSeconds: seconds(30, hour, 'how long a request may wait for its response'),
  dialect: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .prefault({})
    .meta({ description: 'overrides for assumptions about the protocol that a real server may not share' }),
});

const accountEntry = z.strictObject({
  jid: prepared(parseUser, 'the address of a Jabber user, like juliet@example.org', 'the Jabber user'),
  account: prepared(parseAccount, 'an account with its domain, like juliet@example.net', 'the account they use'),
  password: secret('password of the account'),
});

const registration = z.strictObject({
  enabled: flag(true, 'Jabber users may link their own account (XEP-0077)'),
  triesPerHour: count(
    10,
    10_000,
    'wrong passwords in an hour, of one Jabber user and at one account; growing pauses before',
  ),
  linksPerDomain: count(1_000, 1_000_000, "self-made links of one Jabber domain, the server's own domain excepted"),
});

const provisioning = z.strictObject({
  enabled: flag(false, 'an account is made by signup for a Jabber user who has none'),
  domain: domain('domain in which accounts are made; needed when enabled').nullable().prefault(null),
  template: z
    .string()
    .min(1)
    .max(256)
    .default('{local}.{domain}')
    .meta({ description: 'name of a made account; {local} and {domain} are the parts of the JID' }),
});

const addresses = (description: string) =>
  z
    .array(shaped(parseRule, 'a JID, a domain, "*.domain" or "*"', 'one address'))
    .max(100_000)
    .meta({ description });

const access = z.strictObject({
  allow: addresses('JIDs or domains that may use the bridge; "*" is everybody').prefault(['*']),
  deny: addresses('JIDs or domains that may not, even when allowed').prefault([]),
  admins: z
    .array(prepared(parseUser, 'the address of a Jabber user, like admin@example.org', 'one address'))
    .max(10_000)
    .prefault([])
    .meta({ description: 'JIDs that may run operator commands' }),
});

const limits = z.strictObject({
  stanzaBytes: bytes(262_144, 64 * mib, 'largest stanza in either direction'),
  messagesPerMinute: count(120, 1_000_000, 'messages per link and direction (token bucket)'),
  requestsPerMinute: count(600, 1_000_000, 'requests per Jabber user (token bucket): iq, and presence to contacts'),
});

const delivery = z.strictObject({
  expireAfterSeconds: seconds(3 * day, year, 'age at which an undelivered message is bounced, once'),
  receipts: choice(['accepted', 'off'], 'accepted', 'XEP-0184 receipt when the XIMSS server accepted the message'),
  unknownOutcome: choice(
    ['retry', 'report'],
    'retry',
    'a message whose outcome is unknown: retry may show it twice, report tells the sender and does not send it again',
  ),
  holdSeconds: z
    .union([z.literal('auto'), z.number().min(0).max(hour)], { error: 'must be auto or a number from 0 to 3600' })
    .default('auto')
    .meta({
      description:
        'how long messages that the XMPP server has confirmed are kept, for a server that stores late; auto: by server',
    }),
  dedupeWindowSeconds: seconds(day, year, 'how long a repeat of an event is recognised'),
  laneMax: count(10_000, 10_000_000, 'messages that may wait in one conversation and direction'),
  queueMax: count(1_000_000, 1_000_000_000, 'messages that may wait in all'),
});

const presence = z.strictObject({
  leaseSeconds: seconds(90, day, 'how long contacts stay as they were after the XIMSS session was lost'),
  settleSeconds: seconds(30, day, 'how long a new session has to say who is there; who was not named then is offline'),
});

const roster = z.strictObject({
  compareSeconds: seconds(
    600,
    year,
    'in this time the rosters of all links are compared once; servers tell no renames',
  ),
});

const redisNodes = (description: string) =>
  z
    .array(shaped(parseNode, 'HOST:PORT', 'one address'))
    .max(100)
    .meta({ description });

const redis = z.strictObject({
  url: shaped(isRedisUrl, 'redis://, rediss://, unix:///PATH or /PATH', 'the Redis to use; null: a private one')
    .nullable()
    .prefault(null)
    .meta({
      description: 'redis://, rediss:// or a unix socket; null: a private redis-server under dataDir',
      secret: true,
    }),
  sentinel: z
    .strictObject({
      name: z
        .string()
        .min(1)
        .max(256)
        .default('mymaster')
        .meta({ description: 'name under which the Sentinels watch the primary' }),
      hosts: redisNodes('the Sentinels; none: no Sentinel is asked').prefault([]),
      username: z.string().min(1).max(256).nullable().prefault(null).meta({ description: 'user at the Sentinels' }),
      password: secret('password at the Sentinels').nullable().prefault(null),
    })
    .prefault({}),
  cluster: redisNodes('some nodes of a Redis Cluster; null: no Cluster').min(1).nullable().prefault(null),
  username: z
    .string()
    .min(1)
    .max(256)
    .nullable()
    .prefault(null)
    .meta({ description: 'user at the servers behind Sentinel, or of the Cluster (ACL)' }),
  password: secret('password at the servers behind Sentinel, or of the Cluster').nullable().prefault(null),
  tls: flag(false, 'TLS to Sentinels and servers, or to the Cluster; with redis.url its scheme says so'),
  caFile: path('PEM file with a CA to trust for TLS to Redis besides those of the system; null: none')
    .nullable()
    .prefault(null),
  wait: z
    .int()
    .min(0)
    .max(10)
    .default(0)
    .meta({ description: 'replicas that must have a message before it counts as accepted; not in a Cluster' }),
});

const scale = z.strictObject({
  name: z
    .string()
    .regex(/^[\x21-\x7e]{1,64}$/, 'up to 64 visible ASCII characters')
    .nullable()
    .prefault(null)
    .meta({ description: 'this process among several, as an operator reads it; null: process id and host name' }),
  shards: count(16, 1_024, 'parts into which the links are divided; fixed when a store is made'),
});

const http = z.strictObject({
  listen: shaped(parseListen, 'HOST:PORT', 'address of /healthz, /readyz, /metrics and the console')
    .default('127.0.0.1:9114')
    .meta({ description: 'address of /healthz, /readyz, /metrics and the console; port 0: any free one' }),
  token: secret('bearer token for all but /healthz and /readyz; needed when listen is not loopback')
    .nullable()
    .prefault(null),
});

const log = z.strictObject({
  level: choice(logLevels, 'info', 'least important level logged'),
  messages: flag(false, 'one line for each final outcome of a message: ids and times, never text'),
});

/** An absent section is an empty one; its required keys are then reported one by one. */
const absent = {} as never; // prefault wants a valid section, we want its problems

export const schema = z.strictObject({
  xmpp: xmpp.prefault(absent),
  ximss: ximss.prefault(absent),
  accounts: z.array(accountEntry).max(100_000).prefault([]).meta({ description: 'links made by the operator' }),
  registration: registration.prefault({}),
  provisioning: provisioning.prefault({}),
  access: access.prefault({}),
  limits: limits.prefault({}),
  delivery: delivery.prefault({}),
  presence: presence.prefault({}),
  roster: roster.prefault({}),
  redis: redis.prefault({}),
  scale: scale.prefault({}),
  dataDir: path('folder for what the bridge keeps: keys, and the data of its private Redis').default('./data'),
  language: z
    .enum(languages)
    .default('en')
    .meta({ description: 'language in which people are told things when theirs is not known' }),
  secretKeyFile: path(
    'file with the keys that seal passwords at rest, one a line, the first seals and all open; null: made under dataDir, mode 0600',
  )
    .nullable()
    .prefault(null),
  http: http.prefault({}),
  log: log.prefault({}),
});

/** Keys that may be given as the name of a file instead; `each` when they belong to each entry of a list. */
export const fileSecrets = [
  { section: 'xmpp', key: 'secret', each: false },
  { section: 'accounts', key: 'password', each: true },
  { section: 'redis', key: 'url', each: false },
  { section: 'redis', key: 'password', each: false },
  { section: 'redis.sentinel', key: 'password', each: false },
  { section: 'http', key: 'token', each: false },
] as const;

type DeepReadonly<T> = T extends string | number | boolean | null
  ? T // branded texts count as objects
  : T extends readonly (infer I)[]
    ? readonly DeepReadonly<I>[]
    : { readonly [K in keyof T]: DeepReadonly<T[K]> };

/** The effective configuration: complete, checked, paths absolute, secrets read from their files. */
export type Config = DeepReadonly<z.output<typeof schema>>;
