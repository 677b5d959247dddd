/**
 * A throw-away certificate authority and a server certificate for localhost, made with the openssl program.
 * Made once per process, held as PEM text; the files lie in a temporary folder only while openssl runs.
 * Not for anything but tests: ten days of life, no revocation, keys readable by the whole process.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCertificate {
  /** The authority a client should trust (PEM). */
  ca: string;
  /** The server's certificate, followed by nothing (PEM); names: localhost, 127.0.0.1, ::1 and what was asked for. */
  cert: string;
  /** The server's private key (PEM). */
  key: string;
}

const made = new Map<string, TestCertificate>();

/** The process-wide certificate; `extraNames` are more DNS names for it. Throws when openssl is missing. */
export function testCertificate(extraNames: string[] = []): TestCertificate {
  const cacheKey = extraNames.join(' ');
  const known = made.get(cacheKey);
  if (known !== undefined) return known;
  const fresh = makeCertificate(extraNames);
  made.set(cacheKey, fresh);
  return fresh;
}

function makeCertificate(extraNames: string[]): TestCertificate {
  const dir = mkdtempSync(join(tmpdir(), 'ximss-cert-'));
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: 'pipe', timeout: 30_000 });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'];
  try {
    const names = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1', ...extraNames.map((name) => `DNS:${name}`)];
    const extensions = [
      'basicConstraints=CA:FALSE',
      'extendedKeyUsage=serverAuth,clientAuth', // nodes of a Redis Cluster are both to each other
      `subjectAltName=${names.join(',')}`,
    ];
    writeFileSync(join(dir, 'server.ext'), extensions.join('\n') + '\n');
    openssl(
      'req',
      '-x509',
      ...newKey,
      '-days',
      '10',
      '-subj',
      '/CN=test authority',
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
    );
    openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr');
    openssl(
      ...['x509', '-req', '-sha256', '-days', '10', '-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key'],
      ...['-CAcreateserial', '-extfile', 'server.ext', '-out', 'server.crt'],
    );
    const read = (name: string): string => readFileSync(join(dir, name), 'utf8');
    return { ca: read('ca.crt'), cert: read('server.crt'), key: read('server.key') };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
