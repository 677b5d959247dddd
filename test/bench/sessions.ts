/**
 * Many sessions in one process: a child with nothing but the far layer, so that memory and CPU are its own. It logs in
 * to the far side's process, idles, then sends; figures come back over IPC.
 */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { within } from '../support/wait';
import type { SessionsOrder, SessionsReport } from './sessions-child';

export interface SessionsFigures {
  readonly binding: string;
  readonly rssKibPerSession: number;
  readonly loginSeconds: number;
  readonly messagesPerSecond: number;
  readonly idleCpuPercent: number;
}

/** Rejects when not all sessions come online within two minutes. */
export async function measureSessions(order: SessionsOrder): Promise<SessionsFigures> {
  const child = fork(join(__dirname, 'sessions-child.ts'), { execArgv: ['--import', 'tsx', '--expose-gc'] });
  try {
    const report = await within(
      new Promise<SessionsReport>((resolve, reject) => {
        child.once('message', (message) => resolve(message as SessionsReport)); // written by sessions-child.ts
        child.once('exit', (code) => reject(new Error(`the sessions' process ended with ${code}`)));
        child.send(order);
      }),
      240_000,
      'the figures',
    );
    return {
      binding: order.binding,
      rssKibPerSession: (report.rssAfterKib - report.rssBeforeKib) / order.count,
      loginSeconds: report.loginMs / 1_000,
      messagesPerSecond: report.messagesPerSecond,
      idleCpuPercent: report.idleCpuPercent,
    };
  } finally {
    child.kill();
  }
}
