import { createSocket, type Socket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import type { LookupAddress } from 'node:dns';
import { join } from 'node:path';
import { makeLookup } from '../../src/ops/lookup';
import { makeTempDir, removeTempDir } from '../support/temp';

/** Answers a query (RFC 1035 section 4): with this address to a question for A, with nothing to others; null: no such name. */
function answerTo(query: Buffer, address: string | null): Buffer {
  const isForA = query.readUInt16BE(query.indexOf(0, 12) + 1) === 1;
  const isAnswer = address !== null && isForA;
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(address === null ? 0x8183 : 0x8180, 2);
  head.writeUInt16BE(isAnswer ? 1 : 0, 6);
  head.writeUInt16BE(0, 10);
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  if (!isAnswer) return Buffer.concat([head, question]);
  const bytes = address.split('.').map(Number);
  return Buffer.concat([head, question, Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, ...bytes])]);
}

let server: Socket;
let asked: string[];
let servers: string[];
const system = (host: string): Promise<LookupAddress[]> => {
  asked.push(host);
  return Promise.resolve([{ address: '192.0.2.9', family: 4 }]);
};

async function nameServer(reply: (query: Buffer) => Buffer | null): Promise<void> {
  server = createSocket('udp4');
  server.on('message', (query, from) => {
    const answer = reply(query);
    if (answer) server.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  servers = [`127.0.0.1:${server.address().port}`];
}
beforeEach(() => void (asked = []));
afterEach(() => server.close());

function look(host: string, hostsFile = '/nonexistent', all = true): Promise<string | LookupAddress[]> {
  return new Promise((resolve, reject) => {
    makeLookup({ servers, hostsFile, system })(host, { all }, (error, found) =>
      error ? reject(error) : resolve(found),
    );
  });
}

test('a name that the name server knows', async () => {
  await nameServer((query) => answerTo(query, '192.0.2.1'));
  expect(await look('xmpp.example.org')).toEqual([{ address: '192.0.2.1', family: 4 }]);
  expect(await look('xmpp.example.org', undefined, false)).toBe('192.0.2.1');
  expect(asked).toEqual([]);
});

test('name servers that do not answer: an error, and the system is not asked, whose thread would outlive a stop', async () => {
  await nameServer(() => null);
  await expect(look('xmpp.example.org')).rejects.toMatchObject({ code: 'ETIMEOUT' });
  expect(asked).toEqual([]);
});

test('a name that the name server does not know may be known to the system', async () => {
  await nameServer((query) => answerTo(query, null));
  expect(await look('prosody')).toEqual([{ address: '192.0.2.9', family: 4 }]);
  expect(asked).toEqual(['prosody']);
});

test('the hosts file comes first, and localhost is the system’s', async () => {
  await nameServer(() => null);
  const dir = makeTempDir('lookup');
  const file = join(dir, 'hosts');
  writeFileSync(
    file,
    '# a comment\n192.0.2.5\tother Prosody.local prosody # here\nfd00::5 prosody\nnonsense prosody\n',
  );
  expect(await look('prosody', file)).toEqual([
    { address: '192.0.2.5', family: 4 },
    { address: 'fd00::5', family: 6 },
  ]);
  expect(await look('localhost', file)).toEqual([{ address: '192.0.2.9', family: 4 }]);
  expect(asked).toEqual(['localhost']);
  removeTempDir(dir);
});
