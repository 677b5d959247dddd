/** The handle on the far side's process. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { within } from '../../support/wait';
import type { FarOrder, FarReport } from './far';

export interface Far {
  readonly pid: number;
  send(count: number, from: number, laneCount: number): void;
  /** what has arrived, and how old it was */
  arrivals(): Promise<Pick<FarReport, 'arrived' | 'latencies'>>;
  report(): Promise<FarReport>;
  /** each link gets so many mutual contacts, all online */
  befriend(contacts: number): Promise<FarReport>;
  /** so many messages per second to links that are bound; 0 ends it. Resolves when it has begun or ended. */
  chat(perSecond: number): Promise<FarReport>;
  stop(): void;
  /** Resolves when its process has ended. */
  readonly ended: Promise<void>;
}
export type FarProcess = Far & Pick<FarReport, 'port' | 'tlsPort' | 'httpPort'>;

/** Starts it with its accounts; resolves when its port is open. */
export async function startFar(
  domain: string,
  linkCount: number,
  peerCount: number,
  options: { readonly tls?: { key: string; cert: string }; readonly port?: number } = {},
): Promise<FarProcess> {
  const child = fork(join(__dirname, 'far.ts'), { execArgv: ['--import', 'tsx'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ask = (order: FarOrder): Promise<FarReport> =>
    within(
      new Promise<FarReport>((resolve, reject) => {
        const lost = (): void => reject(new Error('the far side ended'));
        child.once('exit', lost);
        child.once('message', (report) => {
          child.off('exit', lost);
          resolve(report as FarReport); // written by far.ts
        });
        child.send(order);
      }),
      60_000,
      'the far side',
    );
  const { port, tlsPort, httpPort } = await ask({
    do: 'start',
    domain,
    linkCount,
    peerCount,
    ...options,
  });
  return {
    port,
    tlsPort,
    httpPort,
    pid: child.pid ?? 0,
    send: (count, from, laneCount) => void child.send({ do: 'send', count, from, laneCount } satisfies FarOrder),
    arrivals: () => ask({ do: 'arrivals' }),
    report: () => ask({ do: 'report' }),
    befriend: (contacts) => ask({ do: 'befriend', contacts }),
    chat: (perSecond) => ask({ do: 'chat', perSecond }),
    stop: () => void (child.connected && child.disconnect()),
    ended,
  };
}
