/**
 * `npm run test:compose`: docker-compose.yml as a newcomer would use it, played by two people. For each profile: all
 * comes up healthy, juliet (Jabber) and romeo (the XIMSS test server's echo) become contacts and chat both ways; the
 * bridge is killed with messages under way; Redis is killed; every container is made anew, as by an upgrade; nothing
 * is lost, doubled or out of order; then all is taken down. scripts/test-compose.sh gives it an engine and the images.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type JabberClient } from '../support/xmpp/jabber-client';
import { run } from '../support/process';
import { until } from '../support/wait';

const romeo = 'romeo@ximss.example.org';
const services = ['redis', 'ximss-server', 'bridge'];
const upMs = 90_000;
let profile = 'prosody';
let passed = 0;

async function compose(...args: string[]): Promise<string> {
  return run('docker-compose', ['--profile', profile, ...args], { deadlineMs: 180_000 });
}

async function step(what: string, act: () => Promise<string | void>): Promise<void> {
  const begun = Date.now();
  const said = await act();
  passed += 1;
  console.log(
    `ok    ${profile.padEnd(8)}  ${what}${said ? `: ${said}` : ''} (${((Date.now() - begun) / 1000).toFixed(1)} s)`,
  );
}

/** The state that the engine's health check has found, or `none`. */
async function health(service: string): Promise<string> {
  const label = (name: string, value: string): string[] => ['--filter', `label=com.docker.compose.${name}=${value}`];
  const filters = [...label('project', process.env['COMPOSE_PROJECT_NAME'] ?? ''), ...label('service', service)];
  const id = (await run('docker', ['ps', '-q', ...filters])).trim();
  if (id === '') return 'absent';
  return (await run('docker', ['inspect', '-f', '{{.State.Health.Status}}', id])).trim();
}

async function healthy(): Promise<void> {
  for (const service of [...services, profile]) {
    await until(async () => (await health(service)) === 'healthy', { deadlineMs: upMs, everyMs: 500, what: service });
  }
}

/** The bridge's own word that stream and Redis are there. */
async function ready(): Promise<void> {
  const look = async (): Promise<boolean> => {
    const answer = await fetch('http://127.0.0.1:9114/readyz').catch(() => null);
    await answer?.text();
    return answer?.ok === true;
  };
  await until(look, { deadlineMs: upMs, everyMs: 250, what: 'the bridge to be ready' });
}

async function login(): Promise<JabberClient> {
  let juliet: JabberClient | undefined;
  const server = { host: '127.0.0.1', c2sPort: 5222, domain: 'example.org' };
  const attempt = async (): Promise<boolean> => {
    juliet = await connect({ server, user: 'juliet', password: 'secret', starttls: true }).catch(() => undefined);
    return juliet !== undefined;
  };
  await until(attempt, { deadlineMs: upMs, everyMs: 500, what: 'the login of juliet' });
  if (juliet === undefined) throw new Error('unreachable');
  return juliet;
}

/**
 * Sends `count` words while `disturb` happens, and one more when all is well again. When that one has come back, each of
 * the others has come back once, in order, or was refused once. Neither may only be what the XMPP server had written to
 * a bridge that was killed before it had read it (docs/DELIVERY.md): words within `windowMax` numbers that follow one
 * another. Some between them may be refused: what ejabberd had not yet written when the stream broke.
 */
