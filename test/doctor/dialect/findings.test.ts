/** What the test makes of what it saw, and how it prints it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Fault } from '../../../src/core/fault';
import { challenges, isPasswordSafe } from '../../../src/doctor/dialect/login';
import {
  blockOf,
  dialectFrom,
  found,
  isConfigured,
  notFound,
  tableOf,
  type Finding,
} from '../../../src/doctor/dialect/findings';
import { readTestAccounts } from '../../../src/doctor/dialect/test-accounts';
import { rosterForm, type RosterFormResult } from '../../../src/doctor/dialect/roster';
import { storedTime } from '../../../src/doctor/dialect/offline-messages';
import { presenceForm, subscriptionWords } from '../../../src/doctor/dialect/subscription';
import { instances } from '../../../src/doctor/dialect/chat-features';
import { replayFinding, protocolVersion } from '../../../src/doctor/dialect/http';
import { el } from '../../../src/ximss/wire/element';
import { makeTempDir, removeTempDir } from '../../support/temp';

const said = ({ outcome, value, seen }: Finding): string => `${outcome} ${value ?? '-'} ${seen}`;

describe('judgements', () => {
  const ids: [(string | null)[], RegExp][] = [
    [['a', 'a', 'b'], /^assumed clientID/],
    [['a', 'a', 'a'], /^differs ignore/],
    [['a', 'b', 'c'], /^differs ignore/],
    [['a', null, 'b'], /^differs ignore/],
    [[null, null, null], /^unknown -/],
  ];
  test.each(ids)('clientIDs %j', (list, text) => expect(said(instances(list))).toMatch(text));

  const at = Date.UTC(2026, 0, 1, 12, 0, 0);
  const times: [string, string | null, number | null, number | null, RegExp][] = [
    ['sending', '20260101T120000', at, at + 5000, /^assumed gmtTime/],
    ['fetching', '20260101T120005', at, at + 5000, /^differs ignore it is the time of fetching/],
    ['local time', '20260101T150000', at, at + 5000, /^differs ignore it is 10800 s away/],
    ['none', null, at, at, /^unknown/],
    ['no time', 'yesterday', at, at, /^differs ignore/],
    ['no clock', '20260101T120000', null, null, /^unknown/],
  ];
  test.each(times)('a stored message says the time of %s', (_, time, sent, fetched, text) => {
    expect(said(storedTime(time, sent, fetched))).toMatch(text);
  });

  const words: [string[], string | null, RegExp][] = [
    [['both', 'none'], 'both', /^assumed none/],
    [[''], '', /^differs both words seen: no word/],
    [['confirmed', 'none'], 'confirmed', /^differs both/],
    [['', 'to'], 'to', /^assumed none/],
    [[''], null, /^unknown/],
    [[], null, /^unknown/],
  ];
  test.each(words)('subscription words %j, of a confirmed contact %j', (seen, confirmed, text) => {
    expect(said(subscriptionWords(seen, confirmed))).toMatch(text);
  });

  const busy = el('presence', {}, 'busy');
  const presences: [string, Parameters<typeof presenceForm>, RegExp][] = [
    ['no show', [el('presence', {}, busy), null], /^assumed show-first .*without show/],
    ['show dnd', [el('presence', {}, el('show', {}, 'dnd'), busy), null], /^assumed show-first/],
    ['another show', [el('presence', {}, el('show', {}, 'away'), busy), null], /^differs presence-only/],
    ['none', [null, null], /^unknown/],
    ['refused', [null, 'no'], /^unknown .*refused: no/],
  ];
  test.each(presences)('presence: %s', (_, args, text) => expect(said(presenceForm(...args))).toMatch(text));

  const whole: RosterFormResult = { adds: true, changes: true, removes: true, refusal: null };
  const part: RosterFormResult = { ...whole, removes: false, refusal: 'no' };
  const rosters: [string, Parameters<typeof rosterForm>, RegExp][] = [
    ['as assumed', [whole, null, null], /^assumed item/],
    ['with what', [part, whole, null], /^differs what .*not deleted \(no\)/],
    ['neither', [part, part, 'type="remove"'], /^neither - .*deleting works with type="remove"/],
  ];
  test.each(rosters)('roster: %s', (_, args, text) => expect(said(rosterForm(...args))).toMatch(text));

  const logins: [string, [string, Fault | null][], RegExp][] = [
    [
      'both work',
      [
        ['digest-md5', null],
        ['cram-md5', null],
      ],
      /^assumed all/,
    ],
    [
      'the strongest works',
      [
        ['digest-md5', null],
        ['cram-md5', new Fault('refused')],
      ],
      /^assumed all/,
    ],
    [
      'only CRAM-MD5 works',
      [
        ['digest-md5', new Fault('refused')],
        ['cram-md5', null],
      ],
      /^differs cram-md5/,
    ],
    ['none works', [['digest-md5', new Fault('refused')]], /^differs none/],
    ['none offered', [], /^unknown/],
  ];
  test.each(logins)('challenge logins: %s', (_, list, text) => expect(said(challenges(new Map(list)))).toMatch(text));

  const far = { host: 'cgp.test', isTls: false };
  const offers = (...sasl: string[]) => ({ domain: null, hasStarttls: true, sasl, nonce: null, hasSignup: false });
  const passwords: [string, Parameters<typeof isPasswordSafe>, boolean][] = [
    ['TLS from the first byte', [{ ...far, isTls: true }, null, { starttls: 'required', login: 'auto' }], true],
    [
      'STARTTLS that comes up',
      [far, { starttls: 'up', features: null }, { starttls: 'preferred', login: 'auto' }],
      true,
    ],
    [
      'STARTTLS that is not taken',
      [far, { starttls: 'up', features: offers('CRAM-MD5') }, { starttls: 'never', login: 'auto' }],
      false,
    ],
    ['this machine', [{ ...far, host: '127.0.0.1' }, null, { starttls: 'required', login: 'auto' }], true],
    [
      'TLS required and none',
      [far, { starttls: 'not-offered', features: offers() }, { starttls: 'required', login: 'plain' }],
      false,
    ],
    [
      'as configured',
      [far, { starttls: 'not-offered', features: offers('CRAM-MD5') }, { starttls: 'never', login: 'plain' }],
      true,
    ],
    [
      'nothing better offered',
      [far, { starttls: 'not-offered', features: offers('PLAIN') }, { starttls: 'preferred', login: 'auto' }],
      true,
    ],
    [
      'a challenge offered',
      [far, { starttls: 'not-offered', features: offers('DIGEST-MD5') }, { starttls: 'preferred', login: 'auto' }],
      false,
    ],
  ];
  test.each(passwords)('a clear-text password: %s', (_, args, isSafe) => expect(isPasswordSafe(...args)).toBe(isSafe));

  const versions: [string, [string, string, string], RegExp][] = [
    ['all', ['arrives in a body', 'arrives in a body', 'arrives as direct text'], /^assumed 6\.1/],
    ['6.1 refused', ['login refused (x)', 'arrives in a body', 'arrives as direct text'], /^differs 6\.2/],
    ['only none', ['login refused (x)', 'no message arrives', 'arrives as direct text'], /^differs omit/],
    ['nothing', ['no message arrives', 'no message arrives', 'no message arrives'], /^neither/],
  ];
  test.each(versions)('versions: %s', (_, [a, b, c], text) => {
    expect(said(protocolVersion(new Map([['6.1', a], ['6.2', b], ['omit', c]])))).toMatch(text); // prettier-ignore
  });

  const replays: [string, Parameters<typeof replayFinding>, RegExp][] = [
    ['replayed', ['<a/>', '<a/>', 1], /^assumed replays the same answer/],
    ['done twice', ['<a/>', '<a/>', 2], /^neither - it is done again: the message comes 2 times/],
    [
      'refused',
      ['<a/>', new Fault('unavailable', { cause: 'HTTP status 500' }), 1],
      /^neither - it is refused \(HTTP status 500\)/,
    ],
  ];
  test.each(replays)('a repeated reqSeq: %s', (_, args, text) => expect(said(replayFinding(...args))).toMatch(text));
});

describe('prints', () => {
  const findings = [
    found('rosterSetForm', 'what', 'seen'),
    found('bind', 'full', 'accepted'),
    notFound('rooms', 'unknown', 'not tried'),
    found('protocolVersion', '6.2', 'a body'),
  ];

  test('the table is in the order of the assumptions', () => {
    expect(tableOf(findings)).toEqual([
      'A6   bind             as assumed  full  accepted',
      'A11  protocolVersion  DIFFERS     6.2   a body',
      'A15  rooms            not told          not tried',
      'A18  rosterSetForm    DIFFERS     what  seen',
    ]);
  });

  test('the block has what differs and what was set and not contradicted; it is read as it was meant', () => {
    const configured = { rooms: 'groupchat', bind: 'bare', messageType: 'chat' };
    const choice = dialectFrom(findings, configured);
    expect(choice).toEqual({ protocolVersion: '6.2', rooms: 'groupchat', rosterSetForm: 'what' });
    expect(parse(blockOf(choice).join('\n'))).toEqual({ ximss: { dialect: choice } });
    expect(isConfigured(choice, configured)).toBe(false);
    expect(isConfigured(choice, { ...choice, messageType: 'chat' })).toBe(true);
    expect(isConfigured({}, {})).toBe(true);
  });
});

describe('the two accounts', () => {
  const dir = makeTempDir('accounts');
  afterAll(() => removeTempDir(dir));
  const file = join(dir, 'pw');
  writeFileSync(file, 'from file\n');

  const good: [string, string[], Record<string, string>, [string, string]][] = [
    [
      'in the arguments, colons and all',
      ['a@x.test:p:1', 'b@x.test:'],
      { BRIDGE_DOCTOR_PASSWORD2: 'unused' },
      ['p:1', ''],
    ],
    [
      'in the environment',
      ['a@x.test', 'b@x.test'],
      { BRIDGE_DOCTOR_PASSWORD1: 'p', BRIDGE_DOCTOR_PASSWORD2: 'q' },
      ['p', 'q'],
    ],
    ['in files', ['a@x.test:p', 'b@x.test'], { BRIDGE_DOCTOR_PASSWORD2_FILE: file }, ['p', 'from file']],
  ];
  test.each(good)('passwords %s', (_, args, env, [first, second]) => {
    expect(readTestAccounts(args, env)).toEqual([
      { account: 'a@x.test', password: first },
      { account: 'b@x.test', password: second },
    ]);
  });

  const bad: [string, string[], Record<string, string>, RegExp][] = [
    ['one only', ['a@x.test:p'], {}, /two test accounts/],
    ['three', ['a@x.test:p', 'b@x.test:p', 'c@x.test:p'], {}, /two test accounts/],
    ['the same', ['a@x.test:p', 'A@x.test:p'], {}, /two different/],
    ['no address', ['a:secret', 'b@x.test:p'], {}, /^"a" is no account/],
    [
      'no password',
      ['a@x.test:p', 'b@x.test'],
      {},
      /read -rs BRIDGE_DOCTOR_PASSWORD2 && export BRIDGE_DOCTOR_PASSWORD2/,
    ],
    ['no such file', ['a@x.test:p', 'b@x.test'], { BRIDGE_DOCTOR_PASSWORD2_FILE: '/none' }, /\/none .*cannot be read/],
  ];
  test.each(bad)('refused: %s', (_, args, env, text) => {
    const problem = readTestAccounts(args, env);
    expect(problem).toMatch(text);
    expect(problem).not.toContain('secret');
  });
});
