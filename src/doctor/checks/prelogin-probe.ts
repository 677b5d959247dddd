/**
 * The far server before the login: what it offers, whether TLS comes up, which certificate it shows (docs/XIMSS.md
 * 2.1, 2.2, 3.1). Over the wire that the configuration names; nothing secret is said.
 */
import type { TLSSocket } from 'node:tls';
import type { Config } from '../../config';
import { parseXimssServer } from '../../config';
import { Fault } from '../../core/fault';
import type { Dialect } from '../../ximss/protocol/dialect';
import { childrenOf, el, type Element } from '../../ximss/wire/element';
import type { XimssContext } from '../../ximss/context';
import { readFeatures, type Features } from '../../ximss/protocol/operations';
import { certificateOf, type CertificateFacts } from './certificate';
import { httpPlace } from './ximss-context';
import { errorCode, whyUnreachable } from './tcp-reach';
import { exchange } from './http-exchange';
import { RawWire, refusalIn } from './raw-tcp';

export interface PreloginResult {
  /** what it offers, after TLS where there is some; null when it did not say */
  readonly features: Features | null;
  /** why it did not say */
  readonly refusal: string | null;
  /** TCP in clear text only: what became of starttls */
  readonly starttls: 'not-offered' | 'up' | { readonly refusal: string } | null;
  /** the certificate, null without TLS */
  readonly certificate: CertificateFacts | null;
}

export interface PreloginProbeOptions {
  readonly server: string;
  readonly context: XimssContext;
  readonly starttlsElement?: Dialect['starttlsElement'];
  /** false: TLS is not tried */
  readonly wantsTls?: boolean;
}

/** Looks. Rejects with what ended the connection. */
export async function probePrelogin(options: PreloginProbeOptions, signal: AbortSignal): Promise<PreloginResult> {
  return options.context.settings.server.binding === 'http' ? overHttp(options, signal) : overTcp(options, signal);
}

async function overTcp(
  { context: context, starttlsElement, wantsTls = true }: PreloginProbeOptions,
  signal: AbortSignal,
): Promise<PreloginResult> {
  const { settings, dialect } = context;
  const target = settings.server;
  const wire = await RawWire.open(target, target.isTls ? context.secureContext() : null, signal);
  const ask = async (): Promise<Pick<PreloginResult, 'features' | 'refusal'>> => {
    const { data, refusal } = await wire.ask(el('listFeatures', { domain: settings.domain }));
    return { features: featuresIn(data), refusal };
  };
  const certificate = (): CertificateFacts | null => (wire.tls === null ? null : certificateOf(wire.tls));
  try {
    const before = await ask();
    if (target.isTls || !wantsTls) return { ...before, starttls: null, certificate: certificate() };
    if (before.features?.hasStarttls !== true) return { ...before, starttls: 'not-offered', certificate: null };
    const { refusal } = await wire.ask(el(starttlsElement ?? dialect.starttlsElement));
    if (refusal !== null) return { ...before, starttls: { refusal }, certificate: null };
    await wire.startTls(context.secureContext());
    const after = await ask();
    return { ...after, starttls: 'up', certificate: certificate() };
  } finally {
    wire.close();
  }
}

async function overHttp(
  { server, context: context }: PreloginProbeOptions,
  signal: AbortSignal,
): Promise<PreloginResult> {
  const request = el('XIMSS', {}, el('listFeatures', { id: 'd1', domain: context.settings.domain }));
  const place = httpPlace(server, context);
  const { status, root, socket } = await exchange(place, '/ximsslogin/', request, signal);
  const certificate = place.tls === null ? null : certificateOf(socket as TLSSocket); // asked over https
  if (root === null || root.name !== 'XIMSS') {
    return { features: null, refusal: `HTTP status ${status} without a XIMSS document`, starttls: null, certificate };
  }
  const documents = childrenOf(root);
  const response = documents.find(({ name }) => name === 'response');
  return {
    features: featuresIn(documents),
    refusal: response === undefined ? null : refusalIn(response),
    starttls: null,
    certificate,
  };
}

function featuresIn(documents: readonly Element[]): Features | null {
  const found = documents.find(({ name }) => name === 'features');
  return found === undefined ? null : readFeatures(found);
}

/** Why the probe came to nothing, one sentence. The port is known to take connections. */
export function preloginFailure(thrown: unknown, server: string): string {
  const place = parseXimssServer(server) ?? { host: server, port: 0, binding: 'tcp' as const };
  const where = `${place.host} port ${place.port}`;
  const text = String(thrown);
  const code = errorCode(thrown) ?? '';
  const isLate = thrown instanceof DOMException && ['TimeoutError', 'AbortError'].includes(thrown.name);
  if (place.binding === 'http' && (isLate || code === 'ABORT_ERR' || code.startsWith('HPE_'))) {
    return `${where} takes the connection and does not answer in HTTP: it may be the TCP listener, ximss://${place.host}:${place.port}`;
  }
  if (isLate) return `${where} takes the connection and does not answer in XIMSS`;
  if (thrown instanceof Fault && (thrown.code.startsWith('xml-') || thrown.cause === 'closed by the server')) {
    return `${where} takes the connection and then does not speak XIMSS: another program may have that port`;
  }
  if (/wrong version number|packet length too long|EPROTO/.test(text)) return 'there is no TLS on that port';
  if (/unsupported protocol|alert protocol version|no protocols/.test(text))
    return 'the server has no TLS 1.2 or newer';
  const isReset = ['ECONNRESET', 'EPIPE'].includes(code);
  if (isReset && parseXimssServer(server)?.isTls === true) {
    return 'the server ends the TLS handshake: there may be no TLS on that port';
  }
  return whyUnreachable(thrown, place);
}

/** The server URL with another host. */
export function serverFor(config: Config, host: string): string {
  const place = parseXimssServer(config.ximss.server);
  const name = host.includes(':') ? `[${host}]` : host;
  return place === null
    ? config.ximss.server
    : config.ximss.server.replace(/^([a-z+]+:\/\/)(\[[^\]]*\]|[^/:]*)/i, `$1${name}`);
}
