/**
 * A private Prosody: own ports, own data, no encryption, no limits, no S2S; the component part of its settings is
 * config/prosody.cfg.lua itself. Accounts and rosters are read and written in Prosody's own file store.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../ports';
import { run, startProcess, type Child } from '../process';
import { makeTempDir, removeTempDir } from '../temp';
import { makeRunner } from './runner';
import { shippedConfig } from './shipped';
import { withDefaults, type RosterEntry, type XmppServer, type XmppServerOptions } from './xmpp-server';

/** Starts one and resolves when it accepts clients and components. */
export async function startProsody(options: XmppServerOptions = {}): Promise<XmppServer> {
  const settings = withDefaults(options);
  const [c2sPort = 0, componentPort = 0] = await freePorts(2);
  const dir = makeTempDir('prosody');
  const configFile = join(dir, 'prosody.cfg.lua');
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir);
  const shippedFile = join(dir, 'ximss.cfg.lua');
  writeFileSync(shippedFile, shippedConfig('prosody.cfg.lua', { ...settings, componentPort }));
  writeFileSync(configFile, prosodyConfig({ ...settings, c2sPort, dataDir, shippedFile }));

  const runner = makeRunner(
    () => startProcess('prosody', ['-F', '--config', configFile], { cwd: dir }),
    (child) => isListening(child),
  );
  await runner.start();

  const storeFile = (store: string, user: string): string =>
    join(dataDir, encode(settings.domain), store, `${encode(user)}.dat`);
  return {
    kind: 'prosody',
    host: '127.0.0.1',
    domain: settings.domain,
    c2sPort,
    componentPort,
    componentDomain: settings.componentDomain,
    secondComponentDomain: settings.secondComponentDomain,
    secret: settings.secret,
    register(user, password) {
      const file = storeFile('accounts', user);
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, `return {\n\t["password"] = ${quote(password)};\n};\n`);
      return Promise.resolve();
    },
    roster: (user) => readRoster(storeFile('roster', user)),
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

interface ProsodySettings extends Required<XmppServerOptions> {
  readonly c2sPort: number;
  readonly dataDir: string;
  /** The operator's snippet, included as Debian includes conf.d. */
  readonly shippedFile: string;
}

/** The configuration file: what is not for operators, the shipped snippet, and what a test takes away from it. */
function prosodyConfig(settings: ProsodySettings): string {
  return `
run_as_root = true
data_path = ${quote(settings.dataDir)}
certificates = ${quote(settings.dataDir)}
interfaces = { "127.0.0.1" }
c2s_ports = { ${settings.c2sPort} }
modules_enabled = {
  "roster"; "saslauth"; "disco"; "ping"; "version"; "uptime"; "time"; "lastactivity"; "carbons";
  "pep"; "vcard4"; "vcard_legacy"; "private"; "blocklist"; "privilege";
}
network_settings = { nagle = false, min_wait = 1e-6 }
modules_disabled = { "s2s"; "tls" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
log = { { levels = { min = "info" }; to = "console" } }

VirtualHost ${quote(settings.domain)}
Include ${quote(settings.shippedFile)}

VirtualHost ${quote(settings.domain)}
  ${settings.privileges ? '' : 'privileged_entities = {}'}
Component ${quote(settings.componentDomain)}
  component_conflict_resolve = ${quote(settings.conflict)}
Component ${quote(settings.secondComponentDomain)}
  component_secret = ${quote(settings.secret)}
  component_conflict_resolve = ${quote(settings.conflict)}
`;
}

async function isListening(child: Child): Promise<void> {
  await child.waitForLine(/Activated service 'c2s' on \[127/);
  await child.waitForLine(/Activated service 'component' on \[127/);
}

/** A file name as Prosody's data manager makes it: everything but ASCII letters and digits as %xx. */
function encode(name: string): string {
  const isPlain = (byte: number): boolean => /[A-Za-z0-9]/.test(String.fromCharCode(byte));
  return [...Buffer.from(name)]
    .map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`))
    .join('');
}

/** A Lua string literal. */
function quote(text: string): string {
  return `"${text.replace(/[\\"\n\r\0]/g, (c) => `\\${String(c.charCodeAt(0)).padStart(3, '0')}`)}"`;
}

/** Lua reads what Lua wrote, and prints one JSON object per contact. */
const rosterToJson = `
local function json(s) return '"' .. tostring(s or ""):gsub('[%c"\\\\]', function(c) return string.format("\\\\u%04x", c:byte()) end) .. '"' end
for jid, item in pairs(dofile(arg[1])) do
  if type(jid) == "string" and type(item) == "table" and item.subscription then
    local groups = {}
    for group in pairs(item.groups or {}) do groups[#groups + 1] = json(group) end
    table.sort(groups)
    print(string.format('{"jid":%s,"name":%s,"subscription":%s,"isAsking":%s,"groups":[%s]}',
      json(jid), json(item.name), json(item.subscription), tostring(item.ask ~= nil), table.concat(groups, ",")))
  end
end
`;

async function readRoster(file: string): Promise<RosterEntry[]> {
  if (!existsSync(file)) return [];
  const script = join(file, '..', '..', 'roster-to-json.lua');
  writeFileSync(script, rosterToJson);
  const lines = await run('lua5.4', [script, file]);
  // The script above prints exactly this shape.
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RosterEntry);
}
