/**
 * What ships around the program: image, compose file, systemd unit, DOAP. No Docker engine is needed: the files are
 * held against each other and against the repository, so that none names what is not there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import sax from 'sax';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadConfig, parseXmppService, parseXimssServer, parseListen } from '../../src/config';
import { dialectOptions } from '../../src/ximss/protocol/dialect';
import { startProcess } from '../support/process';

const root = join(__dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const exists = (path: string): boolean => existsSync(join(root, path));

const service = z.looseObject({
  profiles: z.array(z.string()),
  build: z.union([z.string(), z.strictObject({ context: z.string(), target: z.string() })]).optional(),
  image: z.string().optional(),
  command: z.array(z.string()).optional(),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_healthy') })).default({}),
  networks: z.strictObject({ default: z.strictObject({ aliases: z.array(z.string()) }) }).optional(),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
});
const compose = z
  .object({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) }) // and x-…: what several services share
  .parse(parse(read('docker-compose.yml'), { merge: true }));
const services = Object.entries(compose.services);
/** as docker-compose.yml sets them, with the files where they lie in the repository */
const secretFiles = {
  BRIDGE_XMPP_SECRET_FILE: join(root, 'docker/secrets/component'),
  BRIDGE_HTTP_TOKEN_FILE: join(root, 'docker/secrets/token'),
};
const bridge = loadConfig({ path: join(root, 'docker/bridge.yaml'), env: secretFiles, dialect: dialectOptions });

