/**
 * Every way in which the scene is broken, and mended again. Each resolves when its part is mended. The name says what is
 * done, the harm (windows.ts) what may be lost by it.
 */
import { pause } from '../support/wait';
import type { Random } from './random';
import type { Scene } from './scene';
import type { Harm } from './windows';

export interface Fault {
  readonly name: string;
  /** bounds of its one number, drawn by the plan: mostly how long it lasts, in ms */
  readonly size: readonly [number, number];
  readonly unit?: string;
  /** only where a second process can take over */
  readonly needsSeveral?: true;
  inject(scene: Scene, size: number, random: Random): Promise<void>;
}

interface Part {
  stop(): Promise<unknown>;
  kill9(): Promise<unknown>;
  start(): Promise<unknown>;
}

/** Ends a part and starts it again after a while. What is lost by it is lost at its end. */
function ended(name: string, harm: Harm, how: 'stop' | 'kill9', pick: (scene: Scene) => Part): Fault {
  return {
    name,
    size: [0, 2_000],
    async inject(scene, downMs) {
      const part = pick(scene);
      const over = scene.tracker.faultBegins(name, harm);
      const back = part === scene.redis ? scene.tracker.storeAway() : null;
      await part[how]();
      over();
      await pause(downMs);
      await part.start();
      back?.();
    },
  };
}

/** Packets of a wire vanish for a while; then the connections are reset. */
function vanishing(name: string, harm: Harm, wire: 'xmpp' | 'far'): Fault {
  return {
    name,
    size: [500, 8_000],
    async inject(scene, ms) {
      const over = scene.tracker.faultBegins(name, harm);
      scene.wires[wire].blackhole(true);
      await pause(ms);
      scene.wires[wire].blackhole(false);
      scene.wires[wire].cut();
      over();
    },
  };
}

/** At once, and over. */
function sudden(name: string, harm: Harm, act: (scene: Scene) => void): Fault {
  return {
    name,
    size: [0, 0],
    inject(scene) {
      const over = scene.tracker.faultBegins(name, harm);
      act(scene);
      over();
      return Promise.resolve();
    },
  };
}

export const faults: readonly Fault[] = [
  ended('kill -9 of the bridge', 'bridge', 'kill9', ({ bridge }) => bridge),
  ended('the bridge is stopped and started', 'goodbye', 'stop', ({ bridge }) => bridge),
  {
    name: 'the bridge is frozen, and goes on',
    size: [500, 10_000],
    needsSeveral: true,
    async inject(scene, ms) {
      const over = scene.tracker.faultBegins('the bridge is frozen, and goes on', 'bridge');
      await scene.bridge.freeze(ms);
      over();
      await scene.bridge.start();
    },
  },
  {
    name: 'kill -9 of a process that stands by',
    size: [0, 2_000],
    needsSeveral: true,
    async inject(scene, ms) {
      await scene.bridge.killStandBy();
      await pause(ms);
      await scene.bridge.start();
    },
  },
  ended('kill -9 of Redis', 'redis', 'kill9', ({ redis }) => redis),
  ended('Redis is stopped and started', 'none', 'stop', ({ redis }) => redis),
  ended('kill -9 of the XMPP server', 'server', 'kill9', ({ xmpp }) => xmpp),
  ended('kill -9 of the XIMSS server', 'farSessions', 'kill9', ({ farServer }) => farServer),
  ended('the XIMSS server is stopped and started', 'farSessions', 'stop', ({ farServer }) => farServer),
  sudden('every XIMSS connection is cut', 'far', ({ wires }) => wires.far.cut()),
  sudden('the component connection is cut', 'stream', ({ wires }) => wires.xmpp.cut()),
  vanishing('XIMSS packets vanish', 'far', 'far'),
  vanishing('component packets vanish', 'stream', 'xmpp'),
  {
    name: 'the disk of Redis is full',
    size: [500, 5_000],
    async inject(scene, ms) {
      if (scene.disk === null) return; // only root can make one
      const back = scene.tracker.storeAway();
      await scene.disk.fill();
      await pause(ms);
      scene.disk.free();
      await scene.redis.start(); // with `always` it ends itself
      back();
    },
  },
  {
    name: 'the clock of the bridge jumps',
    size: [-12 * 3_600, 12 * 3_600],
    unit: 's off from now on',
    inject(scene, offsetSeconds) {
      scene.setClock(offsetSeconds * 1_000);
      return Promise.resolve();
    },
  },
  {
    name: 'a response is lost after acceptance',
    size: [1, 5],
    unit: 'times',
    async inject(scene, times) {
      for (let i = 0; i < times; i += 1) await scene.loseAnswer('a response is lost after acceptance');
    },
  },
  {
    name: 'three requests in ten are refused for a while',
    size: [500, 2_000],
    async inject(scene, ms, random) {
      for (let nth = 1; nth <= 400; nth += 1) {
        if (random.next() < 0.3)
          scene.ximss.faults.add({ request: 'sendIM', action: 'refuse', errorText: 'refused on purpose', nth });
      }
      await pause(ms);
      scene.ximss.faults.clear();
    },
  },
  {
    name: 'the XIMSS server answers late',
    size: [100, 1_000],
    async inject(scene, ms) {
      scene.ximss.faults.add({ request: 'sendIM', action: 'delay', ms, count: 20 });
      await pause(1_000);
      scene.ximss.faults.clear();
    },
  },
  {
    name: 'the Jabber users read slowly',
    size: [200, 2_000],
    async inject(scene, ms) {
      const users = scene.users();
      users?.pause();
      await pause(ms);
      users?.resume();
    },
  },
];
