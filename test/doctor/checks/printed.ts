/** All rows that the doctor prints for a configuration, in a temporary folder of each test. */

import { doctorChecks } from '../../../src/doctor';
import { runChecks } from '../../../src/doctor/runner';
import { freePort } from '../../support/ports';
import { silentLog } from '../../support/silence';
import { makeTempDir, removeTempDir } from '../../support/temp';
import { configOf } from '../support';

let dir = '';
beforeEach(() => {
  dir = makeTempDir('doctor');
});
afterEach(() => removeTempDir(dir));

/** The temporary folder of the present test. */
export const here = (): string => dir;

/** All rows for a configuration, as printed. */
export async function rows(
  env: Record<string, string>,
  wishes = { accounts: false },
): Promise<{ passed: boolean; text: string }> {
  const config = configOf({ BRIDGE_DATA_DIR: dir, BRIDGE_HTTP_LISTEN: `127.0.0.1:${await freePort()}`, ...env });
  const lines: string[] = [];
  const checks = doctorChecks(config, silentLog, wishes);
  const passed = await runChecks({ checks, print: (line) => void lines.push(line.replace(/ {2,}/g, ' | ')) });
  return { passed, text: lines.join('\n') };
}
