/**
 * The bursts of presence.ts without a bridge: a bare component in its place tells as many presences, then answers as many
 * probes, at once and with nothing stored. What this takes, and what a message waits meanwhile, is the server's own share.
 */
import { connectComponent } from '../support/xmpp/raw-component';
import type { XmppServer } from '../support/servers';
import { pause, until } from '../support/wait';
import { connectJabberUsers } from './load/jabber-users';
import { body, type Latency } from './load/load';
import { machineMs, percentile } from './load/stats';

export interface BurstWithoutBridge {
  readonly seconds: number;
  readonly messages: Latency & { readonly count: number };
}

const chatPerSecond = 50;
const burstCount = 500;
const deadlineMs = 280_000;

/** `login`: a presence of each contact to each user. `jabber`: all users leave and return, each of their probes is answered. */
export async function measureWithoutBridge(
  server: XmppServer,
  { links, contacts }: { readonly links: number; readonly contacts: number },
): Promise<{ readonly login: BurstWithoutBridge; readonly jabber: BurstWithoutBridge }> {
  const users = await connectJabberUsers(server);
  const component = await connectComponent({
    server,
    domain: server.componentDomain,
    onText(text) {
      if (!/^<presence[^>]*type=["']probe/.test(text)) return;
      const end = (name: string): string => new RegExp(` ${name}=["']([^"']*)`).exec(text)?.[1] ?? '';
      component.send(`<presence from="${end('to')}" to="${end('from')}"/>`);
    },
  });
  const wanted = links * contacts;

  async function tellAll(): Promise<void> {
    for (let i = 0; i < wanted; i += 1) {
      const link = Math.floor(i / contacts);
      component.send(`<presence from="p${(link + i) % contacts}@${component.domain}" to="u${link}@${users.domain}"/>`);
      if (i % burstCount === 0) await component.drained(deadlineMs);
    }
  }

  async function burst(begin: () => Promise<void>, count: () => number): Promise<BurstWithoutBridge> {
    users.latencies();
    const before = users.messageCount();
    const began = machineMs();
    let isOver = false;
    let sent = 0;
    const chat = async (): Promise<void> => {
      while (!isOver) {
        for (; sent < ((machineMs() - began) / 1_000) * chatPerSecond; sent += 1) {
          const to = `u${sent % links}@${users.domain}`;
          component.send(`<message from="p@${component.domain}" to="${to}"><body>${body(sent)}</body></message>`);
        }
        await pause(2);
      }
    };
    const chatting = chat();
    await begin();
    await until(() => count() >= wanted, {
      deadlineMs,
      everyMs: 20,
      what: () => `${wanted} presences, ${count()} came`,
    });
    const seconds = (machineMs() - began) / 1_000;
    isOver = true;
    await chatting;
    await until(() => users.messageCount() - before >= sent, { deadlineMs, what: 'all messages' });
    const ages = users.latencies();
    return { seconds, messages: { count: sent, p50: percentile(ages, 50), p99: percentile(ages, 99) } };
  }

  try {
    const login = await burst(tellAll, users.availableCount);
    const leaveAndReturn = async (): Promise<void> => {
      await users.leave();
      await users.arrive();
    };
    return { login, jabber: await burst(leaveAndReturn, users.answeredCount) };
  } finally {
    await component.close();
    await users.close();
  }
}
