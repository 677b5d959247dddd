/** A request and an answer of the HTTP port, as the login URL and the session URLs see them (docs/XIMSS.md 3). Data only. */
import { toXml, type El } from '../xml';

export interface HttpRequest {
  method: string;
  path: string;
  /** Query and, for a form POST, body parameters; names in lower case, the first of a name wins. */
  params: Map<string, string>;
  body: Buffer;
  contentType: string;
  authorization: string;
  isSecure: boolean;
  remoteAddress: string;
  /** Calls back once when the client is gone before the answer. */
  onGone: (step: () => void) => void;
}

/** What goes back. */
export type HttpAnswer =
  | { kind: 'xml'; root: El; headers?: Record<string, string> }
  /** Text that is already XML, or nothing (an `async` POST). */
  | { kind: 'body'; body: string; headers?: Record<string, string> }
  | { kind: 'status'; status: number; text: string; headers?: Record<string, string> }
  /** Cut the connection; or leave it hanging. */
  | { kind: 'cut' }
  | { kind: 'hang' };

export interface WritingFaults {
  garbage: string | Uint8Array | null;
  isSplit: boolean;
}

/** On the login URL text/xml marks a body of pre-login requests (3.1). */
export function isXmlBody(contentType: string): boolean {
  return /^text\/xml\b/i.test(contentType);
}

/** An answer's XML: CR LF behind it, as real servers have it (3.2 rule 1). */
export function bodyOf(root: El): string {
  return toXml(root) + '\r\n';
}
