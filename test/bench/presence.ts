/**
 * The morning login: many links with many contacts each, all at once. First the meeting (everybody subscribes to
 * everybody), then the bridge is stopped and started: how long until every contact's presence is right on the Jabber
 * side, with how many stanzas against the fewest possible, and what a message waits meanwhile.
 */
import { startBridge } from '../support/bridge-process';
import { connectComponent, type RawComponent } from '../support/raw-component';
import type { XmppServer } from '../support/servers';
import { pause, until } from '../support/wait';
import { startFar } from './far-process';
import { ageOf, pace, type Latency, type Stream } from './load';
import { machineMs, rssKib } from './stats';

const farDomain = 'far.test';

export interface StormLoad {
  readonly links: number;
  readonly contacts: number;
}
export interface StormFigures {
  readonly meetingSeconds: number;
  readonly stormSeconds: number;
  /** presence stanzas per contact in the storm; one is the fewest possible */
  readonly stanzasPerContact: number;
  readonly rest: Latency;
  readonly storm: Latency;
  readonly rssKibPerLink: number;
  readonly rssBytesPerContact: number;
}

export async function measureStorm(server: XmppServer, { links, contacts }: StormLoad): Promise<StormFigures> {
  const far = await startFar(farDomain, links, Math.max(contacts, 200), undefined, contacts);
  const view = makeView();
  const users: RawComponent = await connectComponent({
    server,
    domain: server.secondComponentDomain,
    onText: (text) => view.read(text, (answer) => users.send(answer)),
  });
  const bridge = await startBridge({
    xmpp: server,
    ximss: { server: `ximss://127.0.0.1:${far.port}`, domain: farDomain },
    config: { limits: { messagesPerMinute: 1_000_000 }, log: { level: 'info' } },
    deadlineMs: 60_000,
  });
  try {
    const idleKib = rssKib(bridge.pid);
    await bridge.stop();
    const wanted = links * contacts;
    const accounts = Array.from({ length: links }, (_, i) => ({
      jid: `u${i}@${users.domain}`,
      account: `u${i}@${farDomain}`,
      password: 'secret',
    }));
    const right = () =>
      until(() => view.available() >= wanted, {
        deadlineMs: 600_000,
        everyMs: 20,
        what: () => `${wanted} presences, there are ${view.available()}`,
      });

    let began = machineMs();
    await bridge.start({ accounts });
    await right();
    const meetingSeconds = (machineMs() - began) / 1_000;
    await pause(2_000);
    const rssAll = rssKib(bridge.pid) - idleKib;

    const stream: Stream = { send: () => far.send(1, Math.floor(Math.random() * links)), ...view.messages };
    const rest = await pace(stream, 50, 10);

    await bridge.stop();
    await until(() => view.available() === 0, {
      deadlineMs: 120_000,
      everyMs: 20,
      what: () => `all unavailable, ${view.available()} are not`,
    });
    const before = view.stanzas();
    began = machineMs();
    await bridge.start();
    const during = pace(stream, 50, 10);
    await right();
    const stormSeconds = (machineMs() - began) / 1_000;
    const stanzasPerContact = (view.stanzas() - before) / wanted;
    return {
      ...{ meetingSeconds, stormSeconds, stanzasPerContact, rest, storm: await during },
      rssKibPerLink: rssAll / links,
      rssBytesPerContact: (rssAll * 1024) / wanted,
    };
  } finally {
    await bridge.dispose();
    await users.close();
    far.stop();
  }
}

/** What the Jabber users know: they accept every request, ask back, and remember each contact's last presence. */
function makeView() {
  const available = new Set<string>();
  const latencies: number[] = [];
  let arrived = 0;
  let stanzas = 0;
  const value = (name: string, text: string): string =>
    new RegExp(`^<[^>]*?\\s${name}=["']([^"']*)`).exec(text)?.[1] ?? '';

  function read(text: string, answer: (stanza: string) => void): void {
    if (text.startsWith('<message')) {
      const body = /<body>(\d+\.\d+ [^<]*)<\/body>/.exec(text)?.[1];
      if (body === undefined) return;
      arrived += 1;
      latencies.push(ageOf(body));
      return;
    }
    if (!text.startsWith('<presence')) return;
    const [type, from, to] = [value('type', text), value('from', text), value('to', text)];
    if (type === 'subscribe') {
      answer(
        `<presence type="subscribed" from="${to}" to="${from}"/><presence type="subscribe" from="${to}" to="${from}"/>`,
      );
      return;
    }
    if (!from.includes('@')) return; // the gateway itself
    stanzas += type === '' || type === 'unavailable' ? 1 : 0;
    if (type === '') available.add(`${to} ${from}`);
    if (type === 'unavailable') available.delete(`${to} ${from}`);
  }

  return {
    read,
    available: () => available.size,
    stanzas: () => stanzas,
    messages: { arrived: () => arrived, latencies: () => latencies.splice(0) },
  };
}
