/** The stream is made anew after its end. */
import type { Fault } from '../../../src/core/fault';
import { manualClock } from '../../support/clock';
import { freePort } from '../../support/ports';
import { until } from '../../support/wait';
import { bounce } from '../scripted-server';
import { makeSide, server, streamError, up } from '../stream-scene';

describe('made anew', () => {
  test('however long the server is away, it is tried every second or two', async () => {
    const clock = manualClock(0, 0.5);
    const closed = `xmpp://127.0.0.1:${await freePort()}`;
    const { jabber, logged } = makeSide({ service: closed, clock, timing: { retryMs: 1_000 } });
    const started = jabber.start().catch((fault: Fault) => fault.code);
    const tries = (): number => logged().split('component stream ended').length - 1;
    for (let count = 1; count <= 20; count += 1) {
      await until(() => tries() === count && clock.sleeping() === 1, { what: () => `try ${count} in ${logged()}` });
      clock.advance(1_500);
    }
    await jabber.stop();
    expect(await started).toBe('stopping');
  });

  test('another that takes the stream again and again is left with it, said in one line', async () => {
    const { jabber, logged, stream } = await up({}, async (connection) => {
      await connection.expect('<ping');
      connection.send(streamError('conflict'));
    });
    expect(await jabber.failed).toMatchObject({ code: 'stream-conflict' });
    expect(stream).toEqual(['up', 'down stream-conflict', 'up', 'down stream-conflict', 'up', 'down stream-conflict']);
    expect(logged().match(/a second bridge/g)).toHaveLength(1);
    expect(server?.connections).toHaveLength(3);
  });

  test('a conflict after a long life is a hand-over, not a quarrel', async () => {
    const { stream } = await up({ timing: { stableMs: 0 } }, async (connection, index) => {
      if (index > 4) return bounce(connection);
      await connection.expect('<ping');
      connection.send(streamError('conflict'));
    });
    await until(() => stream.length === 11, { what: () => stream.join() });
    expect(stream.at(-1)).toBe('up');
  });

  test('it is known whether the server was away: not at first, then because it ended the stream', async () => {
    const { jabber, stream } = await up({}, async (connection, index) => {
      await connection.expect('<ping');
      if (index === 0) connection.end();
      else await bounce(connection);
    });
    const seen = [jabber.wasAway()];
    await until(() => stream.length === 3, { what: () => stream.join() });
    seen.push(jabber.wasAway());
    expect([seen, stream[2]]).toEqual([[false, true], 'up']);
  });

  test('a server that does not answer the ping is left', async () => {
    const { stream } = await up({ timing: { pongMs: 100 } }, async (connection, index) => {
      if (index > 0) await bounce(connection);
    });
    await until(() => stream.length === 3);
    expect(stream).toEqual(['up', 'down timeout', 'up']);
  });
});
