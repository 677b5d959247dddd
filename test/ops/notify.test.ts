import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeLog } from '../../src/ops/log';
import { makeNotify, type Notify } from '../../src/ops/notify';
import { makeTempDir, removeTempDir } from '../support/temp';
import { until } from '../support/wait';

let dir = '';
beforeEach(() => {
  dir = makeTempDir('notify');
});
const made: Notify[] = [];
afterEach(() => {
  made.splice(0).forEach((notify) => notify('stopping'));
  removeTempDir(dir);
});

/** With a program in the place of systemd-notify that writes down what it is told, or the given one. */
function setUp(env: Readonly<Record<string, string>>, program = join(dir, 'notify')) {
  let logged = '';
  writeFileSync(join(dir, 'notify'), `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >>"${dir}/said"\n`);
  chmodSync(join(dir, 'notify'), 0o755);
  const log = makeLog({ level: 'warn', stream: { write: (line: string) => void (logged += line) } });
  const notify: Notify = makeNotify({ env: { PATH: process.env['PATH'] ?? '', ...env }, pid: 7, log, program });
  made.push(notify);
  const said = (): string[] => {
    const text = existsSync(join(dir, 'said')) ? readFileSync(join(dir, 'said'), 'utf8') : '';
    return text.split('\n').filter(Boolean);
  };
  return { notify, said, logged: () => logged };
}

test('ready and stopping are told in this order', async () => {
  const { notify, said } = setUp({ NOTIFY_SOCKET: '/run/n' });
  notify('ready');
  notify('stopping');
  await until(() => said().length === 2);
  expect(said()).toEqual(['/run/n READY=1', '/run/n STOPPING=1']);
});

test.each([
  ['for this process', { WATCHDOG_USEC: '200000', WATCHDOG_PID: '7' }],
  ['for no process by name', { WATCHDOG_USEC: '200000' }],
])('signs of life follow ready when a watchdog is set %s', async (_, watchdog) => {
  const { notify, said } = setUp({ NOTIFY_SOCKET: '/run/n', ...watchdog });
  notify('ready');
  await until(() => said().length >= 4);
  expect(said().slice(0, 3)).toEqual(['/run/n READY=1', '/run/n WATCHDOG=1', '/run/n WATCHDOG=1']);
});

test('no sign of life follows stopping', async () => {
  const { notify, said } = setUp({ NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '100000' });
  notify('ready');
  await until(() => said().length >= 2);
  notify('stopping');
  await until(() => said().includes('/run/n STOPPING=1'));
  const other = setUp({ NOTIFY_SOCKET: '/run/other', WATCHDOG_USEC: '100000' });
  other.notify('ready');
  await until(() => said().filter((line) => line === '/run/other WATCHDOG=1').length >= 2);
  expect(said().slice(said().indexOf('/run/n STOPPING=1') + 1)).not.toContain('/run/n WATCHDOG=1');
});

test.each([
  ['without a watchdog', {}],
  ['with a watchdog that is meant for another process', { WATCHDOG_USEC: '50000', WATCHDOG_PID: '8' }],
  ['with a watchdog that is no number', { WATCHDOG_USEC: 'soon' }],
])('no sign of life %s', async (_, watchdog) => {
  const { notify, said } = setUp({ NOTIFY_SOCKET: '/run/n', ...watchdog });
  const other = setUp({ NOTIFY_SOCKET: '/run/other', WATCHDOG_USEC: '100000' });
  notify('ready');
  other.notify('ready');
  await until(() => said().filter((line) => line === '/run/other WATCHDOG=1').length >= 3); // the same file
  expect(said().filter((line) => line.startsWith('/run/n '))).toEqual(['/run/n READY=1']);
});

test('without a service manager no program is started', async () => {
  const { notify, said } = setUp({ WATCHDOG_USEC: '50000' });
  const other = setUp({ NOTIFY_SOCKET: '/run/n' });
  notify('ready');
  other.notify('ready');
  await until(() => said().length > 0);
  expect(said()).toEqual(['/run/n READY=1']);
});

test('a program that is not there is a warning, and the bridge goes on', async () => {
  const { notify, logged } = setUp({ NOTIFY_SOCKET: '/run/n' }, join(dir, 'absent'));
  notify('ready');
  await until(() => logged().includes('systemd could not be told the state of the service'));
});
