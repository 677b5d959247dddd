/** `doctor --ximss` against the test server in many dialects: each is recognised, and nothing is left behind. */
import { el, attr, childOf, textOf, type Element } from '../../../src/ximss/wire/element';
import { testCertificate } from '../../support/cert';
import { makeTempDir, removeTempDir } from '../../support/temp';
import { startXimssServer, type XimssServer, type XimssServerOptions } from '../../support/ximss-server/server';
import { accounts, caFile, configOf, playDialectTests, type DialectTestResult } from '../support';
import { startTranslator, withAttrs, type Rules, type Translator } from '../translator';

let server: XimssServer;
let translator: Translator | null = null;
let dir = '';
beforeEach(() => {
  dir = makeTempDir('doctor');
});
afterEach(async () => {
  await translator?.close();
  translator = null;
  await server.stop();
  removeTempDir(dir);
});

const start = async (options: XimssServerOptions = {}): Promise<void> => {
  server = await startXimssServer({ accounts, ...options });
};

async function play(
  rules: Rules | null = null,
  env: Record<string, string> = {},
  timing: { waitMs?: number } = {},
): Promise<DialectTestResult> {
  if (rules !== null) translator = await startTranslator(server.tcpPort, rules);
  const port = translator?.port ?? server.tcpPort;
  const config = configOf({ BRIDGE_XIMSS_SERVER: `ximss://127.0.0.1:${port}`, ...env });
  const result = await playDialectTests({ config, timing });
  for (const { password } of accounts) expect(result.text).not.toContain(password);
  return result;
}

/** Everything that must be as it was. */
const world = (): unknown =>
  accounts.map(({ account }) => [...server.account(account).roster.values()].map((item) => ({ ...item })));

const never = { BRIDGE_XIMSS_STARTTLS: 'never' };

describe('a server that is as assumed', () => {
  test('needs no dialect, and its rosters are as before', async () => {
    await start();
    const result = await play();
    expect(result.dialect).toEqual({});
    expect(result.text).toContain('no dialect is needed');
    expect(result.text).not.toMatch(/DIFFERS|NEITHER|NOT PUT BACK|ended early/);
    expect(result.isRight).toBe(true);
    expect(world()).toEqual([[], []]);
    expect(server.account('romeo@example.net').offline).toEqual([]);
    expect(server.sessions()).toEqual([]);
    expect(server.strict.violations).toEqual([]);
  });

  test('people who know each other keep their names, groups and subscriptions', async () => {
    await start();
    const [juliet, romeo] = accounts.map(({ account }) => server.client(account));
    juliet?.rosterSet('romeo@example.net', { name: 'My love', groups: ['Verona', '~hidden'] });
    juliet?.subscribe('romeo@example.net');
    romeo?.subscribed('juliet@example.net');
    romeo?.subscribe('juliet@example.net');
    juliet?.subscribed('romeo@example.net');
    juliet?.rosterSet('nurse@example.net', { name: 'Nurse' });
    juliet?.close();
    romeo?.close();
    const before = world();
    const result = await play();
    expect(world()).toEqual(before);
    expect(result.row('subscriptionForm')).toMatch(/as assumed +presenceSet +taking a subscription back/);
    expect(result.row('presenceFrom')).toMatch(/as assumed/);
    expect(result.isRight).toBe(true);
  });

  test('an old configuration that contradicts the server is a failure, with the block that mends it', async () => {
    await start();
    const result = await play(null, { BRIDGE_XIMSS_DIALECT: '{"rosterSetForm":"what","rooms":"groupchat"}' });
    expect(result.isRight).toBe(false);
    expect(result.dialect).toEqual({ rooms: 'groupchat' });
    expect(result.text).toContain('Paste this');
  });
});

const show = (element: Element, text: string): Element => ({
  ...element,
  children: [el('show', {}, text), ...element.children],
});
const later = (time: string): string => time.replace(/T../, 'T00').replace(/^..../, '2020');

interface Case {
  readonly options?: XimssServerOptions;
  readonly rules?: Rules;
  readonly env?: Record<string, string>;
  readonly dialect: Record<string, string>;
}

