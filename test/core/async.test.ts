/** Steps of many in few batches, each with its own answer. */
import { makeBatcher } from '../../src/core/async';

function scene(batchWeight = 100) {
  const sent: number[][] = [];
  const ends: ((answers: readonly (number | undefined)[] | Error) => void)[] = [];
  const ask = makeBatcher<number, number>({
    send: (batch) => {
      sent.push([...batch]);
      return new Promise((resolve, reject) =>
        ends.push((answers) => (answers instanceof Error ? reject(answers) : resolve(answers as number[]))),
      );
    },
    weigh: (step) => step,
    batchWeight,
  });
  return { ask, sent, ends };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('steps of one turn, and those asked for meanwhile, are one batch each; everybody gets their own answer', async () => {
  const { ask, sent, ends } = scene();
  const first = [ask(1), ask(2)];
  await turn();
  const second = [ask(3), ask(4), ask(5)];
  await turn();
  expect(sent).toEqual([[1, 2]]);
  ends[0]?.([10, 20]);
  await expect(Promise.all(first)).resolves.toEqual([10, 20]);
  expect(sent).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  ends[1]?.([30, 40, 50]);
  await expect(Promise.all(second)).resolves.toEqual([30, 40, 50]);
  const third = ask(6);
  await turn();
  ends[2]?.([60]);
  await expect(third).resolves.toBe(60);
});

test('a batch ends at its weight, and a heavy step goes alone', async () => {
  const { ask, sent, ends } = scene(5);
  const all = Promise.all([2, 3, 9, 1].map((step) => ask(step)));
  await turn();
  ends[0]?.([1, 1]);
  await turn();
  ends[1]?.([1]);
  await turn();
  ends[2]?.([1]);
  await all;
  expect(sent).toEqual([[2, 3], [9], [1]]);
});

test("a rejection is everybody's, of this batch only; an answer that is missing rejects its step", async () => {
  const { ask, ends } = scene();
  const first = Promise.allSettled([ask(1), ask(2)]);
  await turn();
  const second = Promise.allSettled([ask(3), ask(4)]);
  ends[0]?.(new Error('away'));
  expect((await first).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await turn();
  ends[1]?.([30]);
  expect((await second).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});
