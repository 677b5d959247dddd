/**
 * Keeps the accounts of the test server over a restart: one JSON file in a folder, written at most once a second when
 * something has changed, and at the end. Sessions, presence and rooms are not kept. A kill loses the last second.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Account, Accounts } from './store';

const optional = z.string().optional();
const item = z.object({
  peer: z.string(),
  name: optional,
  groups: z.array(z.string()),
  subscription: z.enum(['none', 'to', 'from', 'both']),
  isAsking: z.boolean(),
  isAsked: z.boolean(),
  isListed: z.boolean(),
});
const im = z.object({
  peer: z.string(),
  peerName: z.string(),
  type: optional,
  clientID: optional,
  iqid: optional,
  state: z.enum(['composing', 'paused', 'gone']).optional(),
  text: z.string(),
  subject: optional,
  storedAtMs: z.number().optional(),
});
const kept = z.object({
  address: z.string(),
  password: z.string(),
  realName: z.string(),
  isDisabled: z.boolean(),
  avatarHash: z.string().nullable(),
  roster: z.array(item),
  offline: z.array(im),
  files: z.array(z.object({ name: z.string(), content: z.string(), modifiedMs: z.number() })),
  dirs: z.array(z.string()),
});

const saveEveryMs = 1_000;

/** Loads what the folder holds into the accounts, then goes on saving. The result saves once more and ends it. */
export function persistAccounts(accounts: Accounts, folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'accounts.json');
  if (existsSync(path)) load(accounts, readFileSync(path, 'utf8'));
  let saved = '';
  const save = (): void => {
    const text = JSON.stringify([...accounts.all()].map(plain));
    if (text === saved) return;
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
    saved = text;
  };
  const timer = setInterval(save, saveEveryMs);
  return () => {
    clearInterval(timer);
    save();
  };
}

function plain(account: Account): z.input<typeof kept> {
  const { address, password, realName, isDisabled, avatarHash, roster, offline, files, dirs } = account;
  return {
    address,
    password,
    realName,
    isDisabled,
    avatarHash,
    offline,
    roster: [...roster.values()],
    files: [...files].map(([name, { content, modifiedMs }]) => ({
      name,
      modifiedMs,
      content: content.toString('base64'),
    })),
    dirs: [...dirs],
  };
}

function load(accounts: Accounts, text: string): void {
  for (const one of z.array(kept).parse(JSON.parse(text))) {
    const account = accounts.get(one.address) ?? accounts.add(one.address, one.password, one.realName);
    Object.assign(account, { password: one.password, realName: one.realName, isDisabled: one.isDisabled });
    account.avatarHash = one.avatarHash;
    account.roster = new Map(one.roster.map((entry) => [entry.peer, { ...entry, name: entry.name }]));
    account.offline = one.offline.map((entry) => ({
      peer: entry.peer,
      peerName: entry.peerName,
      text: entry.text,
      type: entry.type,
      clientID: entry.clientID,
      iqid: entry.iqid,
      state: entry.state,
      subject: entry.subject,
      storedAtMs: entry.storedAtMs,
    }));
    account.files = new Map(
      one.files.map(({ name, content, modifiedMs }) => [name, { content: Buffer.from(content, 'base64'), modifiedMs }]),
    );
    account.dirs = new Set(one.dirs);
  }
}
