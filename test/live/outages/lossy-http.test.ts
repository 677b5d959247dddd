/** The HTTP binding with three requests in ten failing: lost on the way, answered with an error, or done and the answer lost. */
import { makeRandom } from '../../chaos/random';
import { startRig, type Rig } from '../../support/rig';
import { startProsody } from '../../support/servers';
import { until } from '../../support/wait';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ start: startProsody, binding: 'http' });
}, 60_000);
afterAll(() => rig.dispose());

test('nothing is lost, doubled or out of order, in either direction', async () => {
  const juliet = await rig.juliet.login();
  const isBound = () => rig.ximss.sessions().some((one) => one.account === 'juliet@far.test' && one.isBound);
  await until(isBound, { deadlineMs: 10_000, what: 'the far session' });
  const random = makeRandom(7);
  for (const request of ['#sync', '#get']) {
    for (let nth = 1; nth <= 400; nth += 1) {
      if (random.next() >= 0.3) continue;
      const where = { request, nth };
      rig.ximss.faults.add(
        random.pick([
          { ...where, action: 'drop' },
          { ...where, action: 'loseResponse' },
          { ...where, action: 'status', status: 503 },
        ] as const),
      );
    }
  }
  const texts = Array.from({ length: 60 }, (_, i) => `lossy ${i}`);
  const out = () => rig.romeo.of('im').map((item) => item.text);
  const inward = () => juliet.stanzas.map((stanza) => stanza.text('body')).filter((text) => text !== '');
  // one at a time, so that each way needs requests of its own
  for (const [i, text] of texts.entries()) {
    juliet.message(rig.ghost, text);
    rig.romeo.sendIM('juliet@far.test', text);
    const what = (): string => `message ${i}, there are ${out().length} and ${inward().length}`;
    await until(() => out().length > i && inward().length > i, { deadlineMs: 20_000, what });
  }
  expect(out()).toEqual(texts);
  expect(inward()).toEqual(texts);
  const page = await (await fetch(`http://127.0.0.1:${rig.bridge.httpPort}/metrics`)).text();
  expect(page).toMatch(/bridge_faults_total\{part="ximss",code="unavailable"\} [1-9]/); // requests did fail
}, 90_000);
