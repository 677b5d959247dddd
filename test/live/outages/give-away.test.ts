/**
 * The component stream goes from one of our sides to the other under traffic both ways, on real servers. On Prosody nothing is lost,
 * bounced or reordered. On ejabberd what lies between its processes when a connection ends, and what is sent while none is there, is
 * not ours to keep (docs/DELIVERY.md): there the order and the rights are looked at.
 */
import { parseAccount, parseJid, type Account, type BareJid } from '../../../src/core/address';
import { envelopeOf, makeJabberSide, type JabberSide } from '../../support/jabber-side';
import { connectComponent, type RawComponent } from '../../support/xmpp/raw-component';
import { xmppServers } from '../../support/servers';
import type { XmppServer } from '../../support/servers';
import { pause, until } from '../../support/wait';

const romeo = parseAccount('romeo@far.test') as Account; // a good account
const handOversCount = 5;

describe.each(xmppServers)('%s', (kind, start) => {
  let server: XmppServer;
  let load: RawComponent;
  const sides: JabberSide[] = [];

  beforeAll(async () => {
    server = await start();
    await server.register('juliet', 'pw');
    load = await connectComponent({ server, domain: 'load.test' });
  });
  afterAll(async () => {
    for (const { jabber } of sides) await jabber.stop();
    await load?.close();
    await server?.dispose();
  });

  const makeSide = (): JabberSide => {
    const { secret, componentDomain: domain, componentPort } = server;
    const side = makeJabberSide({ service: `xmpp://127.0.0.1:${componentPort}`, secret, domain });
    sides.push(side);
    return side;
  };
  const user = (parseJid('juliet@load.test')?.bare ?? '') as BareJid; // a good JID

  test('handed over under traffic', async () => {
    let current = makeSide();
    await current.jabber.start();
    let sent = 0;
    const inward = async (): Promise<void> => {
      for (; !isOver; sent += 1) {
        const body = `<body>hello</body></message>`;
        load.send(
          `<message from='juliet@load.test/a' to='romeo@${server.componentDomain}' id='i${sent}' type='chat'>${body}`,
        );
        await pause(2);
      }
    };
    let isOver = false;
    let delivered = 0;
    /** What one side could not deliver the next one does, as a lane would. */
    const outward = async (): Promise<void> => {
      while (!isOver) {
        const batch = [envelopeOf(`o${delivered}`, 'hello'), envelopeOf(`o${delivered + 1}`, 'hello')];
        const isDone = await current.jabber.deliver(user, romeo, batch).then(
          () => true,
          () => false,
        );
        if (isDone) delivered += 2;
        else await pause(1);
      }
    };
    const working = Promise.all([inward(), outward()]);
    for (let count = 0; count < handOversCount; count += 1) {
      const next = makeSide();
      next.jabber.prepare();
      await until(() => next.jabber.isPrepared());
      await pause(50); // some traffic between two hand-overs
      const before = current;
      let started: Promise<void> | undefined;
      const unwritten = await before.jabber.giveAway(() => {
        started = next.jabber.start();
      });
      await started;
      next.jabber.write(unwritten);
      current = next;
    }
    await until(() => delivered > 20);
    isOver = true;
    await working;
    const arrived = (): string[] =>
      sides
        .flatMap(({ events }) => events)
        .flatMap(({ event }) => (event.kind === 'message' && event.id !== null ? [event.id] : []));
    load.send(
      `<message from='juliet@load.test/a' to='romeo@${server.componentDomain}' id='i${sent}' type='chat'><body>end</body></message>`,
    );
    await until(() => arrived().at(-1) === `i${sent}`);
    const out = load.stanzas
      .filter(({ name, attrs }) => name === 'message' && attrs['type'] !== 'error')
      .map(({ attrs }) => attrs['id']);
    const bounced = load.stanzas.filter(({ attrs }) => attrs['type'] === 'error').length;
    const numbers = arrived().map((id) => Number(id.slice(1)));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
    const lostCount = sent + 1 - numbers.length;
    expect(out).toEqual(Array.from({ length: delivered }, (_, i) => `o${i}`));
    if (kind === 'prosody') expect({ lostCount, bounced }).toEqual({ lostCount: 0, bounced: 0 });
  });

  test('the side that comes has the rights that the server grants', async () => {
    const jabber = sides.at(-1)?.jabber;
    const juliet = (parseJid('juliet@jabber.test')?.bare ?? '') as BareJid; // a good JID
    await until(() => jabber?.rosterAccess() !== 'none');
    expect(await jabber?.readRoster(juliet, new AbortController().signal)).toEqual([]);
  });
});
