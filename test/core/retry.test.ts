import fc from 'fast-check';
import { Fault, faultTable, type FaultCode } from '../../src/core/fault';
import {
  backoffBoundMs,
  backoffMs,
  decide,
  expiry,
  isExpired,
  laneBackoff,
  type Circumstances,
} from '../../src/core/retry';

const now: Circumstances = { attempts: 1, ageMs: 0, expireAfterMs: 3_600_000, dice: 0.5, unknownOutcome: 'retry' };
const codes = Object.keys(faultTable) as FaultCode[]; // the keys of a const table
const backoff = fc
  .record({ baseMs: fc.integer({ min: 1, max: 10_000 }), capMs: fc.integer({ min: 1, max: 1_000_000 }) })
  .filter(({ baseMs, capMs }) => capMs >= baseMs);
const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('backoff', () => {
  test.each([
    ['the first pause', 1, 1_000],
    ['none made yet counts as one', 0, 1_000],
    ['doubles', 2, 2_000],
    ['doubles again', 3, 4_000],
    ['stops at the cap', 7, 60_000],
    ['stays there for ever', 5_000, 60_000],
  ])('%s', (_, attempts, bound) => {
    expect(backoffBoundMs(attempts, laneBackoff)).toBe(bound);
  });

  test('the bound never falls and is never above the cap', () => {
    fc.assert(
      fc.property(fc.nat(3_000), fc.nat(3_000), backoff, (a, b, options) => {
        const [few, many] = [Math.min(a, b), Math.max(a, b)];
        expect(backoffBoundMs(few, options)).toBeLessThanOrEqual(backoffBoundMs(many, options));
        expect(backoffBoundMs(many, options)).toBeLessThanOrEqual(options.capMs);
      }),
    );
  });

  test('a pause is whole, above the floor and within the bound', () => {
    fc.assert(
      fc.property(fc.nat(3_000), dice, backoff, (attempts, roll, options) => {
        const ms = backoffMs(attempts, roll, options);
        const bound = backoffBoundMs(attempts, options);
        expect(Number.isInteger(ms)).toBe(true);
        expect(ms).toBeLessThanOrEqual(bound);
        expect(ms).toBeGreaterThanOrEqual(Math.min(100, bound));
      }),
    );
  });

  test('a higher roll never gives a shorter pause, and the jitter is full', () => {
    fc.assert(
      fc.property(fc.nat(30), dice, dice, backoff, (attempts, a, b, options) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(backoffMs(attempts, low, options)).toBeLessThanOrEqual(backoffMs(attempts, high, options));
      }),
    );
    expect([backoffMs(5, 0, laneBackoff), backoffMs(5, 0.999_999, laneBackoff)]).toEqual([100, 16_000]);
  });
});

describe('decide', () => {
  test.each<[string, FaultCode, Partial<Circumstances>, object]>([
    ['a refusal bounces', 'refused', {}, { do: 'bounce', fault: { code: 'refused' } }],
    [
      'a refusal bounces with its own fault even when old',
      'refused',
      { ageMs: 9e9 },
      { do: 'bounce', fault: { code: 'refused' } },
    ],
    ['an outage waits', 'unavailable', {}, { do: 'wait', ms: 550 }],
    ['an outage waits longer later', 'unavailable', { attempts: 4 }, { do: 'wait', ms: 4_050 }],
    ['a wait never runs past the expiry', 'unavailable', { attempts: 9, ageMs: 3_599_000 }, { do: 'wait', ms: 1_000 }],
    ['an outage expires', 'unavailable', { ageMs: 3_600_000 }, { do: 'bounce', fault: { code: 'expired' } }],
    ['a refused password holds until the expiry', 'not-authorized', { ageMs: 600_000 }, { do: 'hold', ms: 3_000_000 }],
    ['a held one expires', 'not-authorized', { ageMs: 3_600_000 }, { do: 'bounce', fault: { code: 'expired' } }],
    ['an unknown outcome is tried again', 'unknown-outcome', {}, { do: 'wait', ms: 550 }],
    [
      'or reported',
      'unknown-outcome',
      { unknownOutcome: 'report' },
      { do: 'bounce', fault: { code: 'unknown-outcome' } },
    ],
    ['one tried again expires', 'unknown-outcome', { ageMs: 4e6 }, { do: 'bounce', fault: { code: 'expired' } }],
    ['the backoff can be chosen', 'timeout', { backoff: { baseMs: 10, capMs: 10 } }, { do: 'wait', ms: 10 }],
  ])('%s', (_, code, change, expected) => {
    expect(decide(new Fault(code), { ...now, ...change })).toMatchObject(expected);
  });

  test('an expiry says what was in the way, once', () => {
    const first = expiry(new Fault('unavailable'));
    expect(first.text).toBe('It could not be delivered in time. The other network cannot be reached now.');
    expect(expiry(new Fault('expired')).text).toBe(expiry(null).text);
  });

  test('stored faults decide like live ones, with nothing lost', () => {
    const fault = new Fault('refused', { text: 'no such user', number: 404 });
    expect(decide(fault.toData(), now)).toEqual({ do: 'bounce', fault: fault.toData() });
    expect(decide(fault, now)).toEqual({ do: 'bounce', fault: fault.toData() });
  });

  test('every fault ends: nothing waits once expired, and a wait is at least 1 ms and never beyond the expiry', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...codes),
        fc.nat(100),
        fc.nat(10_000),
        fc.integer({ min: 1, max: 10_000 }),
        dice,
        (code, attempts, ageMs, expireAfterMs, roll) => {
          const decision = decide(new Fault(code), { ...now, attempts, ageMs, expireAfterMs, dice: roll });
          if (isExpired(ageMs, expireAfterMs)) expect(decision.do).toBe('bounce');
          if (decision.do === 'bounce') return;
          expect(decision.ms).toBeGreaterThanOrEqual(1);
          expect(ageMs + decision.ms).toBeLessThanOrEqual(expireAfterMs);
        },
      ),
    );
  });
});
