/**
 * A XIMSS server for tests, standing in for CommuniGate Pro. It follows docs/XIMSS.md and nothing else: it shares no code
 * with the bridge, and what the document does not know it records (strict) or refuses. Everything is in memory.
 */
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { Actor } from './actor';
import { unbind } from './operations/bind';
import { Faults } from './faults';
import { makeWebServer, sniff, type WebServer } from './http/http';
import { HttpSessions } from './http/session';
import { Listener } from './listeners';
import { settingsFrom, type XimssServerOptions } from './options';
import { Sessions } from './accounts/sessions';
import type { Session } from './accounts/store';
import { Accounts, type Account } from './accounts/store';
import { Strict } from './strict';
import { TcpConnection } from './tcp/tcp';
import { WireLog, type WireEntry } from './wire-log';
import type { World } from './world';
import { el, toXml } from './xml';

export type { XimssServerOptions } from './options';
export type { Dialect } from './dialect';
export type { FaultRule } from './faults';
export type { Received, SendOptions, Actor } from './actor';

export interface SessionInfo {
  urlID: string;
  account: string;
  transport: Session['transport'];
  version: string | null;
  isBound: boolean;
  clientID: string | undefined;
  clientName: string;
  /** what the session said of itself last */
  presence: string;
}

export interface XimssServer {
  readonly tcpPort: number;
  readonly tlsPort: number | null;
  readonly httpPort: number;
  readonly httpsPort: number | null;
  /** Adds an account; throws when it exists. */
  addAccount(account: string, password: string, realName?: string): void;
  /** Ends its sessions and forgets it. */
  removeAccount(account: string): void;
  setPassword(account: string, password: string): void;
  /** The stored account, for looking into roster, files, offline messages, and for its flags. Throws when unknown. */
  account(account: string): Account;
  /** A local user without a wire, logged in and bound. Throws when the account is unknown. */
  client(account: string, clientID?: string): Actor;
  readonly faults: Faults;
  readonly strict: Strict;
  readonly log: WireLog;
  /** Called for every document on a wire, both ways. */
  onDocument(hook: ((entry: WireEntry) => void) | null): void;
  sessions(): SessionInfo[];
  /** What HTTP sessions hold that was not acknowledged, as XML: gone when they end. */
  held(): string[];
  /** Cuts every connection without a word. */
  dropAll(): void;
  /** Sends `<alert>` to the sessions of an account, or to all. */
  alert(text: string, account?: string): void;
  /** Ends the sessions of an account, or all, with `<bye/>`. */
  bye(account?: string): void;
  /** Cuts connections, ends sessions, stops listening; accounts, rosters, files and stored messages stay. */
  stop(): Promise<void>;
  /** Listens again, on the same ports. Actors come back. */
  start(): Promise<void>;
  /** For looking inside. */
  readonly world: World;
}

