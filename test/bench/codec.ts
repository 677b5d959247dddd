/** Codec throughput beside the bare parser on the same documents, alternating, so that a noisy machine hits both. */
import sax from 'sax';
import { makeCodec } from '../../src/ximss/wire/codec';
import { el, serialise, type Element } from '../../src/ximss/wire/element';
import { machineMs, percentile } from './load/stats';

export interface CodecFigures {
  readonly name: string;
  readonly decodeMbs: number;
  readonly decodePerSecond: number;
  readonly saxMbs: number;
  readonly encodePerSecond: number;
}

const samples: readonly (readonly [string, Element])[] = [
  [
    'a chat message',
    el(
      'readIM',
      { peer: 'romeo@example.net', peerName: 'Romeo', type: 'chat' },
      el('body', {}, 'Wherefore art thou? '.repeat(4)),
    ),
  ],
  [
    'a presence with a hash',
    el(
      'presence',
      { peer: 'romeo@example.net' },
      el('show', {}, 'dnd'),
      el('presence', {}, 'busy'),
      el('status', {}, 'in a call'),
      el('x', { xmlns: 'jabber:iq:avatar' }, el('hash', {}, 'f00d'.repeat(10))),
    ),
  ],
  ['a response', el('response', { id: '12345' })],
  [
    'a 64 KiB message',
    el('readIM', { peer: 'romeo@example.net', type: 'chat' }, el('body', {}, 'лорем ипсум '.repeat(3_000))),
  ],
];

const roundMs = 150;
const rounds = 7;

/** How often `work` runs in a second, over one round. */
function rate(work: () => void): number {
  const began = machineMs();
  let count = 0;
  while (machineMs() - began < roundMs) {
    for (let i = 0; i < 20; i += 1) work();
    count += 20;
  }
  return (count / (machineMs() - began)) * 1_000;
}

/** One row per kind of document; the median of several rounds. */
export function measureCodec(): CodecFigures[] {
  const codec = makeCodec();
  const parser = sax.parser(true, { position: false });
  return samples.map(([name, element]) => {
    const bytes = Buffer.from(serialise(element), 'utf8');
    const figures = { decode: [] as number[], bare: [] as number[], encode: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      figures.decode.push(rate(() => void codec.decode(bytes)));
      figures.bare.push(rate(() => void parser.write(bytes.toString('utf8')).close()));
      figures.encode.push(rate(() => void codec.encode([element])));
    }
    const median = (values: number[]): number => percentile(values, 50);
    const mbs = (perSecond: number): number => (perSecond * bytes.length) / 1e6;
    return {
      name,
      decodeMbs: mbs(median(figures.decode)),
      decodePerSecond: median(figures.decode),
      saxMbs: mbs(median(figures.bare)),
      encodePerSecond: median(figures.encode),
    };
  });
}
