/**
 * `npm run chaos [-- --seed N --messages N --faults N --rate N --links N --peers N --server prosody|ejabberd --fsync always|everysec --binding tcp|http --processes N]`:
 * faults at random while messages go both ways, and an account of every message. A seed reproduces the faults, their
 * order and sizes, and who writes to whom. `--only TEXT` (repeatable) injects only faults whose names contain the text.
 * `--crashes N`: nothing but N times `kill -9` of the bridge, without an observer: how many messages are lost per crash.
 * `--processes N`: so many processes of the bridge, of which one serves and the others stand by.
 * `--log FILE` keeps the bridge's log.
 */
import { createWriteStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { startEjabberd, startProsody } from '../support/servers';
import { table } from '../bench/load/stats';
import { runChaos } from './run';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    messages: { type: 'string', default: '10000' },
    faults: { type: 'string', default: '20' },
    rate: { type: 'string', default: '200' },
    links: { type: 'string', default: '20' },
    peers: { type: 'string', default: '5' },
    server: { type: 'string', default: 'prosody' },
    binding: { type: 'string', default: 'tcp' },
    processes: { type: 'string', default: '1' },
    fsync: { type: 'string', default: 'everysec' },
    only: { type: 'string', multiple: true, default: [] },
    crashes: { type: 'string' },
    log: { type: 'string' },
  },
});
const log = values.log === undefined ? null : createWriteStream(values.log);
const crashes = values.crashes === undefined ? null : Number(values.crashes);

// what was started ends with this process, if it ends by itself
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const began = performance.now();
runChaos({
  start: values.server === 'ejabberd' ? startEjabberd : startProsody,
  appendfsync: values.fsync === 'always' ? 'always' : 'everysec',
  binding: values.binding === 'http' ? 'http' : 'tcp',
  processes: Number(values.processes),
  seed: Number(values.seed),
  messages: Number(values.messages),
  faults: crashes ?? Number(values.faults),
  only: crashes === null ? values.only : ['kill -9 of the bridge'],
  isObserved: crashes === null,
  ...(log === null ? {} : { onLog: (line) => void log.write(`${JSON.stringify(line)}\n`) }),
  perSecond: Number(values.rate),
  links: Number(values.links),
  peers: Number(values.peers),
  say: (text) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(8)}s  ${text}`),
})
  .then(({ examples, windows, ...counts }) => {
    table(
      `${values.server}, XIMSS over ${values.binding}, AOF ${values.fsync}, seed ${values.seed}, ${crashes ?? values.faults} faults`,
      Object.keys(counts),
      [Object.values(counts)],
    );
    table(
      'in the windows',
      [
        'fault',
        'injected',
        'lost from Jabber',
        'lost from XIMSS',
        'doubled',
        'lost per fault',
        'repeated',
        'most by one',
      ],
      windows.map(({ fault, injected, lostToFar, lostToJabber, doubled, repeated, repeatedMost }) => [
        fault,
        injected,
        lostToFar,
        lostToJabber,
        doubled,
        (lostToFar + lostToJabber) / injected,
        repeated,
        repeatedMost,
      ]),
    );
    for (const example of examples) console.log(example);
    const { lost, doubled, reordered, both, repeatedNeedlessly } = counts;
    if (lost + doubled + reordered + both + repeatedNeedlessly > 0) process.exitCode = 1;
  })
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
