/**
 * One HTTP exchange with the far server before the login (docs/XIMSS.md 3.1). As in raw-tcp.ts the certificate is looked
 * at and not enforced: nothing secret goes this way. Bounded in size and time.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { Fault } from '../../core/fault';
import { serialise, type Element } from '../../ximss/wire/element';
import type { Place } from './tcp-reach';
import { codec, lenient } from './raw-tcp';

export interface HttpPlace extends Place {
  readonly basePath: string;
  /** null: http */
  readonly tls: SecureContext | null;
}

export interface HttpAnswer {
  readonly status: number;
  /** the document, null when the body is none */
  readonly root: Element | null;
  readonly body: string;
  /** the socket the answer came by, for its certificate */
  readonly socket: Socket;
}

/** One HTTP exchange; a body makes it a POST. `path` begins with a slash. Rejects with the socket's error or the signal's reason. */
export function exchange(
  { host, port, basePath, tls }: HttpPlace,
  path: string,
  body: Element | null,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const bytes = body === null ? null : Buffer.from(serialise(body), 'utf8');
  const headers = bytes === null ? {} : { 'content-type': 'text/xml; charset=utf-8', 'content-length': bytes.length };
  const common = {
    host,
    port,
    path: `${basePath}${path}`,
    method: bytes === null ? 'GET' : 'POST',
    headers,
    agent: false,
    signal,
  };
  return new Promise((resolve, reject) => {
    const onAnswer = (answer: IncomingMessage): void => {
      const { socket } = answer;
      const parts: Buffer[] = [];
      let length = 0;
      answer.on('data', (part: Buffer) => {
        length += part.length;
        if (length > codec.limits.documentBytes) asked.destroy(new Fault('xml-limit'));
        else parts.push(part);
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const whole = Buffer.concat(parts);
        resolve({ status: answer.statusCode ?? 0, root: decoded(whole), body: whole.toString('utf8'), socket });
      });
    };
    const asked =
      tls === null ? httpRequest(common, onAnswer) : httpsRequest({ ...common, ...lenient(host, tls) }, onAnswer);
    asked.on('error', reject);
    asked.end(bytes ?? undefined);
  });
}

function decoded(bytes: Buffer): Element | null {
  try {
    return codec.decode(bytes);
  } catch {
    return null;
  }
}
