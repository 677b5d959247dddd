/** Announcements. */
import { Fault } from '../../../src/core/fault';
import { jid, makeOperatorScene } from './operator-scene';

describe('announcements', () => {
  test.each<['everybody' | 'online', string]>([
    ['everybody', 'chat'],
    ['online', 'headline'],
  ])('to %s', async (to, type) => {
    const { run, acts, logged } = makeOperatorScene(['juliet', 'nurse']);
    expect(await run('announce', { text: '  Closed\u0000 at noon\n', to: to })).toEqual({ queued: 2, refused: 0 });
    expect(acts).toEqual(['juliet', 'nurse'].map((name) => `say ${jid(name)} ${type} Closed at noon`));
    expect(logged.join()).toContain('"queued":2');
    expect(logged.join()).not.toContain('noon');
  });

  test('every user once, however many; what the intake refuses is counted', async () => {
    const { run, acts, intake } = makeOperatorScene(Array.from({ length: 450 }, (_, i) => `u${i}`));
    expect(await run('announce', { text: 'x', to: 'everybody' })).toEqual({ queued: 450, refused: 0 });
    expect(new Set(acts).size).toBe(450);
    intake(new Fault('store-away'));
    expect(await run('announce', { text: 'x', to: 'everybody' })).toEqual({ queued: 0, refused: 450 });
  });

  test.each<[string, string, string]>([
    ['nothing', ' \n', 'not-acceptable'],
    ['a novel', 'x'.repeat(4_001), 'too-large'],
  ])('%s is refused', async (_what, text, code) => {
    await expect(makeOperatorScene().run('announce', { text: text, to: 'everybody' })).rejects.toMatchObject({ code });
  });

  test('one at a time', async () => {
    const { run } = makeOperatorScene();
    const first = run('announce', { text: 'one' });
    await expect(run('announce', { text: 'two', to: 'everybody' })).rejects.toMatchObject({ code: 'rate-limited' });
    await first;
    await run('announce', { text: 'three', to: 'everybody' });
  });
});
