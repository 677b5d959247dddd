/**
 * Can a TCP port be reached, and in plain words why not. One connection, closed at once, nothing sent.
 */
import { connect } from 'node:net';
import { Fault } from '../../core/fault';
import type { CheckResult } from '../runner';

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** Below the doctor's own limit for a check, so that the better text wins. */
const reachMs = 10_000;

/** Resolves with the address that answered. Rejects Fault `unavailable` with a text for the operator. */
export function reach({ host, port }: Place, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const end = (fault: Fault | null): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      const address = socket.remoteAddress ?? host;
      socket.destroy();
      if (fault === null) resolve(address);
      else reject(fault);
    };
    const fail = (cause: unknown): void =>
      end(new Fault('unavailable', { text: whyUnreachable(cause, { host, port }), cause }));
    const onAbort = (): void => fail(signal.reason);
    const timer = setTimeout(() => fail({ code: 'ETIMEDOUT' }), reachMs);
    socket.once('connect', () => end(null));
    socket.on('error', fail);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

/** The code of a system or TLS error, wherever it is wrapped; null when there is none. */
export function errorCode(thrown: unknown): string | null {
  for (let at = thrown, depth = 0; typeof at === 'object' && at !== null && depth < 5; depth += 1) {
    if ('code' in at && typeof at.code === 'string' && !(at instanceof Fault)) return at.code;
    // several addresses tried, all in vain: the first failure is as good as any
    const inner: unknown = 'errors' in at && Array.isArray(at.errors) ? at.errors[0] : null;
    at = inner ?? ('cause' in at ? at.cause : null);
  }
  return null;
}

/** One sentence about a failed connection. Never throws. */
export function whyUnreachable(cause: unknown, { host, port }: Place): string {
  const code = errorCode(cause);
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens on ${host} port ${port}`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return `the name ${host} has no address (DNS)`;
    case 'ETIMEDOUT':
      return `no answer from ${host} port ${port}: a firewall, or the wrong address`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return `there is no way to ${host} from this machine (${code})`;
    case 'ECONNRESET':
    case 'EPIPE':
      return `${host} port ${port} closes the connection at once`;
    default:
      return `${host} port ${port} cannot be reached${code === null ? '' : ` (${code})`}`;
  }
}

/** A check result for a failed connection. */
export function unreachable(thrown: unknown, advice: string): CheckResult {
  return { ok: false, detail: thrown instanceof Fault ? thrown.text : 'it cannot be reached', advice };
}
