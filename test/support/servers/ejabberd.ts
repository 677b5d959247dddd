/**
 * A private ejabberd: own ports, own Mnesia directory, no encryption, no shapers, no S2S. It runs as an unnamed Erlang
 * node (no epmd, no cookie, nothing shared with another ejabberd); its HTTP API on the loopback takes the place of
 * ejabberdctl. The component part of its settings is config/ejabberd.yml itself, included as an operator would.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument, stringify } from 'yaml';
import { freePorts } from '../ports';
import { startProcess, type Child } from '../process';
import { makeTempDir, removeTempDir } from '../temp';
import { until } from '../wait';
import { makeRunner } from './runner';
import { shippedConfig } from './shipped';
import { withDefaults, type RosterEntry, type XmppServer, type XmppServerOptions } from './xmpp-server';

const ejabberdctlPath = '/usr/sbin/ejabberdctl';
const apiDeadlineMs = 10_000;
/** Mnesia writes its log behind by seconds. It does so at once, and removes the file, when a file of this name is there. */
const syncFile = 'sync';
const syncOnFile = `spawn(fun() -> (fun Again() ->
  case file:read_file_info("${syncFile}") of {ok, _} -> mnesia:sync_log(), file:delete("${syncFile}"); _ -> none end,
  timer:sleep(20), Again()
end)() end).`;

/** Starts one and resolves when it accepts clients and components. `conflict` has no meaning here: it takes every connection. */
export async function startEjabberd(options: XmppServerOptions = {}): Promise<XmppServer> {
  const settings = withDefaults(options);
  const [c2sPort = 0, componentPort = 0, apiPort = 0] = await freePorts(3);
  const dir = makeTempDir('ejabberd');
  const configFile = join(dir, 'ejabberd.yml');
  const shippedFile = join(dir, 'ximss.yml');
  writeFileSync(shippedFile, adapt(shippedConfig('ejabberd.yml', { ...settings, componentPort }), settings));
  writeFileSync(configFile, ejabberdConfig({ ...settings, c2sPort, apiPort, shippedFile }));

  const env = ejabberdEnvironment(dir, configFile);
  const args = ['-noinput', '-mnesia', 'dir', `"${join(dir, 'spool')}"`, '-s', 'ejabberd', '-eval', syncOnFile];
  const runner = makeRunner(() => startProcess('erl', args, { cwd: dir, env }), isListening);
  await runner.start();

  const api = (command: string, body: object): Promise<Answer> => callApi(apiPort, command, body);
  return {
    kind: 'ejabberd',
    host: '127.0.0.1',
    domain: settings.domain,
    c2sPort,
    componentPort,
    componentDomain: settings.componentDomain,
    secondComponentDomain: settings.secondComponentDomain,
    secret: settings.secret,
    async register(user, password) {
      const made = await api('register', { user, host: settings.domain, password });
      const isMade = made.status === 200;
      const { status } = isMade
        ? made
        : await api('change_password', { user, host: settings.domain, newpass: password });
      if (status !== 200) throw new Error(`ejabberd does not register ${user}: ${JSON.stringify(made.body)}`);
      // The accounts are the test's furniture and survive a kill -9; what else is in flight has its true fate.
      writeFileSync(join(dir, syncFile), '');
      await until(() => !existsSync(join(dir, syncFile)), { what: 'Mnesia to write its log' });
    },
    async roster(user) {
      const { status, body } = await api('get_roster', { user, server: settings.domain });
      if (status !== 200 || !Array.isArray(body)) throw new Error(`no roster of ${user}: ${JSON.stringify(body)}`);
      // The API's documented result: see ApiRow.
      return gather(body as ApiRow[]);
    },
    start: runner.start,
    stop: runner.stop,
    kill9: runner.kill9,
    log: runner.log,
    async dispose() {
      await runner.kill9();
      removeTempDir(dir);
    },
  };
}

interface EjabberdSettings extends Required<XmppServerOptions> {
  readonly c2sPort: number;
  readonly apiPort: number;
  readonly shippedFile: string;
}