const tls = testCertificate();
const whats: Rules = {
  request: (request) => {
    const { what, ...attrs } = request.attrs;
    if (request.name === 'presenceSet' && attrs['type'] !== undefined) return 'unknown parameter type';
    if (request.name !== 'rosterSet') return request;
    if (what === undefined) return 'what is missing';
    if (what === 'update') return withAttrs(request, { what: undefined });
    if (what === 'remove') return el('rosterSet', { ...attrs, subscription: 'remove' });
    return el('presenceSet', { ...attrs, type: what });
  },
};
const rewritten = (name: string, change: (document: Element) => Element): Rules => ({
  answer: (document) => (document.name === name ? change(document) : document),
});
const refusing = (isRefused: (request: Element) => boolean): Rules => ({
  request: (request) => (isRefused(request) ? 'not understood' : request),
});
const isIm = (request: Element): boolean => request.name === 'sendIM';

const cases: [string, Case][] = [
  [
    'starttls has capitals',
    {
      options: { tls },
      rules: {
        request: (request) =>
          request.name === 'starttls'
            ? 'unknown command'
            : request.name === 'startTLS'
              ? { ...request, name: 'starttls' }
              : request,
      },
      env: { BRIDGE_XIMSS_STARTTLS: 'required' },
      dialect: { starttlsElement: 'startTLS' },
    },
  ],
  [
    'DIGEST-MD5 proves nothing',
    { options: { dialect: { rspauth: 'none' } }, dialect: { challengeMethods: 'cram-md5' } },
  ],
  [
    'a login without method is refused',
    { options: { dialect: { methodless: false } }, dialect: { clearTextLogin: 'plain' } },
  ],
  [
    'PLAIN is challenged',
    { options: { dialect: { methodless: false, plainIn: 'auth' } }, dialect: { clearTextLogin: 'plain' } },
  ],
  [
    'names come without a domain',
    {
      options: { sasl: [] },
      rules: refusing((request) => request.name === 'login' && (attr(request, 'authData') ?? '').includes('@')),
      dialect: { loginName: 'local' },
    },
  ],
  [
    'bind takes no attributes',
    {
      options: { dialect: { bareBind: { readIM: true, presence: true } } },
      rules: refusing((request) => request.name === 'signalBind' && Object.keys(request.attrs).length > 1),
      dialect: { bind: 'bare' },
    },
  ],
  ['messages have no type', { options: { dialect: { imTypes: [] } }, dialect: { messageType: 'omit' } }],
  [
    'a text stands in a body',
    {
      rules: refusing((request) => isIm(request) && textOf(request) !== ''),
      dialect: { messageContent: 'body' },
    },
  ],
  [
    'messages have no ids, no types and a body',
    {
      options: { dialect: { imTypes: [] } },
      rules: refusing((request) => isIm(request) && (attr(request, 'iqid') !== null || textOf(request) !== '')),
      dialect: { messageContent: 'body', messageType: 'omit', errorReports: 'without-ids' },
    },
  ],
  [
    'clientID is always the same',
    {
      rules: rewritten('readIM', (document) => withAttrs(document, { clientID: 'x' })),
      dialect: { senderInstance: 'ignore' },
    },
  ],
  [
    'stored messages say another time',
    {
      rules: rewritten('readIM', (document) => {
        const time = attr(document, 'gmtTime');
        return time === null ? document : withAttrs(document, { gmtTime: later(time) });
      }),
      dialect: { storedTime: 'ignore' },
    },
  ],
  [
    'chat states arrive as empty messages',
    { options: { dialect: { bodyChildren: false } }, dialect: { chatStates: 'off' } },
  ],
  [
    'chat states are refused',
    {
      rules: refusing((request) => isIm(request) && textOf(request) === '' && childOf(request, 'body') === null),
      dialect: { chatStates: 'off' },
    },
  ],
  [
    'iqRead has no type',
    {
      rules: rewritten('iqRead', (document) => withAttrs(document, { type: undefined })),
      dialect: { incomingIq: 'ignore' },
    },
  ],
  [
    'roster items have no subscription word',
    {
      rules: rewritten('rosterItem', (document) =>
        attr(document, 'subscription') === 'remove' ? document : withAttrs(document, { subscription: undefined }),
      ),
      dialect: { unknownSubscription: 'both' },
    },
  ],
  [
    'rosterSet names the action, subscriptions too',
    { rules: whats, dialect: { rosterSetForm: 'what', subscriptionForm: 'rosterSet' } },
  ],
  [
    'show contradicts presence',
    {
      rules: rewritten('presence', (document) =>
        childOf(document, 'presence') === null ? document : show(document, 'chat'),
      ),
      dialect: { presenceFrom: 'presence-only' },
    },
  ],
];

