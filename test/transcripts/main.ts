/**
 * `npm run transcript -- [--rewrite | --record] NAME...`: plays transcripts of this folder (all when none is named), or
 * writes down what is really received, or records live traffic into a new one. What is said in it is read from the
 * standard input, a sentence a line: `juliet says TEXT`, `romeo is away`, `romeo asks`, `juliet approves`, `juliet denies`.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTranscript, parseTranscript } from './format';
import { record } from './recorder';
import { startRunner } from './runner';

async function main(args: readonly string[]): Promise<void> {
  const names = args.filter((arg) => !arg.startsWith('--')).map((name) => name.replace(/^.*\/|\.transcript$/g, ''));
  if (args.includes('--record')) return recordOne(names);
  const isRewriting = args.includes('--rewrite');
  if (isRewriting && names.length === 0) throw new Error('which ones? npm run transcript -- --rewrite NAME...');
  const all = readdirSync(__dirname).flatMap((file) => (file.endsWith('.transcript') ? [file.slice(0, -11)] : []));
  const runner = await startRunner();
  try {
    for (const name of names.length > 0 ? names : all) {
      const file = join(__dirname, `${name}.transcript`);
      const transcript = parseTranscript(readFileSync(file, 'utf8'));
      if (isRewriting) writeFileSync(file, formatTranscript(await runner.rewrite(transcript)));
      else await runner.check(transcript);
      console.log(`${isRewriting ? 'written' : 'holds'}: ${name}`);
    }
  } finally {
    await runner.close();
  }
}

async function recordOne([name]: readonly string[]): Promise<void> {
  if (name === undefined) throw new Error('under which name? npm run transcript -- --record NAME');
  const lines = readFileSync(0, 'utf8').split('\n');
  const sentences = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  const requirement = /^# (.+)/.exec(lines[0] ?? '')?.[1] ?? 'Which requirement is it?';
  writeFileSync(join(__dirname, `${name}.transcript`), formatTranscript(await record(requirement, sentences)));
  console.log(`written: ${name}; read it before you commit it`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