describe('docker-compose.yml', () => {
  test.each(services)('%s is built from or is something that exists', (_, { build, image }) => {
    expect([build, image].filter((source) => source !== undefined)).toHaveLength(1);
    if (build === undefined) return;
    const context = typeof build === 'string' ? build : build.context;
    const dockerfile = join(context, 'Dockerfile');
    expect(exists(dockerfile)).toBe(true);
    if (typeof build !== 'string') expect(read(dockerfile)).toMatch(new RegExp(`^FROM \\S+ AS ${build.target}$`, 'm'));
  });

  test.each(services)('%s mounts files of the repository or declared volumes', (_, { volumes }) => {
    for (const [source = ''] of volumes.map((volume) => volume.split(':'))) {
      if (source.startsWith('.')) expect({ source, exists: exists(source) }).toEqual({ source, exists: true });
      else expect(compose.volumes).toHaveProperty(source);
    }
  });

  test.each(services)(
    '%s waits only for services of its profiles that have a health check',
    (_, { depends_on: dependsOn, profiles }) => {
      for (const name of Object.keys(dependsOn)) {
        expect(compose.services[name]?.healthcheck).toBeDefined();
        const alone = profiles.filter((profile) => profile !== 'scale'); // which is added to one of the others
        expect(compose.services[name]?.profiles).toEqual(expect.arrayContaining(alone));
      }
    },
  );

  test.each(services)('%s publishes on the loopback only', (_, { ports }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('Redis has the settings without which the bridge refuses or warns', () => {
    expect(compose.services['redis']?.command?.join(' ')).toContain(
      '--appendonly yes --appendfsync always --maxmemory-policy noeviction',
    );
  });

  test('the hosts of the bridge are services or aliases of each profile', () => {
    for (const profile of ['prosody', 'ejabberd']) {
      const names = services
        .filter(([, { profiles }]) => profiles.includes(profile))
        .flatMap(([name, { networks }]) => [name, ...(networks?.default.aliases ?? [])]);
      expect(names).toContain(parseXmppService(bridge.xmpp.service)?.host);
      expect(names).toContain(parseXimssServer(bridge.ximss.server)?.host);
      expect(names).toContain(new URL(bridge.redis.url ?? '').hostname);
    }
  });

  test('the accounts of the bridge are those of the test server', () => {
    const command = compose.services['ximss-server']?.command ?? [];
    expect(command).toContain(`--domain=${bridge.ximss.domain}`);
    expect(command).toContain(`--port=${parseXimssServer(bridge.ximss.server)?.port}`);
    for (const { account, password } of bridge.accounts) {
      expect(command.join('\n')).toContain(`--account=${account}:${password}:`);
    }
  });

  test('the health check of the image asks the port that the bridge listens on', () => {
    expect(read('Dockerfile')).toContain(
      `HEALTH_URL=http://127.0.0.1:${parseListen(bridge.http.listen)?.port}/healthz`,
    );
  });
});

test('the health check of the image: alive at 200 only, dead where nobody listens', async () => {
  let status = 200;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(status).end('said');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const check = async (): Promise<number | null> => {
    const env = { HEALTH_URL: `http://127.0.0.1:${port}/healthz` };
    return (await (await startProcess(join(root, 'docker/healthy'), [], { env })).exited).code;
  };
  expect(await check()).toBe(0);
  status = 503;
  expect(await check()).not.toBe(0);
  expect(asked).toEqual(['/healthz', '/healthz']);
  await new Promise((resolve) => server.close(resolve));
  expect(await check()).not.toBe(0);
});

describe.each(['config/prosody.cfg.lua', 'config/ejabberd.yml'])('%s', (path) => {
  test('has the domain and the secret of docker/bridge.yaml, and the default port', () => {
    const text = read(path);
    expect(text).toContain(bridge.xmpp.domain);
    expect(text).toContain(bridge.xmpp.secret);
    expect(text).toContain(String(parseXmppService(bridge.xmpp.service)?.port));
  });
});

test('the ejabberd image opens the listener that the shipped file keeps on the loopback', () => {
  const replaced = /sed "s\/(.*?)\/(.*?)\/"/.exec(read('docker/ejabberd/start.sh'));
  expect(read('config/ejabberd.yml').split(replaced?.[1] ?? '-').length).toBe(2);
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile').replace(/\\\n/g, ' ');
  const ignored = read('.dockerignore').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1)); // prettier-ignore
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources = '']) =>
    sources.split(' '),
  );

  test('copies something', () => {
    expect(copied.length).toBeGreaterThan(8);
  });
  test.each(copied)('%s exists and is sent to the build', (source) => {
    expect(exists(source)).toBe(true);
    expect(ignored).toContain(source);
  });
  test('what leaves the build is what package.json starts', () => {
    const { bin } = z.looseObject({ bin: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));
    const [[name = '', file = ''] = []] = Object.entries(bin);
    expect(dockerfile).toContain(`ln -s /app/${file} /usr/local/bin/${name}`);
    expect(dockerfile).toContain(`ENTRYPOINT ["${name}"]`);
  });
  test('no process in it is root', () => {
    const stages = dockerfile.split(/^FROM /m).filter((stage) => /^ENTRYPOINT|^CMD/m.test(stage));
    expect(stages.length).toBe(2);
    for (const stage of stages) expect(stage).toMatch(/^USER node$/m);
  });
});

test('the Debian package finds the lines that it changes', () => {
  const patterns = [...read('scripts/deb.sh').matchAll(/-e 's\|([^|]+)\|[^|]+\|'/g)].map(([, pattern = '']) => pattern);
  const changed = ['packaging/systemd/xmpp-ximss-bridge.service', 'config/bridge.example.yaml'].map(read).join('\n');
  expect(patterns).toHaveLength(3);
  for (const pattern of patterns) expect(changed).toMatch(new RegExp(pattern, 'm'));
});

test('a stop may take what the command line gives it under each manager', () => {
  const stopSeconds = Number(/^const stopMs = (\d+)_000;/m.exec(read('src/run.ts'))?.[1]);
  const given = [
    /^TimeoutStopSec=(\d+)$/m.exec(read('packaging/systemd/xmpp-ximss-bridge.service'))?.[1],
    /stop_grace_period: (\d+)s/.exec(read('docker-compose.yml'))?.[1],
    /--stop-timeout (\d+)/.exec(read('docs/INSTALLING.md'))?.[1],
  ];
  for (const seconds of given) expect(Number(seconds)).toBeGreaterThan(stopSeconds);
});

