/** The operators' commands. */
import { Fault } from '../../../src/core/fault';
import { newPair } from '../../../src/core/pair';
import { en } from '../../../src/core/i18n/en';
import type { CommandStep } from '../../../src/bridge/ports';
import { account, jid, juliet, letter, romeo, toFar } from '../operator/operator-scene';
import { admin, commandScene, end, form } from './commands-scene';

describe('the commands of an operator', () => {
  const ask = { user: admin };

  test('links: filtered, counted', async () => {
    const { walk, status } = commandScene(['juliet', 'nurse']);
    status.set(jid('nurse'), 'waiting');
    const all = end(await walk('links', [{}], ask));
    expect(all.text).toBe('2 link(s), 1 online. 2 shown.');
    expect(all.rows.map((row) => row.slice(0, 3))).toEqual([
      [juliet, account('juliet'), 'online'],
      [jid('nurse'), account('nurse'), 'not connected, will be tried again'],
    ]);
    expect(end(await walk('links', [{ status: 'waiting' }], ask)).rows).toHaveLength(1);
    expect(end(await walk('links', [{ find: 'JUL' }], ask)).rows).toHaveLength(1);
    expect(end(await walk('links', [{ find: 'nobody' }], ask)).rows).toHaveLength(0);
  });

  test('links: no more than a page, and it is said', async () => {
    const { walk } = commandScene(Array.from({ length: 60 }, (_, i) => `u${i}`));
    const { text, rows } = end(await walk('links', [{}], ask));
    expect(rows).toHaveLength(50);
    expect(text).toContain('The first 50 are shown');
  });

  test('lanes: what waits and why', async () => {
    const { walk, wait, store } = commandScene();
    await wait({ ...letter('w'), acceptedAt: 0, attempts: 4, lastFault: new Fault('timeout').toData() });
    store.poison('damaged lane' as typeof toFar, 'x'); // damaged on purpose
    const { rows } = end(await walk('lanes', [{}], ask));
    expect(rows).toEqual([
      ['unreadable', 'damaged lane', '', '1', '', '', 'unreadable'],
      ['to the other network', juliet, 'romeo@far.test', '1', '1970-01-01 00:00:00 UTC', '4', en.faults.timeout],
    ]);
    expect(end(await walk('lanes', [{ user: `${jid('nurse')}/phone` }], ask)).rows).toEqual([]);
    await expect(walk('lanes', [{ user: 'a b@c' }], ask)).rejects.toMatchObject({ code: 'jid-malformed' });
  });

  describe('dead letters', () => {
    async function dead(count: number): Promise<ReturnType<typeof commandScene> & { ids: string[] }> {
      const scene = commandScene();
      await scene.addDead(...Array.from({ length: count }, (_, i) => letter(`n${i}`)));
      const first = await scene.operator.deadLetters({ before: null, count: 500 });
      return { ...scene, ids: first.entries.map(({ id }) => id) };
    }

    test('none', async () => {
      expect(end(await commandScene().walk('dead-letters')).text).toBe('There are no dead letters.');
    });

    test('chosen from a list, page by page', async () => {
      const { walk, ids } = await dead(25);
      const options = (step: CommandStep): string[] => (form(step).fields[0]?.options ?? []).map(([value]) => value);
      const first = options(await walk('dead-letters', [], ask));
      expect(first.slice(0, 20)).toEqual(ids.slice(0, 20));
      const second = await walk('dead-letters', [{ letter: first[20] ?? '' }], ask);
      expect(options(second)).toEqual(ids.slice(20));
      expect(form(second).fields[0]?.options?.[0]?.[1]).toContain(
        `${juliet} → romeo@far.test, message: no such account`,
      );
    });

    test('shown with text and history', async () => {
      const { walk, ids } = await dead(1);
      const { text, rows } = end(await walk('dead-letters', [{ letter: ids[0] ?? '', action: 'show' }], ask));
      expect(text).toContain('SECRET of n0');
      expect(text).toContain('Message id: m-n0');
      expect(rows).toEqual([
        ['1970-01-01 00:00:00 UTC', 'timeout'],
        ['1970-01-01 00:00:00 UTC', 'refused'],
      ]);
    });

    test.each<[string, number, number]>([
      ['resend', 1, 0],
      ['drop', 0, 0],
    ])('%s', async (action, waiting, left) => {
      const { walk, ids, store, logged } = await dead(1);
      end(await walk('dead-letters', [{ letter: ids[0] ?? '', action }], ask));
      expect(await store.lanes.counts()).toMatchObject({ envelopes: waiting, dead: left });
      expect(logged.join()).toContain(`"by":"${admin}"`);
    });

    test.each<[string, string, string]>([
      ['nothing chosen to do', '', 'bad-request'],
      ['a letter that is gone', 'drop', 'not-found'],
      ['a letter that is gone, shown', 'show', 'not-found'],
    ])('%s', async (_what, action, code) => {
      const { walk } = await dead(1);
      await expect(walk('dead-letters', [{ letter: '1-1', action }], ask)).rejects.toMatchObject({ code });
    });
  });

  test('trace: any id, of one user or of all', async () => {
    const { walk, wait } = commandScene();
    await wait(letter('w'));
    const { rows } = end(await walk('trace', [{ id: 'w' }], ask));
    expect(rows.map((row) => row.slice(0, 4))).toEqual([
      ['to the other network', juliet, 'romeo@far.test', 'waiting, the next in line'],
    ]);
    expect(end(await walk('trace', [{ id: 'w', user: jid('nurse') }], ask)).text).toContain('Nothing goes by this id');
    await expect(walk('trace', [{}], ask)).rejects.toMatchObject({ code: 'bad-request' });
  });

  test('reconnect', async () => {
    const { walk, acts } = commandScene();
    expect(end(await walk('reconnect', [{ user: juliet }], ask)).text).toContain(juliet);
    expect(acts).toEqual([`close ${juliet}`, `open ${juliet}`]);
    await expect(walk('reconnect', [{}], ask)).rejects.toMatchObject({ code: 'jid-malformed' });
    await expect(walk('reconnect', [{ user: jid('nurse') }], ask)).rejects.toMatchObject({ code: 'not-linked' });
  });

  describe('rosters', () => {
    const plan = {
      actions: [
        { do: 'writeFar', account: romeo, contact: { account: romeo, name: 'R', groups: [], hiddenGroups: [] } },
        { do: 'toFar', account: romeo, verb: 'subscribe' },
        { do: 'save', account: romeo, pair: newPair, synced: null },
      ],
      skipped: [account('a'), account('b')],
    } as const;

    test('equal ones: nothing to do', async () => {
      const { walk, acts } = commandScene();
      expect(end(await walk('rosters', [{ user: juliet }], ask)).text).toContain('are equal');
      expect(acts).toEqual([]);
      await expect(walk('rosters', [{ user: jid('nobody') }], ask)).rejects.toMatchObject({ code: 'not-linked' });
      await expect(walk('rosters', [{}], ask)).rejects.toMatchObject({ code: 'jid-malformed' });
    });

    test.each<[string, string[], string]>([
      ['nothing', [], 'Nothing was changed.'],
      ['usual', [`compare ${juliet} null`], 'Changed: 1 contact(s). Left alone: 2.'],
      ['all', [`compare ${juliet} 2`], 'Changed: 1 contact(s). Left alone: 0.'],
    ])('a dry run, then "%s"', async (what, expected, text) => {
      const scene = commandScene();
      scene.plan(plan);
      const dry = form(await scene.walk('rosters', [{ user: juliet }], ask));
      expect(dry.hint?.split('\n').slice(1)).toEqual([
        'a@far.test: left alone',
        'b@far.test: left alone',
        'romeo@far.test: writeFar, toFar subscribe',
      ]);
      expect(scene.acts).toEqual([]);
      expect(end(await scene.walk('rosters', [{ user: juliet }, { do: what }], ask)).text).toBe(text);
      expect(scene.acts).toEqual(expected);
    });
  });

  test('announce', async () => {
    const { walk, acts, intake } = commandScene();
    expect(end(await walk('announce', [{ text: 'a\nb', to: 'online' }], ask)).text).toBe('On its way to 1 user(s).');
    expect(acts).toEqual([`say ${juliet} headline a\nb`]);
    intake(new Fault('store-away'));
    expect(end(await walk('announce', [{ text: 'a' }], ask)).text).toContain('1 could not be stored');
  });
});
