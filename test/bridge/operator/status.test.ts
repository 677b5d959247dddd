/** How all of it is: the counts, the gauges, and what is wrong with its remedy. */
import { Fault } from '../../../src/core/fault';
import { jid, letter, makeOperatorScene } from './operator-scene';

describe('all of it', () => {
  test('counts links by status, lanes and drains', async () => {
    const { run, status, wait } = makeOperatorScene(['juliet', 'nurse', 'friar']);
    status.set(jid('nurse'), 'refused');
    await wait(letter('a'));
    expect(await run('status')).toMatchObject({
      version: '1.2.3',
      domain: 'ximss.test',
      isStreamUp: true,
      isStoreUp: true,
      isFarUp: true,
      links: { total: 3, online: 2, refused: 1, connecting: 0, waiting: 0, deferred: 0, suspended: 0, closed: 0 },
      lanes: { envelopes: 1, lanes: 1, dead: 0 },
      drains: { waiting: 1, active: 2, delayed: 3 },
      processes: [{ isThis: true }],
    });
  });

  test('with the store away the rest is still told', async () => {
    const { operator, run, store } = makeOperatorScene();
    store.setAway(true);
    expect(await run('status')).toMatchObject({
      isStoreUp: false,
      lanes: null,
      links: { total: 1 },
      troubles: [{ kind: 'store-away' }],
    });
    await expect(run('lanes')).rejects.toMatchObject({ code: 'store-away' });
    await expect(operator.sample()).rejects.toMatchObject({ code: 'store-away' });
  });

  test('gauges are sampled', async () => {
    const { operator, gauges, wait, addDead } = makeOperatorScene();
    await addDead(letter('a'));
    await wait(letter('b'), letter('c'));
    await operator.sample();
    expect(Object.fromEntries(gauges)).toEqual({
      intake_waiting: 5,
      lanes_waiting: 1,
      envelopes_waiting: 2,
      dead_letters: 1,
      'drains waiting': 1,
      'drains active': 2,
      'drains delayed': 3,
    });
  });

  test('nothing is wrong when nothing is', async () => {
    expect((await makeOperatorScene().run('status')).troubles).toEqual([]);
  });

  test('what is wrong is told, the worst first, each with the command that helps', async () => {
    const { run, status, addDead, wait, setAbsence } = makeOperatorScene(['juliet', 'nurse', 'friar']);
    setAbsence(new Fault('unavailable', { text: 'connection refused' }));
    status.set(jid('nurse'), 'refused');
    status.set(jid('friar'), 'deferred');
    await addDead(letter('d'));
    await wait({ ...letter('a'), attempts: 3, lastFault: new Fault('timeout').toData() });
    expect((await run('status')).troubles).toMatchObject([
      { kind: 'far-away', count: null, fault: { text: 'connection refused' } },
      { kind: 'lanes-blocked', count: 1, fault: { code: 'timeout' }, remedy: 'lanes' },
      { kind: 'links-refused', count: 1, remedy: 'links list' },
      { kind: 'links-deferred', count: 1, remedy: 'links reconnect' },
      { kind: 'dead-letters', count: 1, remedy: 'dead list' },
    ]);
  });

  test('a lane that waits for a session which is down is not blocked', async () => {
    const { run, status, wait } = makeOperatorScene();
    status.set(jid('juliet'), 'waiting');
    await wait({ ...letter('a'), attempts: 3, lastFault: new Fault('unavailable').toData() });
    expect((await run('status')).troubles).toEqual([]);
  });
});
