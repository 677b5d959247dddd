#!/usr/bin/env node
/** The process around the command line: standard streams, signals, exit code. Nothing else happens here. */
import { letYoungGenerationGrow } from './ops/young-generation'; // first, see there
import { startApp } from './app';
import { runCli } from './cli';
import { systemClock } from './ops/clock';
import { makeLog } from './ops/log';
import { makeMetrics } from './ops/metrics';
import { makeNotify } from './ops/notify';
import { version } from './version';
import type { World } from './world';
import { dialectOptions } from './ximss/protocol/dialect';

const world: World = {
  env: process.env,
  version,
  dialect: dialectOptions,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  makeLog: (level) => makeLog({ level }),
  makeMetrics: () => makeMetrics({ version }),
  makeNotify: (log) => makeNotify({ env: process.env, pid: process.pid, log }),
  async startApp(...args) {
    const app = await startApp(...args);
    letYoungGenerationGrow();
    return app;
  },
  // the doctor is loaded when it is asked for: a running bridge need not carry it
  checks: async (...wishes) => (await import('./doctor/index.js')).doctorChecks(...wishes),
  testDialect: async (options) =>
    (await import('./doctor/dialect/run.js')).runDialectTests({ ...options, clock: systemClock }),
  onSignal(listener) {
    const signals = ['SIGTERM', 'SIGINT'] as const;
    signals.forEach((name) => process.on(name, listener));
    return () => signals.forEach((name) => process.off(name, listener));
  },
  onReload(listener) {
    process.on('SIGHUP', listener);
    return () => process.off('SIGHUP', listener);
  },
  onCrash(listener) {
    process.on('uncaughtException', listener);
    process.on('unhandledRejection', listener);
  },
  exit: (code) => process.exit(code),
};

/** What a shell shows for a program that wrote to a closed pipe: a reader that has seen enough (`doctor | head`). */
const brokenPipeCode = 128 + 13;

if (require.main === module) {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(brokenPipeCode);
    throw error;
  });
  void runCli(process.argv.slice(2), world).then((code) => {
    // What is still open must not keep a stopped bridge alive; what was written must still go out.
    process.stdout.write('', () => process.exit(code));
  });
}