async function talk(
  juliet: JabberClient,
  count: number,
  disturb?: () => Promise<unknown>,
  windowMax = 0,
): Promise<string> {
  const mark = randomBytes(4).toString('hex');
  const numbers = Array.from({ length: count }, (_, i) => i);
  const disturbance = disturb?.();
  for (const n of numbers) {
    juliet.message(romeo, `${mark} ${n}`, `${mark}-${n}`);
    await sleep(20);
  }
  await disturbance;
  await ready();
  const echoed = (): string[] => {
    const bodies = juliet.stanzas.map((stanza) => stanza.text('body'));
    return bodies.filter((body) => body.startsWith(`echo: ${mark} `)).map((body) => body.split(' ')[2] ?? '');
  };
  let last = 0;
  const cameBack = (): boolean => {
    last += 1; // a refused one is said again
    juliet.message(romeo, `${mark} last${last}`, `${mark}-last${last}`);
    return echoed().some((word) => word.startsWith('last'));
  };
  await until(cameBack, { deadlineMs: 60_000, everyMs: 500, what: 'the last word' });
  const errors = juliet.stanzas.filter(({ name, attrs }) => name === 'message' && attrs['type'] === 'error');
  const refused = new Set(errors.map(({ attrs }) => attrs['id']));
  const words = echoed().filter((word) => !word.startsWith('last'));
  const shown = [...new Set(words)].map(Number);
  const missing = numbers.filter((n) => !shown.includes(n) && !refused.has(`${mark}-${n}`));
  const span = missing.length === 0 ? 0 : Math.max(...missing) - Math.min(...missing) + 1;
  if (span > windowMax) throw new Error(`lost: ${missing.join()}`);
  if (shown.some((n, i) => i > 0 && n <= (shown[i - 1] ?? 0))) throw new Error(`out of order: ${shown.join()}`);
  const both = shown.filter((n) => refused.has(`${mark}-${n}`));
  if (both.length > 0) throw new Error(`echoed and refused: ${both.join()}`);
  const unproven = missing.length > 0 ? `, ${missing.length} in the window of a kill` : '';
  return `${shown.length} of ${count} echoed in order, ${count - shown.length - missing.length} refused, ${words.length - shown.length} repeated${unproven}`;
}

async function play(): Promise<void> {
  await step('all containers are up and healthy', async () => {
    await compose('up', '-d', '--no-build');
    await healthy();
    await ready();
  });
  let juliet = await login();
  await step('two people become contacts', async () => {
    juliet.presence({ to: romeo, type: 'subscribe' });
    const isBoth = async (): Promise<boolean> => {
      // where the bridge may not write rosters, he asks back
      const isAsked = juliet.stanzas.some(({ attrs }) => attrs['type'] === 'subscribe' && attrs['from'] === romeo);
      if (isAsked) juliet.presence({ to: romeo, type: 'subscribed' });
      return (await juliet.roster()).some(({ jid, subscription }) => jid === romeo && subscription === 'both');
    };
    await until(isBoth, { deadlineMs: 30_000, everyMs: 500, what: 'the subscription' });
  });
  await step('they chat both ways', () => talk(juliet, 20));
  const again = (service: string) => async (): Promise<void> => {
    await compose('kill', service);
    await compose('up', '-d', '--no-build');
  };
  await step('the bridge is killed with messages under way', () => talk(juliet, 100, again('bridge'), 10));
  await step('Redis is killed with messages under way', () => talk(juliet, 100, again('redis')));
  await step('every container is made anew', async () => {
    await juliet.close();
    await compose('up', '-d', '--no-build', '--force-recreate');
    await healthy();
    await ready();
    juliet = await login();
    if (!(await juliet.roster()).some(({ jid, subscription }) => jid === romeo && subscription === 'both'))
      throw new Error('the contact is gone');
    return talk(juliet, 20);
  });
  await step('the command is on the path of the image', async () => {
    const said = await compose('exec', '-T', 'bridge', 'xmpp-ximss-bridge', 'doctor');
    return said.trim().split('\n').at(-1);
  });
  await juliet.close();
}

async function main(): Promise<void> {
  for (profile of process.argv.length > 2 ? process.argv.slice(2) : ['prosody', 'ejabberd']) {
    try {
      await play();
    } catch (error) {
      console.log((await compose('logs', '--tail', '40', 'bridge').catch(() => '')).slice(-6_000));
      throw error;
    } finally {
      await compose('down', '-v');
    }
  }
  console.log(`\n${passed} passed, 0 failed`);
}

main().catch((error: unknown) => {
  console.log(
    `FAIL  ${profile}  ${error instanceof Error ? error.message : String(error)}\n\n${passed} passed, 1 failed`,
  );
  process.exitCode = 1;
});
