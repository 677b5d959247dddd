/**
 * The far side's rows before any login: is it there, is the way to it encrypted and the certificate good, does it offer
 * what the configuration wants. One look serves the last two.
 */
import type { Clock } from '../../bridge/ports';
import { isLoopback, parseXimssServer, type Config } from '../../config';
import { toFault } from '../../core/fault';
import type { Check, CheckResult } from '../runner';
import type { Features } from '../../ximss/protocol/operations';
import { certificateResult } from './certificate';
import { probePrelogin, serverFor, preloginFailure, type PreloginResult } from './prelogin-probe';
import { ximssContextOf } from './ximss-context';
import { reach, unreachable } from './tcp-reach';

/** A XIMSS server answers its first question at once; another program on that port may never. */
const probeMs = 8_000;

/** The rows, in the order in which trouble should be looked for. */
export function ximssChecks(config: Config, clock: Clock): readonly Check[] {
  const { server } = config.ximss;
  const place = parseXimssServer(server);
  let probing: Promise<PreloginResult> | null = null;
  const probe = (signal: AbortSignal): Promise<PreloginResult> =>
    (probing ??= probePrelogin(
      { server, context: ximssContextOf(config, clock), wantsTls: config.ximss.starttls !== 'never' },
      AbortSignal.any([signal, AbortSignal.timeout(probeMs)]),
    ));
  return [
    {
      name: 'XIMSS server',
      async run(signal) {
        if (place === null) return { ok: false, detail: `${server} is no address` };
        try {
          const address = await reach(place, signal);
          return { ok: true, detail: `${place.host} (${address}) port ${place.port} takes connections` };
        } catch (thrown) {
          return unreachable(toFault(thrown), adviceForWire(config));
        }
      },
    },
    {
      name: 'XIMSS encryption',
      needs: ['XIMSS server'],
      async run(signal) {
        let result: PreloginResult;
        try {
          result = await probe(signal);
        } catch (thrown) {
          return { ok: false, detail: preloginFailure(thrown, server), advice: adviceForWire(config) };
        }
        return encryption(result, config);
      },
    },
    {
      name: 'XIMSS features',
      needs: ['XIMSS server'],
      async run(signal) {
        const result = await probe(signal).catch(() => null);
        return result === null ? { ok: 'skip', detail: 'see the row above' } : offers(result, config);
      },
    },
  ];
}

function adviceForWire({ ximss }: Config): string {
  const host = parseXimssServer(ximss.server)?.host ?? 'HOST';
  return (
    'Is the XIMSS module switched on in CommuniGate (its listener: TCP 11024), and ximss.server right? Try: nc -vz ' +
    `${host} 11024\nThe ways to it:\n` +
    `  server: ximss://${host}:11024     TCP\n` +
    `  server: https://${host}           the HTTP binding (CommuniGate's HTTP User ports are often 8100 and 9100)`
  );
}

/** The row about TLS and the certificate. */
export function encryption({ starttls, certificate }: PreloginResult, config: Config): CheckResult {
  const { ximss } = config;
  const { host, isTls, binding } = parseXimssServer(ximss.server) ?? { host: '', isTls: false, binding: 'tcp' };
  if (certificate !== null) {
    const setting = { host, serverFor: (name: string) => serverFor(config, name), caFile: ximss.caFile };
    return certificateResult(certificate, setting);
  }
  if (isTls) return { ok: false, detail: 'no certificate was shown' };
  const isNear = isLoopback(host);
  const others =
    `  server: ximss+tls://${host}:PORT    a listener that begins with TLS\n` +
    `  server: https://${host}             the HTTP binding`;
  if (starttls === null) {
    const why = binding === 'http' ? 'http:// is not encrypted' : 'ximss.starttls is never';
    if (isNear) return { ok: true, detail: `${why}; ${host} is this machine` };
    const advice = `Messages can be read on the way. Encrypted:\n${others}`;
    return { ok: 'skip', detail: `${why}, and ${host} is another machine`, advice };
  }
  const refused = typeof starttls === 'object';
  const why = refused ? `the server refuses STARTTLS: ${starttls.refusal}` : 'the server offers no STARTTLS';
  if (ximss.starttls === 'preferred') {
    return { ok: 'skip', detail: `${why}; ximss.starttls is preferred, so it goes on in clear text`, advice: others };
  }
  return {
    ok: false,
    detail: `${why}, and ximss.starttls is required`,
    advice:
      (refused ? 'The request may be named otherwise; `doctor --ximss` finds out. ' : '') +
      `Give the domain a certificate in CommuniGate, or take another way:\n${others}\n` +
      '  starttls: never                   only where nobody can listen on the way',
  };
}

/** The row about login methods and sign-up. */
export function offers({ features, refusal }: PreloginResult, { ximss, provisioning }: Config): CheckResult {
  if (features === null) {
    return {
      ok: false,
      detail: `the server tells no features: ${refusal ?? 'no answer'}`,
      advice: `ximss.domain is ${ximss.domain}: is it a domain of that server? Is it CommuniGate's XIMSS at all?`,
    };
  }
  const sasl = features.sasl.length > 0 ? features.sasl.join(' ') : 'clear text only';
  const detail = `${features.domain ?? ximss.domain}: login by ${sasl}; sign-up ${features.hasSignup ? 'on' : 'off'}`;
  const missing = missingMethod(features, ximss);
  if (missing !== null) {
    const advice = `    ximss:\n      login: auto # takes the strongest of what is offered`;
    return { ok: false, detail: `${detail}; ximss.login wants ${missing}`, advice };
  }
  if (provisioning.enabled && !features.hasSignup) {
    const advice = `Switch Auto-Signup on for the domain in CommuniGate, or provisioning off:\n    provisioning:\n      enabled: false`;
    return { ok: false, detail: `${detail}; provisioning needs it`, advice };
  }
  return { ok: true, detail };
}

/** Clear text needs no advertisement; over HTTP the login does not go by these methods. */
function missingMethod({ sasl }: Features, { login, server }: Config['ximss']): string | null {
  if (login === 'auto' || login === 'plain' || parseXimssServer(server)?.binding === 'http') return null;
  return sasl.includes(login.toUpperCase()) ? null : login;
}
