/**
 * Prosody and ejabberd on Debian's stock configuration, changed exactly as a page of the documents says: files that the
 * page shows are written, its `sed` commands are run. What only a test needs (own ports and folders, clients without
 * encryption) is changed first. It refuses a page whose steps it does not find.
 */
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { freePorts } from '../ports';
import { run, startProcess, type Child } from '../process';
import { makeTempDir, removeTempDir } from '../temp';
import { ejabberdEnvironment } from './ejabberd';

const documents = join(__dirname, '../../../docs');

/** What the pages call things. */
export const pageNames = { domain: 'example.org', componentDomain: 'ximss.example.org', secret: 'change-me' } as const;

export interface StockServer {
  readonly host: '127.0.0.1';
  readonly domain: string;
  readonly c2sPort: number;
  readonly componentPort: number;
  dispose(): Promise<void>;
}

interface Place {
  readonly page: string;
  /** /etc/prosody, and what stands for it */
  readonly etc: string;
  readonly dir: string;
  readonly componentPort: number;
}

/** The page followed to its end; juliet has the password `her-password`, as the page says. */
export async function startStockProsody(): Promise<StockServer> {
  const [c2sPort = 0, componentPort = 0, s2sPort = 0] = await freePorts(3);
  const dir = makeTempDir('stock-prosody');
  const config = join(dir, 'prosody.cfg.lua');
  cpSync('/etc/prosody', dir, { recursive: true, dereference: true });
  const stock = readFileSync(config, 'utf8').replace(/^log = \{[^]*?^\}/m, 'log = "*console"');
  const forTests = [
    `run_as_root = true; data_path = "${dir}/data"; interfaces = { "127.0.0.1" }`,
    `c2s_ports = { ${c2sPort} }; s2s_ports = { ${s2sPort} }; modules_disabled = { "admin_shell" }`,
    'c2s_require_encryption = false; allow_unencrypted_plain_auth = true',
  ];
  writeFileSync(config, [...forTests, stock.replace(/^(pidfile|modules_disabled) = /gm, 'unused_$1 = ')].join('\n'));
  mkdirSync(join(dir, 'data'));
  await follow({ page: 'prosody.md', etc: '/etc/prosody', dir, componentPort });
  const account = /^prosodyctl (register .*)$/m.exec(readFileSync(join(documents, 'prosody.md'), 'utf8'))?.[1];
  await run('prosodyctl', ['--config', config, ...(account ?? 'help').split(' ')], { cwd: dir });
  const child = await startProcess('prosody', ['-F', '--config', config], { cwd: dir });
  return started({ child, dir, c2sPort, componentPort }, [
    /Activated service 'c2s' on \[127/,
    /Activated service 'component' on \[127/,
  ]);
}

/** The page followed to its end; juliet has the password `her-password`, as the page says. */
export async function startStockEjabberd(): Promise<StockServer> {
  const [c2sPort = 0, componentPort = 0, apiPort = 0] = await freePorts(3);
  const dir = makeTempDir('stock-ejabberd');
  const config = join(dir, 'ejabberd.yml');
  cpSync('/etc/ejabberd', dir, { recursive: true, dereference: true });
  const stock: unknown = parse(readFileSync(config, 'utf8'));
  const ip = '127.0.0.1';
  const forTests = {
    ...(typeof stock === 'object' ? stock : {}),
    hosts: [pageNames.domain], // part 2 of the page
    certfiles: undefined,
    listen: [
      { port: c2sPort, ip, module: 'ejabberd_c2s', access: 'c2s', shaper: 'c2s_shaper' },
      { port: apiPort, ip, module: 'ejabberd_http', request_handlers: { '/api': 'mod_http_api' } },
    ],
    api_permissions: { tests: { from: ['mod_http_api'], who: 'all', what: '*' } },
  };
  writeFileSync(config, stringify(forTests));
  await follow({ page: 'ejabberd.md', etc: '/etc/ejabberd', dir, componentPort });
  const args = ['-noinput', '-mnesia', 'dir', `"${join(dir, 'spool')}"`, '-s', 'ejabberd'];
  const child = await startProcess('erl', args, { cwd: dir, env: ejabberdEnvironment(dir, config) });
  const server = await started(
    { child, dir, c2sPort, componentPort },
    ['ejabberd_c2s', 'ejabberd_service', 'ejabberd_http'].map(
      (listener) => new RegExp(`Start accepting TCP connections at .* for ${listener}`),
    ),
  );
  const body = JSON.stringify({ user: 'juliet', host: pageNames.domain, password: 'her-password' });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`http://${ip}:${apiPort}/api/register`, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(`ejabberd does not register juliet: ${await answer.text()}`);
  return server;
}

/** Does to `dir` what the page says about `etc`. The port alone is another one. */
async function follow({ page, etc, dir, componentPort }: Place): Promise<void> {
  const text = readFileSync(join(documents, page), 'utf8')
    .replaceAll(etc, dir)
    .replaceAll('5347', String(componentPort));
  const shown = new RegExp(
    `^[^\\n]*\`(${dir}/[^\`]+)\`([^\\n]*)(?:\\n[^\\n]+)?:\\n\\n\`\`\`(?!sh)\\w+\\n([^]*?)^\`\`\``,
    'gm',
  );
  const steps: [at: number, step: () => unknown][] = [];
  for (const { index, 1: path = '', 2: where = '', 3: content = '' } of text.matchAll(shown)) {
    steps.push([
      index,
      () => {
        mkdirSync(dirname(path), { recursive: true });
        const isAdded = where.includes('at the end');
        if (!isAdded && existsSync(path)) throw new Error(`${page} calls ${path} new, and it is there`);
        return isAdded ? appendFileSync(path, content) : writeFileSync(path, content);
      },
    ]);
  }
  for (const { index, 0: command } of text.matchAll(/^sed .*$/gm)) {
    steps.push([index, () => run('sh', ['-c', command])]);
  }
  if (steps.length < 2) throw new Error(`docs/${page} has ${steps.length} steps that this can follow`);
  for (const [, step] of steps.sort(([a], [b]) => a - b)) await step();
}

async function started(
  { child, dir, ...ports }: { child: Child; dir: string; c2sPort: number; componentPort: number },
  lines: readonly RegExp[],
): Promise<StockServer> {
  const dispose = async (): Promise<void> => {
    await child.kill9();
    removeTempDir(dir);
  };
  try {
    for (const line of lines) await child.waitForLine(line, 30_000);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { host: '127.0.0.1', domain: pageNames.domain, ...ports, dispose };
}
