/** A test server and a far port on it, over a chosen wire; the tests of whole conversations begin here. */
import { testCertificate } from '../support/cert';
import { startXimssServer, type XimssServer, type XimssServerOptions } from '../support/ximss-server/server';
import { until } from '../support/wait';
import type { FarSettings } from '../../src/ximss/port';
import { account, jid, linkOf, makeFarUnderTest, type FarUnderTest, serverAt } from './support';

export const wires = ['tcp', 'starttls', 'tls', 'http', 'https'] as const;
export type Wire = (typeof wires)[number];

export const juliet = jid('juliet@example.org');
export const julietAccount = account('juliet@example.net');
export const romeo = account('romeo@example.net');

const accounts = [
  { account: 'juliet@example.net', password: 'secret', realName: 'Juliet' },
  { account: 'romeo@example.net', password: 'other', realName: 'Romeo' },
];

export interface Scenario extends FarUnderTest {
  readonly server: XimssServer;
  /** Opens juliet's link and waits until it is online. */
  online(): Promise<void>;
  /** Waits for a status of juliet's link. */
  status(wanted: string): Promise<void>;
  /** Statuses juliet's link went through. */
  statuses(): string[];
}

const { ca, cert, key } = testCertificate();

function settingsFor(wire: Wire, server: XimssServer): Partial<FarSettings> {
  switch (wire) {
    case 'tcp':
      return { server: serverAt(`ximss://127.0.0.1:${server.tcpPort}`) };
    case 'starttls':
      return { server: serverAt(`ximss://localhost:${server.tcpPort}`), starttls: 'required', ca };
    case 'tls':
      return { server: serverAt(`ximss+tls://127.0.0.1:${server.tlsPort}`), ca };
    case 'http':
      return { server: serverAt(`http://127.0.0.1:${server.httpPort}`) };
    case 'https':
      return { server: serverAt(`https://localhost:${server.httpsPort}`), ca };
  }
}

/** Starts both; every scenario must be ended. */
export async function startScenario(
  wire: Wire = 'tcp',
  options: XimssServerOptions = {},
  settings: Partial<FarSettings> | ((server: XimssServer) => Partial<FarSettings>) = {},
): Promise<Scenario> {
  const needsTls = wire === 'starttls' || wire === 'tls' || wire === 'https';
  const server = await startXimssServer({ accounts, ...(needsTls ? { tls: { cert, key } } : {}), ...options });
  const changes = typeof settings === 'function' ? settings(server) : settings;
  const tested = makeFarUnderTest({ ...settingsFor(wire, server), ...changes });
  const statuses = (): string[] =>
    tested.heard.statuses.filter(({ user }) => user === juliet).map(({ status }) => status);
  const status = async (wanted: string): Promise<void> => {
    await until(() => tested.far.status(juliet) === wanted, {
      what: () => `${wanted}, after ${statuses().join(' ')} ${tested.heard.statuses.at(-1)?.fault?.code ?? ''}`,
    });
  };
  return {
    ...tested,
    server,
    statuses,
    status,
    online: async () => {
      tested.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
      await status('online');
    },
    end: async () => {
      await tested.end();
      // libuv cannot reset a socket in the middle of its shutdown: the handle would stay and keep the process alive
      await until(() => !process.getActiveResourcesInfo().includes('SimpleShutdownWrap'));
      await server.stop();
    },
  };
}

/**
 * Scenarios over one wire for the tests of a block: the returned function begins one and gives it away; after each test it is
 * ended, and nothing may have been against the protocol, nor an error in the log.
 */
export function scenariosOver(wire: Wire, given: (scenario: Scenario) => void) {
  let scenario: Scenario;
  afterEach(async () => {
    await scenario.end();
    expect(scenario.server.strict.violations).toEqual([]);
    expect(scenario.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
  return async (options?: XimssServerOptions, settings?: Parameters<typeof startScenario>[2]): Promise<void> => {
    scenario = await startScenario(wire, options, settings);
    given(scenario);
  };
}
