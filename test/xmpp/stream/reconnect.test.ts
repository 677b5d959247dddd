/** The stream is made anew after its end. */
import { until } from '../../support/wait';
import { bounce } from '../scripted-server';
import { up } from '../stream-scene';

describe('made anew', () => {
  test('a server that does not answer the ping is left', async () => {
    const { stream } = await up({ timing: { pongMs: 100 } }, async (connection, index) => {
      if (index > 0) await bounce(connection);
    });
    await until(() => stream.length === 3);
    expect(stream).toEqual(['up', 'down timeout', 'up']);
  });
});
