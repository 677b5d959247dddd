/**
 * docs/prosody.md and docs/ejabberd.md, followed on Debian's stock configuration: the doctor is content, the bridge gets
 * ready, a user registers and two people chat.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startBridge, type BridgeProcess } from '../support/bridge-process';
import { connect, type JabberClient } from '../support/xmpp/jabber-client';
import { startProcess } from '../support/process';
import { pageNames, startStockEjabberd, startStockProsody, type StockServer } from '../support/servers/stock';
import { xml } from '../support/xmpp/xml';
import { startXimssServer, type XimssServer } from '../support/ximss-server/server';

const root = join(__dirname, '../..');
const farDomain = 'example.net';

/** The `bridge.yaml` of the page. */
function shownConfig(page: string): Record<string, Record<string, unknown>> {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  // The page shows a mapping of mappings; the bridge itself checks the rest.
  return parse(/^`bridge.yaml`:\n\n```yaml\n([^]*?)^```/m.exec(text)?.[1] ?? '') as Record<
    string,
    Record<string, unknown>
  >;
}

describe.each([
  { page: 'prosody.md', start: startStockProsody, rights: /^ok +roster rights/m },
  // Debian's 23.01 grants the rights and cannot use them
  { page: 'ejabberd.md', start: startStockEjabberd, rights: /^(ok|skip) +roster rights .*roster=both/m },
])('docs/$page on the stock configuration', ({ page, start, rights }) => {
  let server: StockServer;
  let ximss: XimssServer;
  let bridge: BridgeProcess;
  let juliet: JabberClient;

  beforeAll(async () => {
    server = await start();
    ximss = await startXimssServer({
      domains: [farDomain],
      accounts: ['juliet', 'romeo'].map((name) => ({ account: `${name}@${farDomain}`, password: `${name}-far` })),
    });
    const { xmpp, ximss: far } = shownConfig(page);
    bridge = await startBridge({
      config: {
        xmpp: { ...xmpp, service: `xmpp://127.0.0.1:${server.componentPort}` },
        ximss: { ...far, server: `ximss://127.0.0.1:${ximss.tcpPort}`, starttls: 'never' },
      },
    });
    await bridge.stop();
  }, 90_000);
  afterAll(async () => {
    await juliet?.close();
    await bridge?.dispose();
    await ximss?.stop();
    await server?.dispose();
  }, 30_000);

  test('the doctor has nothing to say against it', async () => {
    const doctor = await startProcess(process.execPath, [
      join(root, 'dist/main.js'),
      'doctor',
      '--config',
      bridge.configFile,
    ]);
    const { code } = await doctor.exited;
    expect(doctor.log()).toMatch(/^ok +own domain/m);
    expect(doctor.log()).toMatch(rights);
    expect({ code, log: doctor.log() }).toMatchObject({ code: 0 });
  });

  test('the bridge gets ready, a user registers, two people chat', async () => {
    await bridge.start();
    juliet = await connect({ server, user: 'juliet', password: 'her-password' });
    const form = xml(
      'query',
      { xmlns: 'jabber:iq:register' },
      xml('username', {}, `juliet@${farDomain}`),
      xml('password', {}, 'juliet-far'),
    );
    const registered = await juliet.iq('set', form, pageNames.componentDomain, 20_000);
    expect(registered.toString()).toContain('type="result"');
    const romeo = ximss.client(`romeo@${farDomain}`);
    juliet.message(`romeo@${pageNames.componentDomain}`, 'Wherefore art thou?', 'm1');
    await romeo.waitFor((item) => item.kind === 'im' && item.text === 'Wherefore art thou?');
    romeo.sendIM(`juliet@${farDomain}`, 'Here.');
    await juliet.waitFor((stanza) => stanza.text('body') === 'Here.', 10_000);
  });
});
