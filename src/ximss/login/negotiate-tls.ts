/**
 * The first words on a TCP connection (docs/XIMSS.md 2.1, 2.2): what the server offers, then TLS as the configuration
 * demands. What was said in clear text before TLS is asked for again inside it.
 */
import { Fault, toFault } from '../../core/fault';
import { listFeatures, readFeatures, type Features } from '../protocol/operations';
import type { Session } from '../session/session';
import { el } from '../wire/element';
import type { TcpTransport } from '../wire/tcp';
import type { LoginSettings } from './types';
import { isFullHouse, loginFault } from './login-fault';

/** Features and, as the configuration demands, TLS; the features are then those that were said inside TLS. Rejects no-tls. */
export async function negotiateTls(
  session: Session,
  transport: TcpTransport,
  settings: LoginSettings,
  signal: AbortSignal,
): Promise<Features> {
  const features = await featuresOf(session, settings);
  if (transport.isEncrypted || settings.starttls === 'never') return features;
  if (await startTls(session, transport, features, settings, signal)) return featuresOf(session, settings);
  if (settings.starttls === 'required') throw new Fault('no-tls');
  return features;
}

async function featuresOf(session: Session, settings: LoginSettings): Promise<Features> {
  try {
    return await session.perform(listFeatures(settings.domain));
  } catch (error) {
    const fault = toFault(error);
    if (isFullHouse(fault)) throw loginFault(fault, settings.dialect);
    if (fault.code !== 'refused') throw fault;
    return readFeatures(null);
  }
}

/** True when TLS is up, false when the server does not offer or refuses it. */
async function startTls(
  session: Session,
  transport: TcpTransport,
  features: Features,
  settings: LoginSettings,
  signal: AbortSignal,
): Promise<boolean> {
  if (!features.hasStarttls) return false;
  transport.expectTls(true);
  try {
    await session.request(el(settings.dialect.starttlsElement), 'repeatable');
  } catch (error) {
    const fault = toFault(error);
    if (fault.code !== 'refused') throw fault;
    transport.expectTls(false);
    return false;
  }
  await transport.startTls(signal);
  return true;
}
