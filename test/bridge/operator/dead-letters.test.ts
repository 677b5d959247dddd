/** Dead letters as an operator handles them, over the memory store. */
import type { DeadLetterView, Page } from '../../../src/bridge/ports';
import { juliet, letter, makeOperatorScene, romeo, toFar } from './operator-scene';

describe('dead letters', () => {
  async function oneDead(...ids: string[]) {
    const scene = makeOperatorScene();
    await scene.addDead(...(ids.length === 0 ? ['a'] : ids).map((id) => letter(id, { subject: 'S' })));
    const { entries } = await scene.run('dead list', { count: 10 });
    return { ...scene, entries, id: entries[0]?.id ?? '' };
  }

  test('are listed with their history and without a text, also not in the log', async () => {
    const { entries, logged } = await oneDead('a', 'b');
    expect(entries.map((one) => one.envelope?.envelopeId)).toEqual(['b', 'a']);
    expect(entries[0]).toMatchObject({
      direction: 'toFar',
      user: juliet,
      peer: romeo,
      envelope: {
        messageId: 'm-b',
        attempts: 2,
        fault: { code: 'refused', text: 'no such account', number: 404 },
        history: [
          { at: 1, code: 'timeout' },
          { at: 2, code: 'refused' },
        ],
      },
    });
    expect(JSON.stringify(entries) + logged.join()).not.toContain('SECRET');
  });

  test('one is opened when asked for: its text is shown, the log says who read it and not what', async () => {
    const { run, id, logged } = await oneDead();
    expect(await run('dead show', { id })).toMatchObject({ id, text: 'S\nSECRET of a' });
    expect(logged.join()).toContain(`"command":"dead show","input":{"id":"${id}"}`);
    expect(logged.join()).not.toContain('SECRET');
    await expect(run('dead show', { id: '1-1' })).rejects.toMatchObject({ code: 'not-found' });
  });

  test('one is sent again: at the end of its lane, rung at once, gone from the list', async () => {
    const { run, id, store, acts } = await oneDead();
    await run('dead resend', { ids: [id] });
    expect(acts).toEqual([`schedule ${toFar} immediately`]);
    expect(await store.lanes.counts()).toEqual({ envelopes: 1, lanes: 1, dead: 0 });
    expect(await run('dead resend', { ids: [id] })).toMatchObject({ done: 0, failed: [{ id, code: 'not-found' }] });
  });

  test('one whose user has no link stays: it would be emptied with the lane', async () => {
    const { run, id, store, links } = await oneDead();
    links.delete(juliet);
    expect(await run('dead resend', { ids: [id] })).toMatchObject({ failed: [{ code: 'not-linked' }] });
    expect((await store.lanes.counts()).dead).toBe(1);
  });

  test('one that cannot be read is shown as it lies there, and cannot be sent', async () => {
    const { run, store } = makeOperatorScene();
    store.poison(toFar, 'nonsense');
    await store.lanes.head(toFar, 1);
    await store.lanes.settle({ lane: toFar, taken: 1, keep: [], append: [], dead: [], poisoned: 1 });
    const [found] = (await run('dead list', { count: 1 })).entries;
    expect(found?.envelope).toBeNull();
    expect(await run('dead show', { id: found?.id ?? '' })).toMatchObject({ text: 'nonsense' });
    expect(await run('dead resend', { ids: [found?.id ?? ''] })).toMatchObject({ failed: [{ code: 'poisoned' }] });
  });

  test('a full lane takes none', async () => {
    const { run, id, store } = await oneDead();
    const full = {
      ...store.lanes,
      resend: () => Promise.resolve({ lane: toFar, result: { outcome: 'full' } as const }),
    };
    Object.assign(store.lanes, full);
    expect(await run('dead resend', { ids: [id] })).toMatchObject({ failed: [{ code: 'lane-full' }] });
  });

  test('they are dropped, and it is told how many there were', async () => {
    const { run, entries, store } = await oneDead('a', 'b', 'c');
    const ids = [...entries.slice(1).map(({ id }) => id), 'nonsense'];
    expect(await run('dead drop', { ids })).toMatchObject({ done: 2, failed: [{ id: 'nonsense', code: 'not-found' }] });
    expect((await store.lanes.counts()).dead).toBe(1);
  });

  describe('by filter', () => {
    test.each<[string, object, string[]]>([
      ['of one user', { user: 'juliet@jabber.test' }, ['c', 'b', 'a']],
      ['of another user', { user: 'nurse@jabber.test' }, []],
      ['by the code of the fault', { reason: 'refused' }, ['c', 'b', 'a']],
      ['by a part of its text', { reason: 'SUCH account' }, ['c', 'b', 'a']],
      ['by another reason', { reason: 'expired' }, []],
      ['not older than', { since: '90m' }, ['c']],
      ['not older than a date', { since: '2000-01-01T00:00:00Z' }, ['c', 'b', 'a']],
    ])('%s', async (_what, filter, ids) => {
      const { run, addDead, clock } = makeOperatorScene();
      await addDead(letter('a'), letter('b'));
      clock.advance(2 * 3_600_000);
      await addDead(letter('c'));
      const { entries } = await run('dead list', filter);
      expect(entries.map((one) => one.envelope?.envelopeId)).toEqual(ids);
      expect(await run('dead drop', filter)).toEqual({ done: ids.length, failed: [] });
      expect((await run('dead list')).entries).toHaveLength(3 - ids.length);
    });

    test('in pages, each letter once', async () => {
      const { run, addDead } = makeOperatorScene();
      await addDead(...Array.from({ length: 7 }, (_, i) => letter(`n${i}`)));
      const seen: (string | undefined)[] = [];
      for (let before: string | null = null; ;) {
        const page: Page<DeadLetterView> = await run('dead list', {
          before,
          count: 3,
          reason: 'refused',
        });
        seen.push(...page.entries.map((one) => one.envelope?.envelopeId));
        if (page.next === null) break;
        before = page.next;
      }
      expect(seen).toEqual(['n6', 'n5', 'n4', 'n3', 'n2', 'n1', 'n0']);
    });

    test('all are sent again in the order in which they were set aside', async () => {
      const { run, addDead, store } = makeOperatorScene();
      await addDead(letter('a'), letter('b'), letter('c'));
      expect(await run('dead resend', { all: true })).toEqual({ done: 3, failed: [] });
      const stored = await store.lanes.head(toFar, 9);
      expect(stored.map((one) => ('envelope' in one ? one.envelope.id : ''))).toEqual(['a', 'b', 'c']);
    });

    test('nothing is dropped when nobody says what', async () => {
      const { run } = makeOperatorScene();
      await expect(run('dead drop', {})).rejects.toMatchObject({ code: 'bad-request' });
    });
  });
});
