/**
 * The two test accounts of a run, from the command line and the environment: USER@DOMAIN with the password in
 * BRIDGE_DOCTOR_PASSWORD1 and 2 (or …_FILE), or USER@DOMAIN:PASSWORD. Never prints a password.
 */
import { readFileSync } from 'node:fs';
import { parseAccount, type Account } from '../../core/address';

export interface TestAccount {
  readonly account: Account;
  readonly password: string;
}

export type TestAccounts = readonly [TestAccount, TestAccount];

type Env = Readonly<Record<string, string | undefined>>;

/** The two accounts, or what is wrong as text for the operator. */
export function readTestAccounts(args: readonly string[], env: Env): TestAccounts | string {
  if (args.length !== 2) return '--ximss wants two test accounts: --ximss USER1@DOMAIN USER2@DOMAIN';
  const [first, second] = args.map((arg, at) => readTestAccount(arg, at + 1, env));
  if (typeof first === 'string') return first;
  if (typeof second === 'string') return second;
  if (first === undefined || second === undefined) return '--ximss wants two test accounts';
  if (first.account === second.account) return '--ximss wants two different accounts';
  return [first, second];
}

function readTestAccount(arg: string, number: number, env: Env): TestAccount | string {
  const colon = arg.indexOf(':', arg.indexOf('@'));
  const address = colon < 0 ? arg : arg.slice(0, colon);
  const account = parseAccount(address);
  if (account === null) return `"${address}" is no account like romeo@example.net`;
  if (colon >= 0) return { account, password: arg.slice(colon + 1) };
  const variable = `BRIDGE_DOCTOR_PASSWORD${number}`;
  const [plain, file] = [env[variable], env[`${variable}_FILE`]];
  if (plain) return { account, password: plain };
  if (!file) {
    return `the password of ${account} is missing; type: read -rs ${variable} && export ${variable}\n(or ${variable}_FILE=PATH)`;
  }
  try {
    const password = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    return password === '' ? `${file} is empty` : { account, password };
  } catch {
    return `${file} (${variable}_FILE) cannot be read`;
  }
}
