import { en } from '../../src/core/i18n/en';
import fc from 'fast-check';
import {
  Fault,
  farRefusal,
  faultOf,
  faultOfStanza,
  faultTable,
  stanzaErrorOf,
  toFault,
  type ErrorType,
  type FaultCode,
  type StanzaError,
} from '../../src/core/fault';
import { cleanXmlText } from '../../src/core/text';

const codes = Object.keys(faultTable) as FaultCode[]; // the keys of a const table
const anyCode = fc.constantFrom(...codes);

/** RFC 6120 section 8.3.3 without the two that carry an address (gone, redirect). */
const definedConditions = new Set(
  (
    'bad-request conflict feature-not-implemented forbidden internal-server-error item-not-found jid-malformed ' +
    'not-acceptable not-allowed not-authorized policy-violation recipient-unavailable registration-required ' +
    'remote-server-not-found remote-server-timeout resource-constraint service-unavailable subscription-required ' +
    'undefined-condition unexpected-request'
  ).split(' '),
);

/** Where RFC 6120 section 8.3.3 names a type for a condition and the sender's next step hangs on it. */
const typesOf: Readonly<Record<string, readonly ErrorType[]>> = {
  'bad-request': ['modify'],
  'feature-not-implemented': ['cancel', 'modify'],
  forbidden: ['auth'],
  'item-not-found': ['cancel'],
  'jid-malformed': ['modify'],
  'not-acceptable': ['modify'],
  'not-allowed': ['cancel'],
  'not-authorized': ['auth'],
  'registration-required': ['auth'],
  'remote-server-timeout': ['wait'],
  'resource-constraint': ['wait'],
};

describe('every row of the fault table', () => {
  test.each(codes)('%s has a defined condition, a fitting type and a sentence for the peer', (code) => {
    const { condition, type } = faultTable[code];
    const text = en.faults[code];
    expect(definedConditions).toContain(condition);
    expect(typesOf[condition] ?? [type]).toContain(type);
    expect(text).toMatch(/^[A-Z].*\.$/);
    expect(cleanXmlText(text).removedCount).toBe(0);
  });

  test.each(codes)('%s becomes a stanza error, and that one a final fault that goes out again as it came', (code) => {
    const stanza = stanzaErrorOf(new Fault(code).toData());
    expect(stanza).toEqual({
      type: faultTable[code].type,
      condition: faultTable[code].condition,
      text: en.faults[code],
    });
    const back = faultOfStanza(stanza);
    expect(back.retry).toBe('never');
    expect(stanzaErrorOf(back.toData())).toEqual(stanza);
  });

  test.each(codes)('%s survives storage', (code) => {
    const fault = new Fault(code, { text: 'said', number: 7, cause: new Error('secret') });
    const stored: unknown = JSON.parse(JSON.stringify(fault.toData()));
    expect(stored).toEqual({ code, text: 'said', number: 7 });
    const again = faultOf(fault.toData());
    expect([again.code, again.text, again.number, again.retry]).toEqual([code, 'said', 7, faultTable[code].retry]);
  });

  test('only these are tried again, and nothing that the far server refused', () => {
    const later = codes.filter((code) => faultTable[code].retry === 'later');
    expect(later).toEqual([
      'store-away',
      'unavailable',
      'timeout',
      'too-many-sessions',
      'login-refused',
      'no-tls',
      'stopping',
    ]);
    expect(codes.filter((code) => faultTable[code].retry === 'reauth')).toEqual(['not-authorized', 'needs-user']);
    expect(codes.filter((code) => faultTable[code].retry === 'unknown')).toEqual(['unknown-outcome']);
  });
});

describe('faults from elsewhere', () => {
  test.each<[string, StanzaError, FaultCode, string]>([
    ['no such user', { type: 'cancel', condition: 'item-not-found', text: '' }, 'not-found', en.faults['not-found']],
    ['with its own text', { type: 'cancel', condition: 'item-not-found', text: 'gone' }, 'not-found', 'gone'],
    [
      'the user is away',
      { type: 'cancel', condition: 'service-unavailable', text: '' },
      'no-service',
      en.faults['no-service'],
    ],
    [
      'blocked',
      { type: 'cancel', condition: 'not-acceptable', text: '' },
      'not-acceptable',
      en.faults['not-acceptable'],
    ],
    [
      'a condition nobody defined',
      { type: 'wait', condition: 'toString', text: '' },
      'no-service',
      en.faults['no-service'],
    ],
    [
      'a server that is away: final too, it gave the stanza back',
      { type: 'wait', condition: 'remote-server-timeout', text: '' },
      'no-service',
      en.faults['no-service'],
    ],
  ])('a stanza error: %s', (_, stanza, code, text) => {
    const fault = faultOfStanza(stanza);
    expect([fault.code, fault.text, fault.retry]).toEqual([code, text, 'never']);
    expect(stanzaErrorOf(fault.toData())).toEqual(stanza);
  });

  test.each<[string, number | null, string | null, object]>([
    ['number and text', 404, 'unknown user', { code: 'refused', number: 404, text: 'unknown user' }],
    ['text alone', null, 'no', { code: 'refused', text: 'no' }],
    ['number alone', 500, null, { code: 'refused', number: 500, text: en.faults.refused }],
    ['an empty text', 0, '', { code: 'refused', number: 0, text: en.faults.refused }],
  ])('a far refusal: %s', (_, number, text, data) => {
    expect(farRefusal(number, text).toData()).toEqual(data);
    expect(farRefusal(number, text).retry).toBe('never');
  });

  test('any thrown value becomes a fault; a fault stays itself', () => {
    const fault = new Fault('timeout');
    expect(toFault(fault)).toBe(fault);
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const made = toFault(thrown);
        expect([made.code, made.cause, made.text]).toEqual(['internal', thrown, en.faults.internal]);
      }),
    );
  });

  test('what is stored or shown never carries the cause', () => {
    fc.assert(
      fc.property(anyCode, fc.string(), (code, text) => {
        const data = new Fault(code, { text, cause: new Error('the password is 1234') }).toData();
        expect(JSON.stringify([data, stanzaErrorOf(data)])).not.toContain('1234');
      }),
      { examples: codes.map((code) => [code, '']) },
    );
  });
});
