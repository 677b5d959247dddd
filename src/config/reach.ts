/**
 * Where a running bridge listens, and its token: what the shell needs of the configuration, also when the rest of it is
 * wrong (it may be what the operator is about to put right).
 */
import { dirname, resolve } from 'node:path';
import { readEnv, type Env } from './env';
import { accepted, parseListen } from './endpoints';
import { readConfigFile } from './file';
import { allKeys } from './keys';
import { ConfigProblems, type ConfigProblem } from './problems';
import { schema } from './schema';
import { inlineSecretFiles, isGroup } from './secrets';

export interface Reach {
  readonly host: string;
  readonly port: number;
  readonly token: string | null;
}

/** Throws ConfigProblems when `http` cannot be read. A listener on all addresses is asked on the loopback. */
export function readReach(path: string | null, env: Env): Reach {
  const file = path === null ? null : readConfigFile(path);
  if (file && !file.tree) throw new ConfigProblems(file.problems);
  const found = file?.tree?.['http'];
  const http: Record<string, unknown> = isGroup(found) ? { ...found } : {};
  for (const { path: at, value } of readEnv(env, allKeys()).settings) {
    const [section, key] = at;
    if (section !== 'http' || key === undefined) continue;
    if (key === 'token' || key === 'tokenFile') for (const twin of ['token', 'tokenFile']) delete http[twin];
    http[key] = value;
  }
  const problems: ConfigProblem[] = [];
  const baseDir = path === null ? process.cwd() : dirname(resolve(path));
  inlineSecretFiles({ http }, baseDir, (at, message) => problems.push({ path: at.join('.'), message, where: null }));
  const parsed = schema.shape.http.safeParse(http);
  for (const { path: at, message } of parsed.error?.issues ?? [])
    problems.push({ path: ['http', ...at].join('.'), message, where: null });
  if (problems.length > 0 || !parsed.success) throw new ConfigProblems(problems);
  const { host, port } = accepted(parseListen, parsed.data.listen);
  const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return { host: everywhere[host] ?? host, port, token: parsed.data.token };
}
