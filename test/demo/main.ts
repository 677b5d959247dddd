/**
 * `npm run demo`: a Jabber user and a XIMSS user chat through the real bridge, a real XMPP server and a real Redis, and
 * each hop is shown as it happens. `--ejabberd` takes ejabberd instead of Prosody; `--keep` leaves everything running;
 * `--verbose` shows the whole XML.
 */
import { startBridge } from '../support/bridge-process';
import { connect, type JabberClient } from '../support/xmpp/jabber-client';
import { startEjabberd, startProsody } from '../support/servers';
import { until } from '../support/wait';
import { xml, type Element } from '../support/xmpp/xml';
import { startXimssServer, type Actor } from '../support/ximss-server/server';
import { print } from './print';

const registerNs = 'jabber:iq:register';
const farDomain = 'cgp.example';
const isKept = process.argv.includes('--keep');
const isEjabberd = process.argv.includes('--ejabberd');
const undo: (() => Promise<unknown>)[] = [];

async function main(): Promise<void> {
  await print.act('Starting what a real site has');
  const xmpp = await (isEjabberd ? startEjabberd() : startProsody());
  undo.push(() => xmpp.dispose());
  print.done(
    `${xmpp.kind} serves ${xmpp.domain}, clients on port ${xmpp.c2sPort}, components on ${xmpp.componentPort}`,
  );
  const ximss = await startXimssServer({
    domains: [farDomain],
    accounts: [
      { account: `juliet@${farDomain}`, password: 'capulet', realName: 'Juliet Capulet' },
      { account: `romeo@${farDomain}`, password: 'montague', realName: 'Romeo Montague' },
      { account: `nurse@${farDomain}`, password: 'household', realName: 'Angelica' },
      { account: `mercutio@${farDomain}`, password: 'queen-mab', realName: 'Mercutio' },
    ],
  });
  undo.push(() => ximss.stop());
  print.done(`the XIMSS test server serves ${farDomain} on port ${ximss.tcpPort}`);
  await xmpp.register('juliet', 'balcony');
  const bridge = await startBridge({
    xmpp,
    ximss: { server: `ximss://127.0.0.1:${ximss.tcpPort}`, domain: farDomain },
    config: { log: { level: 'info' } },
  });
  undo.push(() => bridge.dispose());
  print.done(`the bridge is ready as ${xmpp.componentDomain}, with a Redis of its own`);
  print.done(`its health is on http://127.0.0.1:${bridge.httpPort}/readyz`);

  const romeo = ximss.client(`romeo@${farDomain}`);
  const juliet = await connect({
    server: xmpp,
    user: 'juliet',
    password: 'balcony',
    onStanza: (stanza) => {
      const [from = ''] = stanza.attrs['from']?.split('/') ?? [];
      if (from.endsWith(xmpp.componentDomain)) print.hop('Jabber → juliet', stanza.toString());
    },
  });
  undo.push(() => juliet.close());
  ximss.onDocument(({ dir, account, xml: text }) => {
    if (account === `juliet@${farDomain}` && !/^<(response|noop|features)\b/.test(text)) {
      print.hop(dir === 'in' ? 'bridge → XIMSS' : 'XIMSS → bridge', text);
    }
  });

  const household = ximss.client(`juliet@${farDomain}`);
  household.rosterSet(`nurse@${farDomain}`, { name: 'The Nurse', groups: ['Household'] });
  const angelica = ximss.client(`nurse@${farDomain}`);
  household.subscribe(angelica.account);
  angelica.subscribed(household.account);
  household.close();

  await register(juliet, xmpp.componentDomain);
  await until(() => ximss.sessions().some((one) => one.isBound && one.account.startsWith('juliet@')), {
    what: 'the XIMSS session',
  });
  const nurse = `nurse@${xmpp.componentDomain}`;
  if (isEjabberd) {
    await print.act(
      'The contacts of the XIMSS account arrive as requests: this ejabberd cannot write rosters for a component',
    );
    await juliet.waitFor(isFrom(nurse, 'subscribe'), 30_000);
    say(juliet, nurse, 'subscribed');
    print.done('Juliet accepts the Nurse');
  } else {
    await print.act('The contacts of the XIMSS account appear in the roster of the Jabber server (XEP-0356)');
    await until(async () => (await rosterLine(juliet, nurse)).includes('Household'), {
      deadlineMs: 15_000,
      what: 'the contact',
    });
    print.done(`Juliet's roster has ${await rosterLine(juliet, nurse)}`);
  }
  await converse(juliet, romeo, `romeo@${xmpp.componentDomain}`);
  await meet(juliet, romeo, `romeo@${xmpp.componentDomain}`);
  await befriend(juliet, ximss.client(`mercutio@${farDomain}`), `mercutio@${xmpp.componentDomain}`);

  if (!isKept) return;
  echo(romeo);
  await print.act('Everything is left running (Ctrl-C ends it)');
  print.note(
    `Jabber client: server 127.0.0.1 port ${xmpp.c2sPort} (no encryption), user juliet@${xmpp.domain}, password balcony`,
  );
  print.note(`then write to romeo@${xmpp.componentDomain}; he repeats what he reads.`);
  print.note(`XIMSS client: 127.0.0.1 port ${ximss.tcpPort}, romeo@${farDomain}, password montague`);
  print.note(`bridge: configuration ${bridge.configFile}, metrics http://127.0.0.1:${bridge.httpPort}/metrics`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
}

async function register(juliet: JabberClient, component: string): Promise<void> {
  await print.act('Juliet links her XIMSS account (XEP-0077)');
  const wrong = form('not-her-password');
  print.hop('juliet → Jabber', `<iq type="set" to="${component}">… a wrong password …</iq>`);
  const refusal = await juliet.iq('set', wrong, component, 20_000);
  if (refusal.attrs['type'] !== 'error') throw new Error('a wrong password was accepted');
  print.hop('juliet → Jabber', `<iq type="set" to="${component}">… the right one …</iq>`);
  const done = await juliet.iq('set', form('capulet'), component, 20_000);
  if (done.attrs['type'] !== 'result') throw new Error(`registration failed: ${done.toString()}`);
  print.done('linked; the credentials were tried at once, and the wrong ones refused');
}

const form = (password: string) =>
  xml('query', { xmlns: registerNs }, xml('username', {}, `juliet@${farDomain}`), xml('password', {}, password));

async function converse(juliet: JabberClient, romeo: Actor, ghost: string): Promise<void> {
  const toRomeo = async (text: string, id: string): Promise<void> => {
    const receipt = xml('request', { xmlns: 'urn:xmpp:receipts' });
    print.hop(
      'juliet → Jabber',
      xml('message', { to: ghost, type: 'chat', id }, xml('body', {}, text), receipt).toString(),
    );
    juliet.message(ghost, text, id, { children: [receipt] });
    await romeo.waitFor((item) => item.kind === 'im' && item.text === text);
    await juliet.waitFor((stanza) => stanza.child('received', 'urn:xmpp:receipts')?.attrs['id'] === id);
    print.done(`Romeo reads: ${text}`);
  };
  const toJuliet = async (text: string): Promise<void> => {
    romeo.sendIM(`juliet@${farDomain}`, text);
    await juliet.waitFor((stanza) => stanza.text('body') === text);
    print.done(`Juliet reads: ${text}`);
  };

  await print.act('Juliet, on Jabber, writes to Romeo, on XIMSS');
  await toRomeo('Wherefore art thou Romeo? 🌹', 'demo-1');
  await print.act('Romeo types and answers');
  romeo.sendIM(`juliet@${farDomain}`, '', { state: 'composing' });
  await juliet.waitFor((stanza) => stanza.child('composing') !== undefined);
  await toJuliet('Call me but love & I’ll be <new> baptised');
  await print.act('Both scripts of the world');
  await toRomeo('Привет שלום 👩‍👩‍👧', 'demo-2');
  await toJuliet('До завтра!');
}

const shown = (stanza: Element): string => stanza.text('show') || (stanza.attrs['type'] ?? 'available');
const isFrom = (who: string, what: string) => (stanza: Element) =>
  stanza.name === 'presence' && (stanza.attrs['from'] ?? '').startsWith(who) && shown(stanza) === what;

/** A friend request from Jabber; then the contact's presence as it changes. */
async function meet(juliet: JabberClient, romeo: Actor, ghost: string): Promise<void> {
  await print.act('Juliet adds Romeo to her contacts and asks for his presence; he agrees');
  romeo.setPresence('online');
  await nameContact(juliet, ghost, 'Romeo Montague');
  say(juliet, ghost, 'subscribe');
  await romeo.waitFor((item) => item.kind === 'verb' && item.type === 'subscribe');
  romeo.subscribed(`juliet@${farDomain}`);
  await juliet.waitFor(isFrom(ghost, 'subscribed'));
  await juliet.waitFor(isFrom(ghost, 'available'));
  print.done(`Romeo is a contact: ${await rosterLine(juliet, ghost)}`);
  await print.act('Romeo goes away, is busy, goes home');
  for (const [value, show] of [
    ['away', 'away'],
    ['busy', 'dnd'],
    ['offline', 'unavailable'],
  ] as const) {
    juliet.clear();
    romeo.setPresence(value, value === 'busy' ? 'on the balcony' : '');
    await juliet.waitFor(isFrom(ghost, show));
    print.done(`Juliet sees him ${show}`);
  }
  romeo.setPresence('online');
}

/** A friend request from XIMSS. The contact appears in her own server's roster, with name and group. */
async function befriend(juliet: JabberClient, mercutio: Actor, ghost: string): Promise<void> {
  await print.act('Mercutio, on XIMSS, asks for Juliet; she agrees and asks back');
  mercutio.subscribe(`juliet@${farDomain}`);
  await juliet.waitFor(isFrom(ghost, 'subscribe'));
  await nameContact(juliet, ghost, 'Mercutio');
  say(juliet, ghost, 'subscribed');
  await mercutio.waitFor((item) => item.kind === 'verb' && item.type === 'subscribed');
  say(juliet, ghost, 'subscribe');
  await mercutio.waitFor((item) => item.kind === 'verb' && item.type === 'subscribe');
  mercutio.subscribed(`juliet@${farDomain}`);
  await juliet.waitFor(isFrom(ghost, 'subscribed'));
  print.done(`Mercutio is a contact: ${await rosterLine(juliet, ghost)}`);
}

function say(juliet: JabberClient, to: string, type: 'subscribe' | 'subscribed'): void {
  print.hop('juliet → Jabber', xml('presence', { to, type }).toString());
  juliet.presence({ to, type });
}

/** What a client does first when its user adds a contact (RFC 6121 section 2.3). */
async function nameContact(juliet: JabberClient, jid: string, name: string): Promise<void> {
  await juliet.iq('set', xml('query', { xmlns: 'jabber:iq:roster' }, xml('item', { jid, name })));
}

async function rosterLine(juliet: JabberClient, ghost: string): Promise<string> {
  const item = (await juliet.roster()).find(({ jid }) => jid === ghost);
  return item
    ? `${item.name} <${item.jid}>, ${item.groups.length > 0 ? `in ${item.groups.join(', ')}, ` : ''}subscription ${item.subscription}`
    : 'not in the roster';
}

function echo(romeo: Actor): void {
  let seen = romeo.received.length;
  const timer = setInterval(() => {
    for (; seen < romeo.received.length; seen += 1) {
      const item = romeo.received[seen];
      if (item?.kind === 'im' && item.text !== '') romeo.sendIM(item.peer, `You wrote: ${item.text}`);
    }
  }, 200);
  undo.push(() => Promise.resolve(clearInterval(timer)));
}

/** What was shown, and what to do next. */
async function summary(): Promise<void> {
  await print.act('That was all of it, and everything that was started is stopped');
  print.note('Linked an account, a wrong password refused; a contact list carried over; messages and');
  print.note('receipts both ways; typing; presence; contact requests from both sides.');
  print.note('');
  print.note('Next: npm run demo -- --keep      leaves it running, for a client of your own');
  print.note('      npm run demo -- --verbose   shows the whole XML');
  print.note('      README.md                   connects the bridge to your own servers');
}

/** Stops everything that was started, the last first. */
async function stop(): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}

main()
  .then(async () => {
    await stop();
    if (!isKept) await summary();
  })
  .catch(async (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
    await stop();
  });