/** Starts a server on loopback (or `host`). Rejects when a port is taken. */
export async function startXimssServer(options: XimssServerOptions = {}): Promise<XimssServer> {
  const settings = settingsFrom(options);
  const now = (): number => Date.now();
  const world: World = {
    settings,
    accounts: new Accounts(settings.domains),
    sessions: new Sessions(settings, now),
    faults: new Faults(),
    strict: new Strict(settings.dialect),
    wireLog: new WireLog(settings.logCount, now),
    nonces: new Map(),
    recovered: [],
    logins: { nextAtMs: 0 },
    pendingIqs: new Map(),
    rooms: new Map(),
    now,
  };
  const httpSessions = new HttpSessions(world);
  const webs: Record<'clear' | 'secure', WebServer> = {
    clear: makeWebServer(world, httpSessions, false),
    secure: makeWebServer(world, httpSessions, true),
  };
  world.sessions.onEnd = (session) => {
    unbind(world, session);
    httpSessions.forget(session);
  };
  for (const { account, password, realName } of options.accounts ?? []) world.accounts.add(account, password, realName);

  const { tls } = settings;
  const context = tls === null ? null : createSecureContext(tls);
  const startTlsContext = settings.starttls ? context : null;
  const connections = new Set<TcpConnection>();
  const actors: Actor[] = [];

  const serve = (socket: Socket, isSecure: boolean): TcpConnection | null => {
    const fault = world.faults.isEmpty ? null : world.faults.pick({ kind: 'request', name: '#connect', account: null });
    if (fault?.action === 'drop') {
      socket.destroy();
      return null;
    }
    if (fault?.action === 'never') return null;
    const connection = new TcpConnection(world, socket, {
      context: isSecure ? null : startTlsContext,
      isSecure,
      onClose: (closed) => connections.delete(closed),
    });
    connections.add(connection);
    return connection;
  };
  const serveWeb = (socket: Socket, isSecure: boolean): void => {
    sniff(
      socket,
      (first) => serve(socket, isSecure)?.feed(first),
      (first) => webs[isSecure ? 'secure' : 'clear'].serve(socket, first),
    );
  };
  const listen = (port: number, isSecure: boolean, onSocket: (socket: Socket, isSecure: boolean) => void): Listener =>
    new Listener(settings.host, port, isSecure ? tls : null, (socket) => onSocket(socket, isSecure));
  const tcp = listen(settings.tcpPort, false, serve);
  const http = listen(settings.httpPort, false, serveWeb);
  const secure = tls === null ? null : listen(settings.tlsPort, true, serve);
  const https = tls === null ? null : listen(settings.httpsPort, true, serveWeb);
  const listeners = [tcp, http, secure, https].filter((listener) => listener !== null);

  let sweeper: NodeJS.Timeout | null = null;
  const start = async (): Promise<void> => {
    if (sweeper !== null) return;
    const opened = await Promise.allSettled(listeners.map((listener) => listener.open()));
    const failure = opened.find((result) => result.status === 'rejected');
    if (failure !== undefined) {
      await Promise.all(listeners.map((listener) => listener.close()));
      throw failure.reason;
    }
    for (const actor of actors) actor.suspend(false);
    const everyMs = Math.min(Math.max(settings.idleTimeoutMs / 4, 10), 1000);
    sweeper = setInterval(() => {
      world.sessions.sweep();
      for (const connection of connections) connection.sweep();
    }, everyMs).unref();
  };
  const stop = async (): Promise<void> => {
    if (sweeper !== null) clearInterval(sweeper);
    sweeper = null;
    for (const actor of actors) actor.suspend(true);
    for (const listener of listeners) listener.dropAll();
    for (const connection of [...connections]) connection.close(false);
    for (const session of world.sessions.all()) world.sessions.end(session);
    await Promise.all(listeners.map((listener) => listener.close()));
  };

  const account = (address: string): Account => {
    const found = world.accounts.get(address.toLowerCase());
    if (found === undefined) throw new Error(`no such account: ${address}`);
    return found;
  };
  const sessionsOf = (address: string | undefined): Session[] =>
    (address === undefined ? world.sessions.all() : [...account(address).sessions]).filter(
      (s) => s.transport !== 'inside',
    );

  await start();
  return {
    world,
    tcpPort: tcp.port,
    tlsPort: secure?.port ?? null,
    httpPort: http.port,
    httpsPort: https?.port ?? null,
    addAccount: (address, password, realName) => void world.accounts.add(address, password, realName),
    removeAccount: (address) => {
      const removed = world.accounts.remove(address);
      for (const session of removed?.sessions ?? []) world.sessions.end(session, true);
    },
    setPassword: (address, password) => {
      account(address).password = password;
    },
    account,
    client: (address, clientID) => {
      const actor = new Actor(world, account(address), clientID);
      actors.push(actor);
      return actor;
    },
    faults: world.faults,
    strict: world.strict,
    log: world.wireLog,
    onDocument: (hook) => {
      world.wireLog.hook = hook;
    },
    held: () => httpSessions.held().map(toXml),
    sessions: () =>
      world.sessions.all().map((session) => ({
        urlID: session.urlID,
        account: session.account.address,
        transport: session.transport,
        version: session.version,
        isBound: session.bind !== null,
        clientID: session.bind?.clientID,
        clientName: session.clientName,
        presence: session.presence?.value ?? 'offline',
      })),
    dropAll: () => {
      for (const connection of [...connections]) connection.close(false);
      for (const listener of listeners) listener.dropAll();
    },
    alert: (text, address) => {
      for (const session of sessionsOf(address)) session.sink.push(el('alert', {}, text));
    },
    bye: (address) => {
      for (const session of sessionsOf(address)) world.sessions.end(session, true);
    },
    stop,
    start,
  };
}
