/** Which server it is and how long it has been running: who is asked, and what is made of the answers. */
import { makeAddressBook } from '../../src/core/address';
import { Fault } from '../../src/core/fault';
import { ns } from '../../src/xmpp/stanza/ns';
import { makeServerFacts } from '../../src/xmpp/server-facts';
import { el, payload, textEl, type Element } from '../../src/xmpp/stanza/element';
import { manualClock } from '../support/clock';
import { silentLog } from '../support/silence';
import { until } from '../support/wait';

type Answer = Element | null | 'error' | 'silence';

interface Scene {
  readonly domain?: string;
  readonly serverDomain?: string;
  readonly hosts?: readonly string[];
  readonly version?: Answer;
  readonly last?: Answer;
  readonly info?: Answer;
}

const version = (name: string | null): Element => payload('query', ns.version, {}, textEl('name', name));
const last = (seconds: string): Element => payload('query', ns.lastActivity, { seconds });

function scene({ domain = 'ximss.example.org', serverDomain, hosts = [], ...answers }: Scene) {
  const clock = manualClock();
  const asked = new Set<string>();
  const known = [...hosts];
  const ask = makeServerFacts({
    book: makeAddressBook({ componentDomain: domain, homeDomain: 'far.test' }),
    iq: {
      request: (_from, to, _type, query, signal) => {
        asked.add(to);
        const known: Record<string, Answer | undefined> = {
          [ns.version]: answers.version,
          [ns.lastActivity]: answers.last,
          [ns.discoInfo]: answers.info,
        };
        const answer = known[query.getNS() ?? ''] ?? null;
        if (answer === 'error') return Promise.reject(new Fault('no-service'));
        if (answer !== 'silence') return Promise.resolve(answer);
        return new Promise((_resolve, reject: (fault: Fault) => void) =>
          signal.addEventListener('abort', () => reject(new Fault('timeout'))),
        );
      },
    },
    hosts: () => known,
    serverDomain: serverDomain ?? null,
    clock,
    log: silentLog,
  });
  return { ask, clock, asked, known };
}

/** Asks, and lets time pass until the answer is there. */
async function facts(options: Scene) {
  const { ask, clock, asked } = scene(options);
  let result: Awaited<ReturnType<typeof ask>> | undefined;
  const asking = ask(new AbortController().signal).then((answer) => (result = answer));
  await until(() => {
    clock.advance(25);
    return result !== undefined;
  });
  return { ...(await asking), asked: [...asked], sleeping: clock.sleeping() };
}

const identities = (...all: readonly (readonly [category: string, name: string])[]): Element =>
  payload('query', ns.discoInfo, {}, ...all.map(([category, name]) => el('identity', { category, type: 'im', name })));

const uptime = last('61');

test.each<[string, Scene, { asked: string[]; software: string | null; uptimeMs: number | null }]>([
  [
    'the configured domain is asked, whoever told us rights',
    { serverDomain: 'chat.example.net', hosts: ['example.com'], version: version('Prosody'), last: uptime },
    { asked: ['chat.example.net'], software: 'Prosody', uptimeMs: 61_000 },
  ],
  [
    'a host that told us our rights',
    { hosts: ['jabber.test', 'other.test'], version: version('ejabberd'), last: last('0') },
    { asked: ['jabber.test'], software: 'ejabberd', uptimeMs: 0 },
  ],
  [
    'else the parent of our domain',
    { version: version('x'.repeat(300)), last: uptime },
    { asked: ['example.org'], software: 'x'.repeat(100), uptimeMs: 61_000 },
  ],
  [
    'a parent on this machine',
    { domain: 'ximss.localhost', version: version('Prosody'), last: uptime },
    { asked: ['localhost'], software: 'Prosody', uptimeMs: 61_000 },
  ],
  [
    'nobody is asked when the parent is a top-level domain',
    { domain: 'ximss.test', version: version('Prosody'), last: uptime },
    { asked: [], software: null, uptimeMs: null },
  ],
  [
    'nobody is asked without a parent',
    { domain: 'ximss', version: version('Prosody') },
    { asked: [], software: null, uptimeMs: null },
  ],
  ['errors', { version: 'error', last: 'error' }, { asked: ['example.org'], software: null, uptimeMs: null }],
  ['silence', { version: 'silence', last: 'silence' }, { asked: ['example.org'], software: null, uptimeMs: null }],
  [
    'one of the two is silent: the other counts',
    { version: version('ejabberd'), last: 'silence' },
    { asked: ['example.org'], software: 'ejabberd', uptimeMs: null },
  ],
  [
    'a server that does not tell its version is known by its disco identity',
    { version: 'error', info: identities(['component', 'Other'], ['server', 'ejabberd']) },
    { asked: ['example.org'], software: 'ejabberd', uptimeMs: null },
  ],
  [
    'an identity that is no server names none',
    { info: identities(['gateway', 'ejabberd']) },
    { asked: ['example.org'], software: null, uptimeMs: null },
  ],
  ['empty answers', { version: null, last: null }, { asked: ['example.org'], software: null, uptimeMs: null }],
  [
    'answers to something else',
    { version: uptime, last: version('ejabberd') },
    { asked: ['example.org'], software: null, uptimeMs: null },
  ],
  [
    'a name that is none, seconds that are none',
    { version: version(null), last: last('-1') },
    { asked: ['example.org'], software: null, uptimeMs: null },
  ],
  ['absurd seconds', { last: last('9'.repeat(30)) }, { asked: ['example.org'], software: null, uptimeMs: null }],
])('%s', async (_what, options, expected) => {
  expect(await facts(options)).toEqual({ ...expected, sleeping: 0 });
});

test('rights that are told after the handshake are waited for', async () => {
  const { ask, clock, asked, known } = scene({ version: version('ejabberd'), last: uptime });
  const asking = ask(new AbortController().signal);
  clock.advance(25);
  known.push('jabber.test');
  await until(() => {
    clock.advance(25);
    return asked.size > 0;
  });
  expect(await asking).toEqual({ software: 'ejabberd', uptimeMs: 61_000 });
  expect([...asked]).toEqual(['jabber.test']);
});

test.each<[string, Scene]>([
  ['while it waits for rights', {}],
  ['while it waits for answers', { serverDomain: 'jabber.test', version: 'silence', last: 'silence' }],
])('the end of the stream %s ends it', async (_when, options) => {
  const { ask, clock } = scene(options);
  const stream = new AbortController();
  const asking = ask(stream.signal);
  await until(() => clock.sleeping() > 0);
  stream.abort(new Fault('unavailable'));
  expect(await asking).toEqual({ software: null, uptimeMs: null });
  await until(() => clock.sleeping() === 0);
});