/** The configuration file: what is not for operators; the rest is the included snippet. */
function ejabberdConfig(settings: EjabberdSettings): string {
  const ip = '127.0.0.1';
  return stringify({
    include_config_file: [settings.shippedFile],
    hosts: [settings.domain],
    loglevel: 'info',
    log_rotate_count: 0,
    s2s_access: 'none',
    auth_method: 'internal',
    auth_password_format: 'plain',
    default_db: 'mnesia',
    acl: { loopback: { ip: ['127.0.0.0/8'] } },
    api_permissions: { tests: { from: ['mod_http_api'], who: [{ acl: 'loopback' }], what: '*' } },
    shaper_rules: { max_user_offline_messages: 100_000, max_user_sessions: 1000 },
    listen: [
      { port: settings.c2sPort, ip, module: 'ejabberd_c2s', access: 'all', shaper: 'none', max_stanza_size: 1_048_576 },
      { port: settings.apiPort, ip, module: 'ejabberd_http', request_handlers: { '/api': 'mod_http_api' } },
    ],
    modules: {
      mod_admin_extra: {},
      mod_blocking: {},
      mod_caps: {},
      mod_carboncopy: {},
      mod_disco: {},
      mod_last: {},
      mod_offline: {},
      mod_ping: {},
      mod_privacy: {},
      mod_private: {},
      mod_pubsub: { plugins: ['flat', 'pep'] },
      mod_roster: {},
      mod_time: {},
      mod_vcard: {},
      mod_vcard_xupdate: {},
      mod_version: {},
    },
  });
}

/** The shipped snippet with the second component beside the first, and without the rights when a test wants none. */
function adapt(text: string, settings: Required<XmppServerOptions>): string {
  const shipped = parseDocument(text);
  const { secondComponentDomain, secret, privileges } = settings;
  shipped.setIn(['listen', 0, 'hosts', secondComponentDomain], shipped.createNode({ password: secret }));
  if (!privileges) shipped.deleteIn(['modules', 'mod_privilege']);
  return String(shipped);
}

async function isListening(child: Child): Promise<void> {
  for (const listener of ['ejabberd_c2s', 'ejabberd_service', 'ejabberd_http']) {
    await child.waitForLine(new RegExp(`Start accepting TCP connections at .* for ${listener}`), 60_000);
  }
}

/** What ejabberd finds in its environment to live in `dir`. */
export function ejabberdEnvironment(dir: string, configFile: string): Record<string, string> {
  return {
    EJABBERD_CONFIG_PATH: configFile,
    EJABBERD_LOG_PATH: join(dir, 'ejabberd.log'),
    ERL_LIBS: erlangLibraries(),
    ERL_CRASH_DUMP_BYTES: '0',
    HOME: dir,
  };
}

/** Where the package keeps its Erlang libraries: it differs between architectures, and ejabberdctl knows. */
function erlangLibraries(): string {
  const line = /^ERL_LIBS='?([^'\n]*)'?$/m.exec(readFileSync(ejabberdctlPath, 'utf8'));
  if (line?.[1] === undefined) throw new Error(`${ejabberdctlPath} does not say where the Erlang libraries are`);
  return line[1];
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function callApi(port: number, command: string, body: object): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/api/${command}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(apiDeadlineMs),
  });
  return { status: response.status, body: await response.json() };
}

/** COMPAT: before 23.10 one row per group or `;` between groups, and `ask`; since then `groups` and `pending`. */
interface ApiRow {
  readonly jid: string;
  readonly nick: string;
  readonly subscription: string;
  readonly ask?: string;
  readonly pending?: string;
  readonly group?: string;
  readonly groups?: readonly string[];
}

function gather(rows: readonly ApiRow[]): RosterEntry[] {
  const contacts = new Map<string, ApiRow[]>();
  for (const row of rows) contacts.set(row.jid, [...(contacts.get(row.jid) ?? []), row]);
  return [...contacts].map(([jid, same]) => ({
    jid,
    name: same[0]?.nick ?? '',
    subscription: same[0]?.subscription ?? 'none',
    isAsking: ['out', 'both', 'subscribe'].includes(same[0]?.ask ?? same[0]?.pending ?? ''),
    groups: same.flatMap(({ group, groups }) => groups ?? (group ? group.split(';') : [])).sort(),
  }));
}
