/**
 * The Jabber users of the presence bench, all behind one bare component that is their server: it accepts every request
 * and asks back, remembers each contact's last presence, and does what servers do when users come and go (RFC 6121
 * sections 4.2 and 4.5): one presence, and one probe, to every contact.
 */
import { connectComponent, type RawComponent } from '../../support/xmpp/raw-component';
import type { XmppServer } from '../../support/servers';
import { ageOf } from './load';

export interface JabberUsers {
  readonly domain: string;
  /** contacts that are available now */
  readonly availableCount: () => number;
  /** contacts that have said anything since `ask()` */
  readonly answeredCount: () => number;
  /** presence stanzas so far, from contacts, without requests */
  stanzaCount(): number;
  messageCount(): number;
  /** takes the ages (ms) of the messages since the last call */
  latencies(): number[];
  /** Every user becomes available and probes every contact; resolves when it is written. */
  arrive(): Promise<void>;
  leave(): Promise<void>;
  close(): Promise<void>;
}

/** stanzas written before the server's socket is waited for */
const burstCount = 500;

export async function connectJabberUsers(server: XmppServer): Promise<JabberUsers> {
  const contacts = new Map<string, Set<string>>(); // by user
  const available = new Set<string>();
  let answered = new Set<string>();
  let latencies: number[] = [];
  let stanzas = 0;
  let messages = 0;

  const component: RawComponent = await connectComponent({
    server,
    domain: server.secondComponentDomain,
    onText: (text) => (text.startsWith('<message') ? onMessage(text) : onPresence(text)),
  });

  function onMessage(text: string): void {
    const body = /<body>(\d+\.\d+ [^<]*)<\/body>/.exec(text)?.[1];
    if (body === undefined) return;
    messages += 1;
    latencies.push(ageOf(body));
  }

  function onPresence(text: string): void {
    if (!text.startsWith('<presence')) return;
    const tag = text.slice(0, text.indexOf('>'));
    const value = (name: string): string => {
      const at = tag.indexOf(` ${name}=`) + name.length + 3;
      return at < name.length + 3 ? '' : tag.slice(at, tag.indexOf(tag[at - 1] ?? '"', at));
    };
    const [type, from, to] = [value('type'), value('from'), value('to')];
    if (type === 'subscribe') {
      const ends = `from="${to}" to="${from}"`;
      component.send(`<presence type="subscribed" ${ends}/><presence type="subscribe" ${ends}/>`);
      return;
    }
    if (!from.includes('@') || (type !== '' && type !== 'unavailable')) return; // the gateway itself; a probe
    stanzas += 1;
    const key = `${to} ${from}`;
    answered.add(key);
    if (type === 'unavailable') return void available.delete(key);
    available.add(key);
    const known = contacts.get(to);
    if (known) known.add(from);
    else contacts.set(to, new Set([from]));
  }

  async function broadcast(stanzasFor: (user: string, contact: string) => string): Promise<void> {
    let count = 0;
    for (const [user, all] of contacts) {
      for (const contact of all) {
        component.send(stanzasFor(user, contact));
        count += 1;
        if (count % burstCount === 0) await component.drained(60_000);
      }
    }
    await component.drained(60_000);
  }

  return {
    domain: component.domain,
    availableCount: () => available.size,
    answeredCount: () => answered.size,
    stanzaCount: () => stanzas,
    messageCount: () => messages,
    latencies: () => {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    arrive() {
      answered = new Set();
      return broadcast(
        (user, contact) =>
          `<presence from="${user}/operator" to="${contact}"/><presence type="probe" from="${user}" to="${contact}"/>`,
      );
    },
    leave: () => broadcast((user, contact) => `<presence type="unavailable" from="${user}/operator" to="${contact}"/>`),
    close: () => component.close(),
  };
}
