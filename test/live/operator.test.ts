/**
 * What the operator and the user see, through the real bridge: a refusal becomes a dead letter with its history, is sent
 * again and arrives; waiting, delivered and dead messages are found by any of their ids; commands over the wire.
 */
import { nodeOf } from '../../src/bridge/commands/admin';
import { adminNames } from '../../src/core/admin/table';
import type { JabberClient } from '../support/xmpp/jabber-client';
import { startRig, type Rig } from '../support/rig';
import { xmppServers } from '../support/servers';
import { until } from '../support/wait';
import { xml, type Element } from '../support/xmpp/xml';

const commandsNs = 'http://jabber.org/protocol/commands';
type Json = Readonly<Record<string, unknown>>;
interface Found extends Json {
  readonly place: string;
  readonly envelopeId: string;
  readonly lane: string;
}

describe.each(xmppServers)('the operator on %s', (_name, start) => {
  let rig: Rig;
  let juliet: JabberClient;
  let admin: JabberClient;
  beforeAll(async () => {
    rig = await startRig({ start, config: { access: { admins: ['admin@jabber.test'] } } });
    await rig.xmpp.register('admin', 'jabber-secret');
    juliet = await rig.juliet.login();
    admin = await rig.juliet.login({ user: 'admin' });
    await isOnline(true);
  }, 60_000);
  afterAll(() => rig.dispose());

  const url = (path: string) => `http://127.0.0.1:${rig.bridge.httpPort}${path}`;
  const get = async (path: string): Promise<Json> => (await (await fetch(url(path))).json()) as Json; // our own answers
  const post = async (path: string, body: object): Promise<Json> => {
    const headers = { 'content-type': 'application/json' };
    return (await (await fetch(url(path), { method: 'POST', headers, body: JSON.stringify(body) })).json()) as Json; // our own answers
  };
  const entries = async (path: string): Promise<readonly Json[]> => (await get(path))['entries'] as readonly Json[]; // as above
  const trace = async (id: string, user = '') =>
    (await entries(`/api/trace?id=${encodeURIComponent(id)}&user=${user}`)) as readonly Found[]; // as above
  const isOnline = (wanted: boolean) =>
    until(async () => (await entries('/api/links/list')).every((link) => (link['status'] === 'online') === wanted), {
      deadlineMs: 30_000,
      what: `the session ${wanted ? 'online' : 'down'}`,
    });
  const romeoGot = (text: string) => rig.romeo.of('im').filter((item) => item.text === text).length;
  const bodyOf = (id: string) => juliet.stanzas.filter((one) => one.attrs['id'] === id);

  /** Runs a command, fills in one form after the other, returns the last answer. */
  async function command(client: JabberClient, node: string, forms: Record<string, string>[] = []): Promise<Element> {
    const send = async (attrs: Record<string, string>, ...children: Element[]) => {
      const answer = await client.iq(
        'set',
        xml('command', { xmlns: commandsNs, node, ...attrs }, ...children),
        'ximss.test',
      );
      const found = answer.child('command');
      if (!found) throw new Error(`no command in ${answer.toString()}`);
      return found;
    };
    let answer = await send({ action: 'execute' });
    for (const form of forms) {
      const fields = Object.entries(form).map(([name, value]) => xml('field', { var: name }, xml('value', {}, value)));
      const filled = xml('x', { xmlns: 'jabber:x:data', type: 'submit' }, ...fields);
      answer = await send({ action: 'complete', sessionid: answer.attrs['sessionid'] ?? '' }, filled);
    }
    return answer;
  }
  const listed = async (client: JabberClient): Promise<readonly (string | undefined)[]> => {
    const query = xml('query', { xmlns: 'http://jabber.org/protocol/disco#items', node: commandsNs });
    const answer = await client.iq('get', query, 'ximss.test');
    return (answer.child('query')?.elements('item') ?? []).map((item) => item.attrs['node']);
  };

  test('the page is there, and so is what it loads', async () => {
    for (const path of ['/', '/console.js', '/console.css']) {
      const answer = await fetch(url(path));
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    }
    expect(await get('/api/status')).toMatchObject({ isStreamUp: true, isStoreUp: true, links: { total: 1 } });
  });

  test('a refusal becomes a dead letter with its history; sent again it arrives, once', async () => {
    rig.ximss.faults.add({ request: 'sendIM', action: 'refuse', errorNum: 77, errorText: 'mailbox is shut' });
    juliet.message(rig.ghost, 'please again', 'op-1');
    const error = await juliet.waitFor((one) => one.attrs['type'] === 'error' && one.attrs['id'] === 'op-1');
    expect(error.child('error')?.text('text')).toContain('mailbox is shut');
    const [letter] = await until(async () => {
      const list = await entries('/api/dead/list');
      return list.length > 0 ? list : null;
    });
    expect(letter).toMatchObject({
      direction: 'toFar',
      user: juliet.bare,
      peer: 'romeo@far.test',
      envelope: { messageId: 'op-1', kind: 'message', attempts: 1, fault: { code: 'refused', number: 77 } },
    });
    expect((letter?.['envelope'] as Json)['history']).toMatchObject([{ code: 'refused' }]); // asserted just above
    expect(JSON.stringify(letter)).not.toContain('please again');
    const id = String(letter?.['id']);
    expect(await get(`/api/dead/show?id=${id}`)).toMatchObject({ text: 'please again' });
    const [dead] = await trace('op-1', juliet.bare);
    expect(dead).toMatchObject({ place: 'dead', letterId: id });

    expect(await post('/api/dead/resend', { ids: [id] })).toEqual({ done: 1, failed: [] });
    await until(() => romeoGot('please again') === 1, { what: 'the letter that was sent again' });
    await until(async () => (await trace('op-1', juliet.bare))[0]?.place === 'gone', { what: 'its trace' });
    expect(await entries('/api/dead/list')).toEqual([]);
    expect(bodyOf('op-1')).toHaveLength(1);
    expect(rig.bridge.output()).not.toContain('please again');
  });

  test('waiting, delivered, dead: each is found by the id of its sender and by that of its envelope', async () => {
    juliet.message(rig.ghost, 'delivered one', 'op-2');
    await until(() => romeoGot('delivered one') === 1);
    juliet.message('nobody@ximss.test', 'dead one', 'op-3');
    await juliet.waitFor((one) => one.attrs['type'] === 'error' && one.attrs['id'] === 'op-3');
    await rig.ximss.stop();
    await isOnline(false);
    juliet.message(rig.ghost, 'waiting one', 'op-4');
    juliet.message(rig.ghost, 'waiting two', 'op-5');
    const places = { 'op-2': 'gone', 'op-3': 'dead', 'op-4': 'waiting', 'op-5': 'waiting' };
    for (const [id, place] of Object.entries(places)) {
      const found = await until(async () => {
        const all = await trace(id, juliet.bare);
        return all[0]?.place === place ? all : null;
      });
      expect(found).toHaveLength(1);
      expect(await trace(id)).toEqual(found);
      const [first] = found;
      expect(await trace(first?.envelopeId ?? '')).toMatchObject([{ place, lane: first?.lane }]);
      expect(await trace(id, 'someone@jabber.test')).toEqual([]);
    }
    await until(async () => {
      const [second] = await trace('op-5');
      const [lane] = await entries(`/api/lanes?user=${juliet.bare}`);
      const oldest = lane?.['oldest'] as Json | null; // our own answer
      return (
        second?.['ahead'] === 1 &&
        lane?.['waiting'] === 2 &&
        oldest?.['messageId'] === 'op-4' &&
        oldest['fault'] !== null
      );
    });
    const where = await command(juliet, 'where', [{ id: 'op-5' }]);
    expect(where.text('note')).toContain('waiting, 1 before it');
    const newest = await command(juliet, 'where', [{}]);
    expect(newest.text('note')).toContain('romeo@far.test; waiting, 2 in line');
    const status = await command(juliet, 'status');
    expect(status.text('note')).toContain('Waiting: 2, in 1 conversation(s).');
    const page = await (await fetch(url('/metrics'))).text();
    expect(page).toContain('bridge_envelopes_waiting 2\n');
    expect(page).toContain('bridge_lanes_waiting 1\n');
    expect(page).toContain('bridge_dead_letters 1\n');

    await rig.ximss.start();
    await until(() => romeoGot('waiting two') === 1, { deadlineMs: 30_000, what: 'what waited' });
    await until(async () => (await trace('op-5'))[0]?.place === 'gone');
    await isOnline(true);
  }, 90_000);

  test('one envelope id through both wires and the log', async () => {
    rig.romeo.sendIM('juliet@far.test', 'follow me');
    const stanza = await juliet.waitFor((one) => one.text('body') === 'follow me');
    const id = stanza.attrs['id'] ?? '';
    await until(async () => (await trace(id, juliet.bare))[0]?.place === 'gone');
    const logged = async (env: string | undefined): Promise<unknown[]> => {
      await rig.bridge.waitForLog((line) => line['env'] === env && line['msg'] === 'delivered'); // it leaves the lane first
      return rig.bridge.logs.filter((line) => line['env'] === env).map((line) => line['msg']);
    };
    expect(await logged(id)).toEqual(['accepted', 'delivered']);
    juliet.message(rig.ghost, 'follow me back', 'op-6');
    const [found] = await until(async () => {
      const all = await trace('op-6', juliet.bare);
      return all[0]?.place === 'gone' ? all : null;
    });
    expect(await logged(found?.envelopeId)).toEqual(['accepted', 'delivered']);
    const ids = [found?.envelopeId ?? 'none', 'op-6'];
    expect(
      rig.ximss.log.list().some(({ xml: document }) => ids.some((one) => document.includes(`iqid="${one}"`))),
    ).toBe(true);
  });

  test('commands: a user sees their own, an admin those of the operators', async () => {
    expect(await listed(juliet)).toEqual(['where', 'status', 'preferences', 'link', 'unlink']);
    const all = await listed(admin);
    expect(all.filter((node) => node?.startsWith('admin/'))).toEqual(adminNames.map(nodeOf));
    const query = xml('command', { xmlns: commandsNs, node: 'admin/links/list', action: 'execute' });
    const refused = await juliet.iq('set', query, 'ximss.test');
    expect(refused.child('error')?.child('forbidden')).toBeDefined();
  });

  test('an admin finds the dead letter, reads it and drops it', async () => {
    juliet.message('nobody@ximss.test', 'dead two', 'op-7');
    await juliet.waitFor((one) => one.attrs['type'] === 'error' && one.attrs['id'] === 'op-7');
    const letters = await command(admin, 'admin/dead/show');
    const id = letters.child('x')?.elements('field')[0]?.elements('option')[0]?.text('value') ?? '';
    const shown = await command(admin, 'admin/dead/show', [{ id }]);
    expect(shown.text('note')).toContain('dead two');
    const dropped = await command(admin, 'admin/dead/drop', [{ ids: id }]);
    expect(dropped.child('note')?.attrs['type']).toBe('info');
    expect((await entries('/api/dead/list')).map((one) => one['id'])).not.toContain(id);
    await rig.bridge.waitForLog((line) => line['command'] === 'dead drop' && line['by'] === admin.bare);
  });

  test('reconnect opens a new session, and messages go on', async () => {
    const before = rig.ximss.sessions().map((one) => one.urlID);
    const done = await command(admin, 'admin/links/reconnect', [{ users: juliet.bare }]);
    expect(done.attrs['status']).toBe('completed');
    await until(() => rig.ximss.sessions().some((one) => one.isBound && !before.includes(one.urlID)), {
      deadlineMs: 10_000,
      what: 'a new session',
    });
    juliet.message(rig.ghost, 'after the reconnect', 'op-8');
    await until(() => romeoGot('after the reconnect') === 1, { deadlineMs: 15_000 });
  });

  test('an announcement reaches the linked user from the gateway', async () => {
    expect(await post('/api/announce', { text: 'Closed at noon', to: 'everybody' })).toEqual({ queued: 1, refused: 0 });
    const stanza = await juliet.waitFor((one) => one.text('body') === 'Closed at noon');
    expect(stanza.attrs).toMatchObject({ from: 'ximss.test', type: 'chat' });
  });
});
