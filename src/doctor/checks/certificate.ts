/**
 * What a server's certificate says, and in plain words what is wrong with it for us. The verdict is OpenSSL's and
 * Node's, taken from a handshake that was allowed to go on; here it is only read and explained.
 */
import type { TLSSocket } from 'node:tls';
import type { CheckResult } from '../runner';

export interface CertificateFacts {
  /** TLS version, for instance TLSv1.3 */
  readonly protocol: string;
  /** OpenSSL's or Node's code for what is wrong, null when it is accepted */
  readonly problem: string | null;
  readonly subject: string;
  readonly issuer: string;
  /** DNS names and addresses it is for */
  readonly names: readonly string[];
  readonly validFrom: string;
  readonly validTo: string;
  readonly fingerprint: string;
}

/** Reads the peer's certificate after a handshake with `rejectUnauthorized: false`. */
export function certificateOf(socket: TLSSocket): CertificateFacts {
  const certificate = socket.getPeerCertificate();
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  // Node documents an Error and gives a code as text.
  const problem: unknown = socket.authorized ? null : socket.authorizationError;
  const subjectNames = text(certificate.subjectaltname).split(/,\s*/);
  return {
    protocol: socket.getProtocol() ?? 'TLS',
    problem: problem === null ? null : problem instanceof Error ? problem.message : text(problem) || 'unknown',
    subject: text(certificate.subject?.CN),
    issuer: text(certificate.issuer?.CN) || text(certificate.issuer?.O),
    names: subjectNames.map((name) => name.replace(/^(DNS|IP Address):/, '')).filter((name) => name !== ''),
    validFrom: text(certificate.valid_from),
    validTo: text(certificate.valid_to),
    fingerprint: text(certificate.fingerprint256),
  };
}

/** What the operator must know to judge it. */
export interface Setting {
  readonly host: string;
  /** `ximss.server` with another host in it, as text to type */
  readonly serverFor: (host: string) => string;
  readonly caFile: string | null;
}

/** The row about a certificate. Never throws. */
export function certificateResult(result: CertificateFacts, { host, serverFor, caFile }: Setting): CheckResult {
  const { protocol, problem, subject, issuer, names, validTo, validFrom, fingerprint } = result;
  if (problem === null) {
    return { ok: true, detail: `${protocol}, certificate accepted for ${host}, issued by ${issuer}, until ${validTo}` };
  }
  const failed = (detail: string, advice: string): CheckResult => ({ ok: false, detail, advice });
  const shown = names.length > 0 ? names.slice(0, 8) : [subject];
  const own = [
    `Put the certificate of the authority that issued it (${issuer}) into a PEM file, and in the configuration:`,
    '    ximss:',
    `      caFile: /etc/xmpp-ximss-bridge/ca.pem${caFile === null ? '' : ` # now ${caFile}, which does not hold it`}`,
    `The server shows: subject ${subject}, SHA-256 ${fingerprint}`,
  ].join('\n');
  switch (problem) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return failed(
        `the certificate is for ${shown.join(', ')}, not for ${host}`,
        `Write the name that the certificate has:\n    ximss:\n      server: ${serverFor(shown.find((name) => !name.includes('*')) ?? 'NAME')}`,
      );
    case 'CERT_HAS_EXPIRED':
      return failed(
        `the certificate expired on ${validTo}`,
        'Renew it on the CommuniGate server (and compare the clocks).',
      );
    case 'CERT_NOT_YET_VALID':
      return failed(`the certificate is valid only from ${validFrom}`, 'Compare the clocks of both machines (NTP).');
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return failed(
        'the certificate is self-signed and not known here',
        own.replace(/^[^\n]*/, 'Save that very certificate as a PEM file, and in the configuration:'),
      );
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return failed(
        `the certificate's authority (${issuer}) is not trusted here`,
        `${own}\nOr let the server send its intermediate certificates too.`,
      );
    default:
      return failed(`the certificate is not accepted: ${problem}`, own);
  }
}
