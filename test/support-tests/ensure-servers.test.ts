/** scripts/ensure-servers.sh against a pretended Debian: a PATH of stubs that write down what they were asked. */
import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startProcess } from '../support/process';
import { makeTempDir, removeTempDir } from '../support/temp';

const scriptFile = resolve(__dirname, '../../scripts/ensure-servers.sh');
const realPrograms = ['env', 'tee', 'chmod', 'rm', 'cat', 'mktemp'];

interface Machine {
  readonly installed?: readonly string[];
  readonly uid?: number;
  readonly sudo?: boolean;
  readonly apt?: boolean;
  /** apt-get install fails until apt-get update ran. */
  readonly stale?: boolean;
  /** apt-get install always fails. */
  readonly broken?: boolean;
}

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  /** Calls of the stubs that change something. */
  readonly calls: readonly string[];
  readonly isPolicyLeft: boolean;
}

describe('ensure-servers', () => {
  let dir: string;
  beforeEach(() => (dir = makeTempDir('stubs')));
  afterEach(() => removeTempDir(dir));

  async function ensure(machine: Machine, ...names: string[]): Promise<Outcome> {
    const calls = join(dir, 'calls');
    const policy = join(dir, 'policy-rc.d');
    const updated = join(dir, 'updated');
    const stub = (name: string, body: string): void => {
      writeFileSync(join(dir, name), `#!/bin/bash\n${body}\n`);
      chmodSync(join(dir, name), 0o755);
    };
    writeFileSync(calls, '');
    for (const name of realPrograms) symlinkSync(join('/usr/bin', name), join(dir, name));
    stub('dpkg-query', `[[ " ${(machine.installed ?? []).join(' ')} " == *" \${@: -1} "* ]] && echo -n installed`);
    stub('id', `echo ${machine.uid ?? 0}`);
    stub('systemctl', `echo "systemctl $*" >> ${calls}; exit 1`);
    if (machine.sudo !== undefined) stub('sudo', machine.sudo ? 'shift; "$@"' : 'exit 1');
    if (machine.apt ?? true) {
      const stale = `[[ $1 == install && ! -e ${updated} ]] && exit 100`;
      const policyOfTheTime = `$(if [ -x ${policy} ]; then ${policy} > /dev/null; echo " policy=$?"; fi)`;
      stub(
        'apt-get',
        `echo "apt-get $* [$DEBIAN_FRONTEND${policyOfTheTime}]" >> ${calls}
         [[ $1 == update ]] && > ${updated}
         echo "Reading package lists..."
         ${machine.stale ? stale : ''}
         ${machine.broken ? '[[ $1 == install ]] && echo "E: no space left" >&2 && exit 100' : ''}
         exit 0`,
      );
    }
    const env = { PATH: dir, POLICY_RC_D: policy, PROSODY_MODULES: dir, DEBIAN_FRONTEND: undefined };
    const child = await startProcess('/bin/bash', [scriptFile, ...names], { env });
    const { code } = await child.exited;
    const lines = readFileSync(calls, 'utf8').split('\n').filter(Boolean);
    return { code, output: child.log(), calls: lines, isPolicyLeft: existsSync(policy) };
  }

  const everything = ['prosody', 'prosody-modules', 'ejabberd', 'redis-server', 'openssl'];
  const install = (packages: string): string =>
    `apt-get install -y --no-install-recommends ${packages} [noninteractive policy=101]`;

  test('everything is there: silence, and nothing touched', async () => {
    expect(await ensure({ installed: everything })).toEqual({ code: 0, output: '', calls: [], isPolicyLeft: false });
  });

  test('only what is named is looked for', async () => {
    expect((await ensure({ installed: ['openssl'] }, 'openssl')).calls).toEqual([]);
  });

  test('root: installs what is missing, without starting it, and takes the policy away again', async () => {
    const outcome = await ensure({ installed: ['ejabberd', 'openssl', 'prosody'] });
    expect(outcome.calls).toEqual([install('prosody-modules redis-server'), 'systemctl disable --now redis-server']);
    expect(outcome).toMatchObject({ code: 0, isPolicyLeft: false });
  });

  test('package lists are fetched only when the first try fails', async () => {
    const outcome = await ensure({ installed: [], stale: true }, 'redis');
    const calls = [install('redis-server'), 'apt-get update [noninteractive policy=101]', install('redis-server')];
    expect(outcome.calls).toEqual([...calls, 'systemctl disable --now redis-server']);
    expect(outcome.code).toBe(0);
  });

  test('what apt says is not shown', async () => {
    const { output } = await ensure({ installed: [] }, 'redis');
    expect(output.trim()).toBe('ensure-servers: installing redis-server');
  });

  test('what apt says is shown when it fails', async () => {
    const failed = await ensure({ installed: [], broken: true }, 'redis');
    expect(failed).toMatchObject({ code: 1, isPolicyLeft: false });
    expect(failed.output).toContain('E: no space left');
  });

  test('an upgrade fetches the lists and brings everything up to date, without starting it', async () => {
    const outcome = await ensure({ installed: everything }, '--upgrade', 'redis');
    expect(outcome.calls).toEqual([
      'apt-get update [noninteractive policy=101]',
      'apt-get install -y --no-install-recommends --only-upgrade libexpat1 redis-server [noninteractive policy=101]',
    ]);
    expect(outcome).toMatchObject({ code: 0, isPolicyLeft: false });
  });

  test('who may not upgrade is told so, exit code 1', async () => {
    const outcome = await ensure({ installed: everything, uid: 1000 }, '--upgrade');
    expect(outcome).toMatchObject({ code: 1, calls: [] });
    expect(outcome.output).toContain('only root may upgrade');
  });

  test('sudo without a password serves as root', async () => {
    const outcome = await ensure({ uid: 1000, sudo: true }, 'openssl');
    expect(outcome).toMatchObject({ code: 0, calls: [install('openssl')], isPolicyLeft: false });
  });

  test.each<[string, Machine]>([
    ['no sudo', { uid: 1000 }],
    ['sudo that asks for a password', { uid: 1000, sudo: false }],
  ])('%s: one line to type, exit code 1', async (_what, machine) => {
    const outcome = await ensure(machine, 'prosody', 'redis');
    expect(outcome).toMatchObject({ code: 1, calls: [] });
    expect(outcome.output).toMatch(
      /sudo apt-get update && sudo apt-get install -y --no-install-recommends prosody prosody-modules redis-server$/m,
    );
  });

  test('another system than Debian: the names of the packages, exit code 1', async () => {
    const outcome = await ensure({ apt: false }, 'ejabberd');
    expect(outcome).toMatchObject({ code: 1, output: expect.stringMatching(/Debian packages\): ejabberd/) as string });
  });

  test('an unknown name is refused', async () => {
    expect(await ensure({}, 'exim')).toMatchObject({ code: 2, output: expect.stringContaining('exim') as string });
  });
});
