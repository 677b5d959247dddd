/**
 * Plays a transcript: both networks scripted, the real program between them (in this process), a Redis of its own that
 * all transcripts share one after the other. What each person gets is compared in order; at the end a word goes through
 * every conversation both ways, so that whatever should not have come would have come before it.
 */
import type { App } from '../../src/app';
import { startRedis } from '../support/servers/redis';
import { makeTempDir, removeTempDir } from '../support/temp';
import { until } from '../support/wait';
import type { Step, Transcript } from './format';
import { difference, generalised } from './match';
import { startProgram } from './program';
import { makeScene, type Scene } from './scene';
import { componentSecret, startXmppNetwork } from './xmpp-network';
import { startXimssNetwork, ximssDomain } from './ximss-network';

export interface Runner {
  /** Rejects at the first line that does not hold, naming it. */
  check(transcript: Transcript): Promise<void>;
  /** Plays what is sent and gives back the transcript with what is really received. */
  rewrite(transcript: Transcript): Promise<Transcript>;
  close(): Promise<void>;
}

const receiveMs = 5_000;
/** How long `rewrite` waits for a line before it takes it out. */
const rewriteMs = 2_000;

export async function startRunner(): Promise<Runner> {
  const redis = await startRedis({ unixsocket: true, appendfsync: 'no' });

  async function play(transcript: Transcript, isRewriting: boolean): Promise<readonly Step[]> {
    await redis.cli('FLUSHALL');
    const [xmpp, ximss] = [await startXmppNetwork(), await startXimssNetwork()];
    const dir = makeTempDir('transcript');
    let app: App | null = null;
    try {
      xmpp.setRoster(transcript.jabberRoster);
      ximss.setRoster(transcript.roster);
      const scene = makeScene(transcript, xmpp, ximss);
      const servers = { redis, service: xmpp.service, secret: componentSecret, server: ximss.server };
      app = await startProgram(transcript, dir, servers);
      for (const user of transcript.linked)
        await until(() => ximss.isBound(`${user}@${ximssDomain}`), { what: `the session of ${user}` });
      return isRewriting ? await rewrite(transcript.steps, scene) : await check(transcript.steps, scene);
    } finally {
      await app?.stop();
      await Promise.all([xmpp.close(), ximss.close()]);
      removeTempDir(dir);
    }
  }

  return {
    check: async (transcript) => void (await play(transcript, false)),
    rewrite: async (transcript) => ({ ...transcript, steps: await play(transcript, true) }),
    close: () => redis.dispose(),
  };
}

async function check(steps: readonly Step[], scene: Scene): Promise<readonly Step[]> {
  for (const [index, step] of steps.entries()) {
    try {
      if (step.do === 'receives') await receive(step, scene);
      else await scene.act(step);
    } catch (error) {
      const who = 'who' in step ? step.who : 'ximss';
      throw new Error(`step ${index + 1}, ${who} ${step.do}: ${textOf(error)}`, { cause: error });
    }
  }
  await scene.settle();
  const more = scene.leftOver().map(({ who, xml }) => `${who} got ${xml.toString()}`);
  if (more.length > 0) throw new Error(`after the last line: ${more.join('\n')}`);
  return steps;
}

async function receive({ who, xml }: Extract<Step, { do: 'receives' }>, scene: Scene): Promise<void> {
  const actual = await scene.next(who, receiveMs);
  const found = difference(xml, actual, scene.bound);
  if (found !== null) throw new Error(`${found}\n  it was ${actual.toString()}`);
}

/** Lines that hold stay as they are, placeholders and all. */
async function rewrite(before: readonly Step[], scene: Scene): Promise<readonly Step[]> {
  const steps: Step[] = [];
  for (const step of before) {
    if (step.do !== 'receives') {
      if (step.do !== 'receives nothing') await scene.act(step);
      steps.push(step);
      continue;
    }
    const actual = await scene.next(step.who, rewriteMs).catch(() => null);
    if (actual === null) continue;
    const holds = difference(step.xml, actual, scene.bound) === null;
    steps.push(holds ? step : { ...step, xml: generalised(actual, scene.bound) });
  }
  await scene.settle();
  const more = scene
    .leftOver()
    .map(({ who, xml }) => ({ do: 'receives', who, xml: generalised(xml, scene.bound) }) as const);
  return [...steps, ...more];
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
