/** Where the XEP-0114 listener is, and whether the way there may be unencrypted. Pure. */
import { Fault } from '../../core/fault';

export interface Service {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** The usual component port; XEP-0114 names none, Prosody and ejabberd agree on it. */
const DEFAULT_PORT = 5347;

/** True for names and addresses that never leave this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** `xmpp://host:port` or `xmpps://host:port`. Fault bad-request when it is neither, no-tls when it is plain, remote and not allowed. */
export function parseService(text: string, allowRemotePlaintext: boolean): Service {
  const url = /^(xmpps?):\/\//i.exec(text) ? new URL(text) : null;
  const host = url?.hostname.replace(/^\[(.*)\]$/, '$1') ?? '';
  if (!url || host === '')
    throw new Fault('bad-request', { text: `"${text}" is not xmpp://host:port or xmpps://host:port.` });
  const isTls = url.protocol === 'xmpps:';
  if (!isTls && !isLoopback(host) && !allowRemotePlaintext) {
    throw new Fault('no-tls', {
      text: `${host} is another machine and xmpp:// is not encrypted: use xmpps://, a tunnel, or set xmpp.allowRemotePlaintext.`,
    });
  }
  return { host, port: url.port === '' ? DEFAULT_PORT : Number(url.port), isTls };
}
