/** Finding people: as oneself, in an order that stays, an address also without a directory, a few at once. */
import { makeDirectory } from '../../src/bridge/directory';
import type { Account } from '../../src/core/address';
import type { DirectoryEntry } from '../../src/core/model';
import { account, jid } from '../support/middle-scene';

const juliet = jid('juliet');
const person = (name: string): DirectoryEntry => ({ account: account(name.toLowerCase()), name, email: null });

function scene(answer: () => Promise<readonly DirectoryEntry[] | null>) {
  const asked: string[] = [];
  const directory = makeDirectory({
    far: { search: (_user, text) => (asked.push(text), answer()) },
    isLinked: (user) => user === juliet,
  });
  return { directory, asked };
}
const found = (...names: string[]) => scene(() => Promise.resolve(names.map(person)));

test('people are found in the order of their names', async () => {
  const { directory } = found('Tybalt', 'Mercutio', 'Romeo');
  expect((await directory.search(juliet, ' o ')).map(({ name }) => name)).toEqual(['Mercutio', 'Romeo', 'Tybalt']);
});

test('an address is found first, with its name when the directory has it', async () => {
  const { directory } = found('Mercutio', 'Romeo');
  const addresses = async (text: string) => (await directory.search(juliet, text)).map(({ account: one }) => one);
  expect(await addresses('ROMEO@far.test')).toEqual(['romeo@far.test', 'mercutio@far.test']);
  expect(await addresses('new@far.test')).toEqual(['new@far.test', 'mercutio@far.test', 'romeo@far.test']);
});

test('without a directory an address is found, anything else is told so', async () => {
  const { directory } = scene(() => Promise.resolve(null));
  expect(directory.isThere()).toBe(true);
  await expect(directory.search(juliet, 'romeo')).rejects.toMatchObject({
    code: 'not-implemented',
    reason: 'noDirectory',
  });
  expect(directory.isThere()).toBe(false);
  expect(await directory.search(juliet, 'romeo@far.test')).toEqual([
    { account: 'romeo@far.test' as Account, name: null, email: null },
  ]);
});

test.each<[string, string, string]>([
  ['who has no link', 'stranger', 'not-linked'],
  ['nothing', 'juliet', 'not-acceptable'],
])('%s is refused', async (_who, user, code) => {
  const { directory, asked } = found();
  await expect(directory.search(jid(user), ' \u0000 ')).rejects.toMatchObject({ code });
  expect(asked).toEqual([]);
});

test('a few searches run at once', async () => {
  const { directory, asked } = scene(() => new Promise(() => undefined));
  const outcomes = Array.from({ length: 25 }, () => directory.search(juliet, 'x').catch((fault: unknown) => fault));
  await expect(outcomes[24]).resolves.toMatchObject({ code: 'rate-limited' });
  expect(asked).toHaveLength(20);
});