describe('another dialect is recognised, and everything is put back', () => {
  test.each(cases)('%s', async (_, { options, rules, env, dialect }) => {
    await start(options);
    const result = await play(rules ?? null, { ...never, BRIDGE_XIMSS_CA_FILE: caFile(dir), ...env });
    expect(result.dialect).toEqual(dialect);
    expect(result.text).toContain('Paste this into the configuration:');
    for (const [key, value] of Object.entries(dialect))
      expect(result.row(key)).toMatch(new RegExp(`DIFFERS +${value} `));
    expect(result.text).not.toMatch(/NEITHER|NOT PUT BACK|ended early/);
    expect(result.isRight).toBe(false);
    expect(world()).toEqual([[], []]);
    const again = await play(null, {
      ...never,
      BRIDGE_XIMSS_CA_FILE: caFile(dir),
      ...env,
      BRIDGE_XIMSS_DIALECT: JSON.stringify(dialect),
    });
    expect(again.isRight).toBe(true);
    expect(again.text).toContain('The configuration has what this server needs:');
  });
});

const quirks: [string, Exclude<XimssServerOptions['dialect'], undefined>][] = [
  ['one confirmation makes both see each other', { confirmIsMutual: true }],
  ['adding a contact asks for its presence', { rosterSetSubscribes: true }],
  ['a pending request does not show', { askAttribute: false }],
  ['every session gets bodies', { formatB: 'always' }],
  ['ids are made by the server', { iqid: 'make' }],
  ['no ids at all', { iqid: 'none' }],
  ['a message to nobody is reported later', { unknownPeer: 'report' }],
  ['stored messages come behind the response', { offlineDelivery: 'afterResponse' }],
  ['vCards are asked of the client', { vCard: 'relay', iqNobody: 'refuse' }],
  ['show beside presence', { presenceShow: true, avatarHash: 'none' }],
  ['login and auth are answered each', { loginResponses: 'two' }],
  ['a slow request is overtaken', { inOrder: false }],
  ['clientID picks the recipient', { sendIMClientID: 'recipient' }],
  ['one clientID, one session', { sameClientID: 'unbindOld' }],
  ['stored messages have no time', { gmtTime: false }],
  ['messages have no clientID', { readIMClientID: false }],
];

describe('what makes no difference to the bridge is no difference', () => {
  test.each(quirks)('%s', async (_, dialect) => {
    await start({ dialect });
    const result = await play();
    expect(result.dialect).toEqual({});
    expect(result.text).not.toMatch(/DIFFERS|NEITHER|NOT PUT BACK|ended early/);
    expect(world()).toEqual([[], []]);
  });

  const told: [string, Exclude<XimssServerOptions['dialect'], undefined>, string, RegExp][] = [
    ['a report that comes later', { unknownPeer: 'report' }, 'errorReports', /a report comes with our id/],
    ['ids of the server', { iqid: 'make' }, 'errorReports', /another id arrives/],
    ['no time', { gmtTime: false }, 'storedTime', /not told +a stored message says no time/],
    ['no clientID', { readIMClientID: false }, 'senderInstance', /not told +messages carry no clientID/],
    ['bodies', { formatB: 'always' }, 'messageContent', /arrives in a body/],
  ];
  test.each(told)('but it is told: %s', async (_, dialect, key, text) => {
    await start({ dialect });
    expect((await play()).row(key)).toMatch(text);
  });
});

describe('what no option covers is said so, and cleaned up all the same', () => {
  test('another spelling of removal', async () => {
    await start({ dialect: { rosterRemove: 'type' } });
    const result = await play(null, {}, { waitMs: 500 });
    expect(result.row('rosterSetForm')).toMatch(/NEITHER .*not deleted.*deleting works with type="remove"/);
    expect(result.isRight).toBe(false);
    expect(world()).toEqual([[], []]);
  });

  test('no verbs in any form', async () => {
    await start({ dialect: { subscriptionVerbs: false } });
    const result = await play();
    expect(result.row('subscriptionForm')).toMatch(
      /NEITHER .*presenceSet: a request is refused.*rosterSet: a request does not arrive/,
    );
    expect(result.row('unknownSubscription')).toMatch(/as assumed +none/);
    expect(world()).toEqual([[], []]);
  });

  test('a contact that nothing deletes is told to the operator', async () => {
    await start();
    const result = await play(
      refusing((request) => Object.values(request.attrs).includes('remove')),
      {},
      { waitMs: 150 },
    );
    expect(result.text).toMatch(
      /NOT PUT BACK: juliet@example.net: the contact bridge-doctor-\w+@example.net is none, named/,
    );
    expect(result.isRight).toBe(false);
  });
});

