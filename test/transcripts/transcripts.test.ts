/** Every transcript of this folder, played around the real program. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatTranscript, parseTranscript } from './format';
import { startRunner, type Runner } from './runner';

const files = readdirSync(__dirname).filter((name) => name.endsWith('.transcript'));
const read = (file: string) => parseTranscript(readFileSync(join(__dirname, file), 'utf8'));

let runner: Runner;
beforeAll(async () => {
  runner = await startRunner();
});
afterAll(() => runner.close());

test.each(files)('%s', async (file) => {
  await runner.check(read(file));
});

test('what is read from a transcript is written as it was', () => {
  for (const file of files) {
    const text = readFileSync(join(__dirname, file), 'utf8');
    expect(formatTranscript(parseTranscript(text))).toBe(text);
  }
});

test.each([
  ['no first line', 'juliet sends\n  <message/>', 'line 1'],
  ['a key that is not known', '# x\nwho: juliet\n', 'line 2: not understood: who'],
  [
    'a line that is not known',
    '# x\n\njuliet sends\n  <message/>\n\njuliet sings',
    'line 6: not understood: juliet sings',
  ],
  ['two elements in a line for one', '# x\n\njuliet sends\n  <a/><b/>', 'line 3: want one element'],
  ['text that is not XML', '# x\n\njuliet sends\n  <a>', 'line 3'],
])('a transcript with %s is refused with the number of the line', (_, text, message) => {
  expect(() => parseTranscript(text)).toThrow(message);
});

describe('a transcript fails', () => {
  const message = '<message to="romeo@ximss.jabber.test" type="chat" id="m1"><body>hi</body></message>';
  const sent = `# x\n\njuliet sends\n  ${message}\n\n`;
  const received = (text: string, who = 'romeo') =>
    `${who} receives\n  <sendIM id="{id1}" peer="romeo@cgp.test" type="chat" iqid="{any}">${text}</sendIM>\n\n`;
  test.each([
    ['when something else comes', `${sent}${received('ho')}`, 'want "ho", got "hi"'],
    ['when more comes than it says', sent, 'after the last line: romeo got <sendIM'],
    [
      'when something comes that should not',
      `${sent}romeo receives nothing\n`,
      'step 2, romeo receives nothing: romeo got',
    ],
    [
      'when a placeholder has two values',
      `${sent}${received('hi')}${sent.slice(5).replace('m1', 'm2')}${received('hi')}`,
      'step 4',
    ],
  ])('%s', async (_, text, message) => {
    await expect(runner.check(parseTranscript(text))).rejects.toThrow(message);
  });
});
