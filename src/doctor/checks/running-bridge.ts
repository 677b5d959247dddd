/**
 * Does a bridge run here already? Asked of the configured HTTP address and of the lease in Redis. The doctor needs to
 * know, because a second component connection would push the bridge out (Prosody) or take half its stanzas (ejabberd).
 */
import { request } from 'node:http';
import { parseListen } from '../../config';
import type { CheckResult } from '../runner';
import { errorCode } from './tcp-reach';

export type Running =
  | { readonly kind: 'none' }
  | { readonly kind: 'bridge'; readonly isStreamUp: boolean; readonly isRedisUp: boolean }
  /** something that is no bridge answers there */
  | { readonly kind: 'other' };

const askMs = 3_000;
const answerMax = 65_536;

/** What answers at `http.listen`. Never rejects. */
export async function whoListens(listen: string, signal: AbortSignal): Promise<Running> {
  const place = parseListen(listen);
  if (place === null || place.port === 0) return { kind: 'none' };
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[place.host] ?? place.host;
  try {
    const answer: unknown = JSON.parse(
      await get(host, place.port, AbortSignal.any([signal, AbortSignal.timeout(askMs)])),
    );
    if (typeof answer !== 'object' || answer === null || !('ready' in answer)) return { kind: 'other' };
    const isUp = (key: 'stream' | 'redis'): boolean => key in answer && Reflect.get(answer, key) === 'up';
    return { kind: 'bridge', isStreamUp: isUp('stream'), isRedisUp: isUp('redis') };
  } catch (thrown) {
    const nobody = ['ECONNREFUSED', 'EADDRNOTAVAIL', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'];
    return nobody.includes(errorCode(thrown) ?? '') ? { kind: 'none' } : { kind: 'other' };
  }
}

function get(host: string, port: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, path: '/readyz', agent: false, signal }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
        if (text.length > answerMax) asked.destroy(new Error('too long'));
      });
      answer.on('end', () => resolve(text));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** The row about it. */
export function runningResult(running: Running, isLed: boolean, listen: string): CheckResult {
  switch (running.kind) {
    case 'bridge': {
      const words = `component stream ${word(running.isStreamUp)}, Redis ${word(running.isRedisUp)}`;
      const detail = `a bridge runs at ${listen}: ${words}`;
      if (running.isStreamUp && running.isRedisUp) return { ok: true, detail };
      const advice =
        'Its log says why. A bridge that stands by for another one is so until it leads (metric bridge_leader).';
      return { ok: false, detail, advice };
    }
    case 'other':
      return {
        ok: false,
        detail: `another program has ${listen}, the bridge could not start`,
        advice: `Stop that program (ss -ltnp shows it), or give the bridge another address:\n    http:\n      listen: 127.0.0.1:9115`,
      };
    case 'none':
      if (isLed) return { ok: true, detail: `a bridge runs on the same Redis, though not at ${listen}` };
      return { ok: true, detail: `no bridge runs here; ${listen} is free` };
  }
}

const word = (isUp: boolean): string => (isUp ? 'up' : 'down');
