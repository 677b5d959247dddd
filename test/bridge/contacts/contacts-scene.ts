/** What the tests of contacts on fake servers share: the scene of each server, stopped afterwards, and everybody's view. */
import { account, makeScene, type Scene, type SceneOptions } from '../../support/middle-scene';
import type { Kind } from '../../support/fakes/jabber';

export const romeo = account('romeo');
export const juliet = account('juliet');
export const kinds: readonly Kind[] = ['prosody', 'ejabberd'];

/** Everybody's view of juliet and a contact, in RFC 6121's words as juliet has it. */
export function stores(scene: Scene, peer = romeo) {
  const entry = scene
    .user()
    .entries()
    .find((one) => one.account === peer);
  const item = scene.far.item(juliet, peer);
  const mirror = scene.far.item(peer, juliet);
  const words = { to: 'from', from: 'to', none: 'none', both: 'both' } as const;
  return {
    server: entry ? `${entry.subscription}${entry.ask ? ' ask' : ''}` : '-',
    far: item ? `${item.subscription}${item.isAsking ? ' ask' : ''}` : '-',
    contact: mirror ? `${words[mirror.subscription]}${mirror.isAsked ? ' ask' : ''}` : '-',
  };
}

/** Scenes on this server; those that were made are stopped after each test. Called within a `describe`. */
export function makeScenes(kind: Kind) {
  const scenes: Scene[] = [];
  afterEach(async () => {
    for (const one of scenes.splice(0)) await one.stop().catch(() => undefined);
  });

  async function scene(options: SceneOptions = {}): Promise<Scene> {
    const made = await makeScene({ kind, ...options });
    scenes.push(made);
    return made;
  }

  /** juliet and romeo see each other. */
  async function friends(options: SceneOptions = {}): Promise<Scene> {
    const s = await scene(options);
    s.user().login();
    s.user().say('subscribe', romeo);
    await s.settle();
    s.far.actor(romeo).subscribed(juliet);
    s.far.actor(romeo).subscribe(juliet);
    await s.settle();
    s.user().say('subscribed', romeo);
    await s.settle();
    expect(stores(s)).toEqual({ server: 'both', far: 'both', contact: 'both' });
    s.jabber.quiet();
    return s;
  }

  return { scene, friends };
}
