/**
 * What every store keeps: links and small states. Run on Redis and on the memory store, so that what the layers above are tested with
 * behaves like what they run on.
 */
import type { Account, BareJid } from '../../src/core/address';
import type { Link } from '../../src/core/model';
import type { Subject } from './subject';

export function describeRecords(name: string, subject: Subject): void {
  describe(`${name}: links and states`, () => {
    const link = (user: string, password: string): Link => ({
      user: user as BareJid,
      account: 'romeo@y.net' as Account, // test names, well formed by inspection
      password,
      origin: 'registered',
    });

    test('links are kept, replaced and removed', async () => {
      const { links } = await subject.open();
      expect(await links.load()).toEqual([]);
      await links.save(link('b@x', 'old'));
      await links.save(link('a@x', 'pass wörd'));
      await links.save(link('b@x', ''));
      const sorted = [...(await links.load())].sort((one, two) => one.user.localeCompare(two.user));
      expect(sorted).toEqual([link('a@x', 'pass wörd'), link('b@x', '')]);
      await links.remove('b@x' as BareJid); // as parsed
      await links.remove('nobody@x' as BareJid); // as parsed
      expect(await links.load()).toEqual([link('a@x', 'pass wörd')]);
    });

    test('states are written, deleted and read by table and user', async () => {
      const { state } = await subject.open();
      const [u, v] = ['u@x' as BareJid, 'v@x' as BareJid]; // as parsed
      const users = async (table: string): Promise<BareJid[]> => {
        const found: BareJid[] = [];
        for await (const page of state.users(table)) found.push(...page);
        return found.sort();
      };
      expect(await state.read('pairs', u)).toEqual(new Map());
      await state.write('pairs', u, new Map([['a@y', '{"x":1}'], ['b@y', ''], ['', 'empty name']])); // prettier-ignore
      await Promise.all([
        state.write('pairs', v, new Map([['a@y', '1']])),
        state.write('shown', u, new Map([['a@y', '3']])),
        state.write('pairs', v, new Map([['b@y', null], ['a@y', '2']])), // prettier-ignore
      ]);
      await state.write('pairs', u, new Map([['b@y', null], ['c@y', '4'], ['never', null]])); // prettier-ignore
      await state.write('pairs', u, new Map());
      expect(await state.read('pairs', u)).toEqual(new Map([['a@y', '{"x":1}'], ['', 'empty name'], ['c@y', '4']])); // prettier-ignore
      expect(await users('pairs')).toEqual([u, v]);
      await state.write('pairs', v, new Map([['a@y', null]]));
      expect(await users('pairs')).toEqual([u]);
      expect(await users('shown')).toEqual([u]);
      expect(await users('nothing')).toEqual([]);
    });

    test('users come in pages, each once', async () => {
      const { state } = await subject.open();
      const all = Array.from({ length: 1_100 }, (_, i) => `u${i}@x` as BareJid); // as parsed
      await Promise.all(all.map((user) => state.write('t', user, new Map([['f', '1']]))));
      const found: BareJid[] = [];
      for await (const page of state.users('t')) found.push(...page);
      expect(found.sort()).toEqual(all.sort());
    });
  });
}
