/**
 * Host names to addresses, as the sockets of the bridge ask for them. `getaddrinfo` keeps a thread until it gives up, and a process cannot
 * end before: with name servers that are away a stop took ten seconds more. So the hosts file is read and the name servers are
 * asked here; the system is asked only when they have answered that they do not know the name (it may have search domains and
 * other sources, and answers at once then). It keeps nothing: a server that moved is found at the next try.
 */
import { lookup as lookupOfSystem } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP, type LookupFunction } from 'node:net';

export interface LookupOptions {
  /** addresses of name servers; the system's when left out */
  readonly servers?: readonly string[];
  readonly hostsFile?: string;
  /** asks the system; its thread is busy until it has answered */
  readonly system?: (host: string) => Promise<LookupAddress[]>;
}

/** A query to one name server, in ms, and how often each is asked. */
const patience = { timeout: 1_000, tries: 2 };

/** For the `lookup` option of sockets. The error is that of node:dns (`ENOTFOUND`, `ETIMEOUT`, …). */
export function makeLookup(options: LookupOptions = {}): LookupFunction {
  return (host, { all, family }, done) => {
    const isWanted = (one: LookupAddress): boolean =>
      !family || `IPv${one.family}` === String(family) || one.family === family;
    find(host.toLowerCase(), options).then(
      (found) => {
        const addresses = found.filter(isWanted);
        const [first] = addresses;
        if (!first) done(Object.assign(new Error(`no address of ${host}`), { code: 'ENOTFOUND' }), '', 0);
        else if (all) done(null, addresses);
        else done(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => done(error, '', 0),
    );
  };
}

async function find(host: string, options: LookupOptions): Promise<LookupAddress[]> {
  const system = options.system ?? askSystem;
  if (host === 'localhost' || host.endsWith('.localhost')) return system(host);
  const listed = await listedIn(options.hostsFile ?? '/etc/hosts', host);
  if (listed.length > 0) return listed;
  const resolver = new Resolver(patience);
  if (options.servers) resolver.setServers(options.servers);
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length > 0) return found.map(addressOf);
  if (answers.some((answer) => answer.status === 'rejected' && isTimeout(answer.reason))) throw timeoutOf(host);
  return system(host);
}

/** The addresses that the hosts file has for a name; none when there is no such file. */
async function listedIn(file: string, host: string): Promise<LookupAddress[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const rows = text.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  return rows.flatMap(([address = '', ...names]) =>
    isIP(address) !== 0 && names.some((name) => name.toLowerCase() === host) ? [addressOf(address)] : [],
  );
}

function addressOf(address: string): LookupAddress {
  return { address, family: isIP(address) };
}

function timeoutOf(host: string): Error {
  return Object.assign(new Error(`no answer of a name server about ${host}`), { code: 'ETIMEOUT' });
}

/** The name servers were silent; any other code is an answer of theirs. */
function isTimeout(reason: unknown): boolean {
  return typeof reason === 'object' && reason !== null && 'code' in reason && reason.code === 'ETIMEOUT';
}

function askSystem(host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookupOfSystem(host, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });
}
