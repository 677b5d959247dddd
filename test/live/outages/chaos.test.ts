/** The short form of `npm run chaos`: a handful of faults by a fixed seed on each server, and an account of every message. */
import { runChaos } from '../../chaos/run';
import { xmppServers } from '../../support/servers';

const seeds = { prosody: 11, ejabberd: 12 } as const;

test.each(xmppServers)(
  'on %s nothing is lost, doubled or reordered, and nothing both delivered and bounced',
  async (name, start) => {
    const faults: string[] = [];
    const { examples, sent, delivered, bounced, lostInWindow, ...bad } = await runChaos({
      start,
      appendfsync: 'always',
      binding: name === 'prosody' ? 'http' : 'tcp',
      seed: seeds[name],
      messages: 1_000,
      faults: 4,
      perSecond: 100,
      links: 5,
      peers: 3,
      say: (fault) => void faults.push(fault),
    });
    expect({ faults, examples, bad }).toMatchObject({
      bad: { lost: 0, doubled: 0, reordered: 0, both: 0, repeatedNeedlessly: 0 },
    });
    expect(delivered + bounced + lostInWindow).toBe(sent);
    expect(delivered).toBeGreaterThan(sent / 2);
    expect(faults.length).toBeGreaterThan(0);
  },
  150_000,
);
