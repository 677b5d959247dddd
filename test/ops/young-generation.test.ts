/** V8 decides: only a process of its own shows what the flag does. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(__dirname, '../..');

/** Prints the size of the young generation in MB after work that leaves much alive, before and after it may grow. */
const script = `
  const { letYoungGenerationGrow } = require('${root}/src/ops/young-generation.ts');
  const { getHeapSpaceStatistics } = require('node:v8');
  const sizeMb = () => getHeapSpaceStatistics().find((one) => one.space_name === 'new_space').space_size / 2 ** 20;
  const work = () => {
    const kept = [];
    for (let i = 0; i < 2_000_000; i += 1) kept.push({ i });
    return kept.length;
  };
  work();
  const before = sizeMb();
  letYoungGenerationGrow();
  work();
  console.log(JSON.stringify([before, sizeMb()]));
`;

test('the young generation keeps its first size until it is told otherwise', () => {
  const printed = execFileSync(process.execPath, ['--import', require.resolve('tsx'), '--eval', script], { cwd: root });
  const [before, after] = JSON.parse(printed.toString()) as [number, number];
  expect(before).toBeLessThanOrEqual(4);
  expect(after).toBeGreaterThanOrEqual(8);
});

test('and the program loads nothing before it', () => {
  const main = execFileSync('grep', ['-m1', '^import', `${root}/src/main.ts`]).toString();
  expect(main).toContain("'./ops/young-generation'");
});