test('the template unit is as guarded as the unit of one bridge', () => {
  const linesOf = (name: string): readonly string[] =>
    read(`packaging/systemd/${name}`).split('\n\n').slice(1).join('\n').split('\n');
  const template = linesOf('xmpp-ximss-bridge@.service');
  const others = linesOf('xmpp-ximss-bridge.service').filter(
    (line) => !line.startsWith('#') && !template.includes(line),
  );
  expect(others.map((line) => line.split('=').slice(0, 2).join('='))).toEqual([
    'Description=Bridge between XMPP (Jabber) and XIMSS (CommuniGate Pro)',
    'Environment=BRIDGE_DATA_DIR',
    'StateDirectory=xmpp-ximss-bridge',
  ]);
});

test('the systemd unit starts the command that exists', () => {
  const unit = read('packaging/systemd/xmpp-ximss-bridge.service');
  expect(unit).toMatch(/^ExecStart=node .*\/dist\/main\.js run --config \S+$/m);
  expect(unit).toMatch(/^RestartPreventExitStatus=2$/m);
});

describe('doap.xml', () => {
  const doap = read('doap.xml');
  const numbers = [...doap.matchAll(/xep-(\d{4})\.html/g)].map(([, number = '']) => number);
  const sources = ['src/xmpp', 'src/bridge', 'src/core']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .filter((file) => file.endsWith('.ts') && !file.endsWith('/ns.ts'))
    .map((file) => read(file).replace(/\/\*[^]*?\*\/|\/\/.*/g, ''))
    .join('\n');
  /** What stands in the code, comments aside, when a XEP is implemented. */
  const evidence: Readonly<Record<string, string>> = {
    '0004': 'ns.form',
    '0012': 'ns.lastActivity',
    '0030': 'ns.discoInfo',
    '0050': 'ns.commands',
    '0054': 'ns.vcard,',
    '0055': 'ns.search',
    '0059': 'ns.rsm',
    '0066': 'ns.oob',
    '0071': 'ns.xhtmlIm',
    '0077': 'ns.register',
    '0082': 'parseDateTime',
    '0084': 'ns.avatarData',
    '0085': 'ns.chatStates',
    '0092': 'ns.version',
    '0100': 'ns.gateway',
    '0106': 'escapeLocal',
    '0114': "from '@xmpp/component'",
    '0115': 'ns.caps',
    '0153': 'ns.vcardUpdate',
    '0172': 'ns.nick',
    '0184': 'ns.receipts',
    '0199': 'ns.ping',
    '0202': 'ns.time',
    '0203': 'ns.delay',
    '0224': 'ns.attention',
    '0292': 'ns.vcard4',
    '0308': 'ns.correct',
    '0333': 'ns.markers',
    '0334': 'ns.hints',
    '0356': 'ns.privilege2',
    '0359': 'ns.stanzaIds',
    '0380': 'ns.encryption',
    '0424': 'ns.retract1',
    '0428': 'ns.fallback',
    '0444': 'ns.reactions',
    '0461': 'ns.reply',
  };

  test('is well-formed XML', () => {
    const parser = sax.parser(true);
    let problem: Error | null = null;
    parser.onerror = (error) => void (problem ??= error);
    parser.write(doap).close();
    expect(problem).toBeNull();
  });
  test('lists each XEP once, in order', () => {
    expect(numbers).toEqual([...new Set(numbers)].sort());
    expect(numbers.length).toBeGreaterThan(5);
  });
  test.each(numbers)('XEP-%s stands in the code', (number) => {
    expect(evidence).toHaveProperty(number);
    expect(sources).toContain(evidence[number]);
  });
});
