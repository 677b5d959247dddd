/** A raw HTTP client for these tests: one request, one connection, nothing retried. Every wait has a deadline. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';

export interface WebAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface WebOptions {
  type?: string;
  body?: string | Buffer;
  basic?: string;
  ca?: string;
  /** Aborts the request. */
  signal?: AbortSignal;
}

/** Sends and waits for the whole answer; rejects when the connection breaks. */
export function web(port: number, method: 'GET' | 'POST', path: string, options: WebOptions = {}): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = {};
    if (options.type !== undefined) headers['Content-Type'] = options.type;
    if (options.basic !== undefined)
      headers['Authorization'] = `Basic ${Buffer.from(options.basic).toString('base64')}`;
    const common = {
      host: '127.0.0.1',
      port,
      method,
      path,
      headers,
      agent: false,
      signal: options.signal,
      timeout: 8000,
    };
    const make = options.ca === undefined ? httpRequest : httpsRequest;
    const request = make({ ...common, ca: options.ca }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts).toString('utf8'),
        });
      });
      response.on('error', reject);
    });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('deadline')));
    request.end(options.body);
  });
}