describe('over HTTP', () => {
  test('versions, formats, and a repeated reqSeq', async () => {
    await start({ dialect: { formatB: 'from6.2' } });
    const result = await play(null, { BRIDGE_XIMSS_SERVER: `http://127.0.0.1:${server.httpPort}` });
    expect(result.row('protocolVersion')).toMatch(
      /as assumed +6\.1 +6\.1: arrives as direct text; 6\.2: arrives in a body; none: arrives as direct text/,
    );
    expect(result.row('repeated reqSeq')).toMatch(/as assumed +replays +the same answer comes, the message once/);
    expect(result.row('challengeMethods')).toMatch(/as assumed +all +login by nonce works/);
    expect(result.row('starttlsElement')).toMatch(/not told +not used over HTTP/);
    expect(result.isRight).toBe(true);
    expect(world()).toEqual([[], []]);
    expect(server.sessions()).toEqual([]);
  });

  test('beside TCP, when its URL is given', async () => {
    await start();
    const config = configOf({ BRIDGE_XIMSS_SERVER: `ximss://127.0.0.1:${server.tcpPort}` });
    const result = await playDialectTests({ config, httpUrl: `http://127.0.0.1:${server.httpPort}` });
    expect(result.row('protocolVersion')).toMatch(/as assumed +6\.1 +6\.1: arrives in a body/);
    expect(result.isRight).toBe(true);
  });
});

describe('when it cannot be done', () => {
  const tcp = (): Record<string, string> => ({ BRIDGE_XIMSS_SERVER: `ximss://127.0.0.1:${server.tcpPort}` });

  test('a wrong password names the account and stops', async () => {
    await start();
    server.setPassword('romeo@example.net', 'changed');
    const result = await play();
    expect(result.isRight).toBe(false);
    expect(result.text).toContain(
      'The test could not be finished: romeo@example.net cannot log in: unknown user account or incorrect password',
    );
    expect(result.row('loginName')).toMatch(/as assumed/);
  });

  test('nobody there', async () => {
    await start();
    await server.stop();
    const result = await play();
    expect(result.isRight).toBe(false);
    expect(result.text).toContain('nothing listens on 127.0.0.1 port');
  });

  test('ended early by the operator: what was changed is put back', async () => {
    await start();
    const stopper = new AbortController();
    const onLine = (line: string): void => (line.includes('subscriptions ...') ? stopper.abort() : undefined);
    const result = await playDialectTests({ config: configOf(tcp()), signal: stopper.signal, onLine });
    expect(result.isRight).toBe(false);
    expect(result.row('rosterSetForm')).toMatch(/as assumed/);
    expect(result.row('subscriptionForm')).toMatch(/not told/);
    expect(world()).toEqual([[], []]);
  });

  test('a connection lost in the middle of the contacts: what was added is taken away', async () => {
    await start();
    server.faults.add({ request: 'rosterSet', nth: 2, action: 'dropAfter' });
    const result = await play();
    expect(result.row('rosterSetForm')).toMatch(/not told/);
    expect(result.text).not.toContain('NOT PUT BACK');
    expect(world()).toEqual([[], []]);
  });

  test('a licence for two sessions only', async () => {
    await start({ maxSessions: 2 });
    const result = await play();
    expect(result.row('senderInstance')).toMatch(/not told +.*licence/);
    expect(result.row('storedTime')).toMatch(/as assumed/);
    expect(result.dialect).toEqual({});
  });

  test('somebody else is logged in with the account: what is stored cannot be told', async () => {
    await start();
    server.client('romeo@example.net');
    const result = await play();
    expect(result.row('storedTime')).toMatch(/not told/);
    expect(result.dialect).toEqual({});
  });

  test('an unanswered request between the two is left alone', async () => {
    await start();
    const romeo = server.client('romeo@example.net');
    romeo.subscribe('juliet@example.net');
    romeo.close();
    const before = world();
    const result = await play();
    expect(result.row('subscriptionForm')).toMatch(/not told +the two accounts know each other/);
    expect(world()).toEqual(before);
  });
});
