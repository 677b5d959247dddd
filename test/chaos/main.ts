/**
 * `npm run chaos [-- --seed N --messages N --blows N --rate N --links N --peers N --server prosody|ejabberd --fsync always|everysec --binding tcp|http]`:
 * faults by the dice while messages go both ways, and a verdict on every message. A seed reproduces the order of faults.
 */
import { parseArgs } from 'node:util';
import { startEjabberd, startProsody } from '../support/servers';
import { table } from '../bench/stats';
import { runChaos } from './run';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    messages: { type: 'string', default: '10000' },
    blows: { type: 'string', default: '20' },
    rate: { type: 'string', default: '200' },
    links: { type: 'string', default: '20' },
    peers: { type: 'string', default: '5' },
    server: { type: 'string', default: 'prosody' },
    binding: { type: 'string', default: 'tcp' },
    fsync: { type: 'string', default: 'everysec' },
  },
});

const began = performance.now();
runChaos({
  start: values.server === 'ejabberd' ? startEjabberd : startProsody,
  appendfsync: values.fsync === 'always' ? 'always' : 'everysec',
  binding: values.binding === 'http' ? 'http' : 'tcp',
  seed: Number(values.seed),
  messages: Number(values.messages),
  blows: Number(values.blows),
  perSecond: Number(values.rate),
  links: Number(values.links),
  peers: Number(values.peers),
  say: (text) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(8)}s  ${text}`),
})
  .then(({ examples, ...counts }) => {
    table(
      `${values.server}, XIMSS over ${values.binding}, AOF ${values.fsync}, seed ${values.seed}, ${values.blows} faults`,
      Object.keys(counts),
      [Object.values(counts)],
    );
    for (const example of examples) console.log(example);
    const { lost, doubled, reordered, both } = counts;
    if (lost + doubled + reordered + both > 0) process.exitCode = 1;
  })
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
