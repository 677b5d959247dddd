/** `doctor --ximss` against the test server in many dialects: each is recognised, and nothing is left behind. */
import { type XimssServerOptions } from '../../support/ximss-server/server';
import { accounts, caFile } from '../support';
import { here, never, play, rosters, server, start } from './scene';
import { cases } from './cases';

describe('a server that is as assumed', () => {
  test('needs no dialect, and its rosters are as before', async () => {
    await start();
    const result = await play();
    expect(result.dialect).toEqual({});
    expect(result.text).toContain('no dialect is needed');
    expect(result.text).not.toMatch(/DIFFERS|NEITHER|NOT PUT BACK|ended early/);
    expect(result.isRight).toBe(true);
    expect(rosters()).toEqual([[], []]);
    expect(server().account('romeo@example.net').offline).toEqual([]);
    expect(server().sessions()).toEqual([]);
    expect(server().strict.violations).toEqual([]);
  });

  test('people who know each other keep their names, groups and subscriptions', async () => {
    await start();
    const [juliet, romeo] = accounts.map(({ account }) => server().client(account));
    juliet?.rosterSet('romeo@example.net', { name: 'My love', groups: ['Verona', '~hidden'] });
    juliet?.subscribe('romeo@example.net');
    romeo?.subscribed('juliet@example.net');
    romeo?.subscribe('juliet@example.net');
    juliet?.subscribed('romeo@example.net');
    juliet?.rosterSet('nurse@example.net', { name: 'Nurse' });
    juliet?.close();
    romeo?.close();
    const before = rosters();
    const result = await play();
    expect(rosters()).toEqual(before);
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

describe('another dialect is recognised, and everything is put back', () => {
  test.each(cases)('%s', async (_, { options, rules, env, dialect }) => {
    await start(options);
    const result = await play(rules ?? null, { ...never, BRIDGE_XIMSS_CA_FILE: caFile(here()), ...env });
    expect(result.dialect).toEqual(dialect);
    expect(result.text).toContain('Paste this into the configuration:');
    for (const [key, value] of Object.entries(dialect))
      expect(result.row(key)).toMatch(new RegExp(`DIFFERS +${value} `));
    expect(result.text).not.toMatch(/NEITHER|NOT PUT BACK|ended early/);
    expect(result.isRight).toBe(false);
    expect(rosters()).toEqual([[], []]);
    const again = await play(null, {
      ...never,
      BRIDGE_XIMSS_CA_FILE: caFile(here()),
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
    expect(rosters()).toEqual([[], []]);
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
