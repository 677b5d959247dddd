/** The directory (A22, A23): the second account is searched by its e-mail; what answers is told, with the names of its fields. */
import { childrenOf, attr, type Element } from '../../ximss/wire/element';
import { askDirectory, readDirectory } from '../../ximss/protocol/directory';
import { found, notFound } from './findings';
import type { DialectContext } from './context';
import type { TestSession } from './session';

const limitCount = 20;
/** names of fields that are shown */
const namesMax = 12;

/** A22, A23. */
export async function tryDirectory(context: DialectContext, one: TestSession, two: TestSession): Promise<void> {
  const { account } = two.owner;
  const dialect = { ...context.dialect, directory: 'listDirectory' } as const;
  const operation = askDirectory(account.slice(0, account.indexOf('@')), limitCount, dialect);
  if (operation === null) return;
  const { data, refusal } = await one.ask(operation);
  if (refusal !== null) {
    context.note(found('directory', 'off', `a search is refused: ${refusal}`));
    return context.note(notFound('directoryFields', 'unknown', 'there is no directory'));
  }
  context.note(found('directory', 'listDirectory', `a search is answered, with ${data.length} documents`));
  const people = readDirectory(data, account.slice(account.indexOf('@') + 1), dialect);
  const isFound = people.some((person) => person.account === account);
  context.note(
    isFound
      ? found('directoryFields', dialect.directoryFields, 'the other account is found')
      : notFound('directoryFields', data.length === 0 ? 'unknown' : 'neither', `it is not found; ${fieldsSeen(data)}`),
  );
}

/** What an entry looks like, for who sets the key by hand. */
function fieldsSeen([entry]: readonly Element[]): string {
  if (entry === undefined) return 'nothing came';
  const names = [
    ...Object.keys(entry.attrs),
    ...childrenOf(entry).map((child) => attr(child, 'name') ?? child.name),
  ].slice(0, namesMax);
  return `an entry is called ${entry.name} and has ${names.join(', ')}`;
}
