/** What we use of @xmpp/component 0.13 (its Component and the connection beneath); the packages ship no types. */
declare module '@xmpp/component' {
  import type { EventEmitter } from 'node:events';
  import type { Element } from '@xmpp/xml';

  export type Status =
    | 'offline'
    | 'connecting'
    | 'connect'
    | 'opening'
    | 'open'
    | 'online'
    | 'closing'
    | 'close'
    | 'disconnecting'
    | 'disconnect';

  /** What the library calls on the socket it makes; it listens to connect, data, error and close. */
  export interface StreamSocket extends EventEmitter {
    connect(parameters: unknown): unknown;
    write(text: string, done?: (error?: Error | null) => void): unknown;
    end(text?: string): unknown;
  }

  /** What the library listens to: start (header), element, end (header), error. */
  export interface StreamParser extends EventEmitter {
    write(data: Uint8Array | string): void;
  }

  /**
   * Events: `status` (status, argument), then the status itself; `stanza` and `nonza` (element); `error` (error). The argument is the
   * header with `open`, the service with `connecting`.
   */
  export interface Component extends EventEmitter {
    readonly status: Status;
    readonly reconnect: { stop(): void };
    Socket: new () => StreamSocket;
    Parser: new () => StreamParser;
    connect(service: string): Promise<unknown>;
    open(options: { readonly domain: string; readonly timeout?: number }): Promise<Element>;
    /** `timeout` in ms; 0: none */
    close(timeout?: number): Promise<Element>;
    socketParameters(service: string): unknown;
    authenticate(id: string | undefined, password: string): Promise<void>;
    write(text: string): Promise<void>;
    _onData(bytes: Uint8Array): void;
    _onStreamError(error: Element): void;
    _status(status: Status, ...args: unknown[]): void;
    _detachParser(): void;
  }

  export function component(options: {
    readonly service: string;
    readonly domain: string;
    readonly password: string;
  }): Component;
}
