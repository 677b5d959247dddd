/** Every way in which the scene is broken, and mended again. Each resolves when its part is mended. */
import { pause } from '../support/wait';
import type { Dice } from './dice';
import type { Scene } from './scene';

export interface Blow {
  readonly name: string;
  strike(scene: Scene, dice: Dice): Promise<void>;
}

const killed = (
  name: string,
  what: 'bridge' | 'xmpp' | 'redis',
  pick: (scene: Scene) => { kill9(): Promise<unknown>; start(): Promise<unknown> },
): Blow => ({
  name,
  async strike(scene, dice) {
    const part = pick(scene);
    const mended = scene.ledger.blow(what);
    await part.kill9();
    await pause(dice.between(0, 2_000));
    await part.start();
    mended();
  },
});

export const blows: readonly Blow[] = [
  killed('kill -9 of the bridge', 'bridge', (scene) => scene.bridge),
  killed('kill -9 of Redis', 'redis', (scene) => scene.redis),
  killed('kill -9 of the XMPP server', 'xmpp', (scene) => scene.xmpp),
  {
    name: 'the bridge is stopped and started',
    async strike(scene) {
      const mended = scene.ledger.blow('bridge');
      await scene.bridge.stop();
      await scene.bridge.start();
      mended();
    },
  },
  {
    name: 'the XIMSS server is stopped and started',
    async strike(scene, dice) {
      const mended = scene.ledger.blow('far');
      await scene.ximss.stop();
      await pause(dice.between(0, 3_000));
      await scene.ximss.start();
      mended();
    },
  },
  {
    name: 'every XIMSS connection is cut',
    strike(scene) {
      scene.ledger.blow('far');
      scene.ximss.dropAll();
      return Promise.resolve();
    },
  },
  {
    name: 'the component connection is cut',
    strike(scene) {
      scene.ledger.blow('xmpp');
      scene.wires.xmpp.cut();
      return Promise.resolve();
    },
  },
  {
    name: 'XIMSS packets vanish',
    async strike(scene, dice) {
      const mended = scene.ledger.blow('far');
      scene.wires.far.blackhole(true);
      await pause(dice.between(500, 8_000));
      scene.wires.far.blackhole(false);
      scene.wires.far.cut();
      mended();
    },
  },
  {
    name: 'component packets vanish',
    async strike(scene, dice) {
      const mended = scene.ledger.blow('xmpp');
      scene.wires.xmpp.blackhole(true);
      await pause(dice.between(500, 8_000));
      scene.wires.xmpp.blackhole(false);
      scene.wires.xmpp.cut();
      mended();
    },
  },
  {
    name: 'a response is lost after acceptance',
    strike(scene) {
      scene.ledger.blow('far');
      scene.ximss.faults.add({ request: 'sendIM', action: 'dropAfter' });
      return Promise.resolve();
    },
  },
  {
    name: 'three requests in ten are refused for a while',
    async strike(scene, dice) {
      for (let nth = 1; nth <= 200; nth += 1) {
        if (dice.next() < 0.3)
          scene.ximss.faults.add({ request: 'sendIM', action: 'refuse', errorText: 'refused on purpose', nth });
      }
      await pause(1_000);
      scene.ximss.faults.clear();
    },
  },
  {
    name: 'the XIMSS server answers late',
    async strike(scene) {
      scene.ximss.faults.add({ request: 'sendIM', action: 'delay', ms: 300, count: 20 });
      await pause(1_000);
    },
  },
  {
    name: 'the Jabber users read slowly',
    async strike(scene, dice) {
      scene.users()?.pause();
      await pause(dice.between(200, 2_000));
      scene.users()?.resume();
    },
  },
];
