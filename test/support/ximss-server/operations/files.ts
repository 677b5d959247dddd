/**
 * The account's file storage: fileList, fileRead, fileWrite, fileRemove, fileDirCreate, and the profile kept in it
 * (docs/XIMSS.md 7.2, 7.3). Names are relative and stay inside the account; other accounts' files are refused.
 */
import { createHash } from 'node:crypto';
import { announce } from './presence';
import type { Call } from './exchange';
import { refusals } from '../refusal';
import type { Account, Session } from '../accounts/store';
import { ximssTime, type World } from '../world';
import { childOf, el, elements, parseXml, textOf, toXml, XmlError, type El } from '../xml';

const maxFiles = 500;
const profileFile = 'profile.vcf';

function fileNameOf(text: string | undefined): string {
  const name = text ?? '';
  const isSound = name.length <= 255 && !/^[~/]|\\|[\0-\x1f]/.test(name);
  if (name === '' || !isSound || name.split('/').some((part) => ['', '.', '..'].includes(part))) {
    throw refusals.badParameter('fileName');
  }
  return name;
}

const folderOf = (name: string): string => name.slice(0, Math.max(name.lastIndexOf('/'), 0));

/** fileList: the files right inside `directory`, or the one named. */
export function fileList(session: Session, call: Call): void {
  const { directory = '', fileName } = call.request.attrs;
  for (const [name, file] of session.account.files) {
    const folder = folderOf(name);
    const short = name.slice(folder === '' ? 0 : folder.length + 1);
    if (folder !== directory.replace(/\/$/, '') || (fileName !== undefined && fileName !== short)) continue;
    const times = { size: String(file.content.length), timeModified: ximssTime(file.modifiedMs) };
    call.data(el('fileInfo', { directory: folder === '' ? undefined : folder, fileName: short, ...times }));
  }
}

/** fileRead: text, `<base64>` for type binary, `<vCard>` for type vcard. */
export function fileRead(session: Session, call: Call): void {
  const { type, position, limit } = call.request.attrs;
  const fileName = fileNameOf(call.request.attrs['fileName']);
  const file = session.account.files.get(fileName);
  if (file === undefined) throw refusals.noFile();
  const whole = { size: String(file.content.length), timeModified: ximssTime(file.modifiedMs) };
  if (type === 'vcard') {
    const card = parseCard(file.content);
    if (card === null) throw refusals.badVCard();
    return call.data(el('fileData', { fileName, type, ...whole }, card));
  }
  if (type !== undefined && type !== 'binary') throw refusals.badParameter('type');
  const from = byteCount(position, 0);
  const slice = file.content.subarray(from, from + byteCount(limit, file.content.length));
  const content = type === 'binary' ? el('base64', {}, slice.toString('base64')) : slice.toString('utf8');
  const part = { position: String(from), slice: String(slice.length) };
  call.data(el('fileData', { fileName, type, ...part, ...whole }, content));
}

function byteCount(text: string | undefined, absent: number): number {
  if (text === undefined) return absent;
  if (!/^\d{1,12}$/.test(text)) throw refusals.badParameter('position or limit');
  return Number(text);
}

/** fileWrite: replaces the file. */
export function fileWrite(session: Session, call: Call): void {
  const { world, request } = call;
  const { type, uploadID } = request.attrs;
  const fileName = fileNameOf(request.attrs['fileName']);
  const { account } = session;
  if (type === 'vcard') {
    const card = childOf(request, 'vCard');
    if (card === undefined || elements(request).length !== 1) throw refusals.badVCard();
    if (fileName === profileFile) return writeVCard(world, account, card);
    return put(world, account, fileName, Buffer.from(toXml(card)));
  }
  if (type !== undefined && type !== 'binary') throw refusals.badParameter('type');
  if (uploadID !== undefined) {
    const upload = session.uploads.get(uploadID);
    if (upload === undefined) throw refusals.noFile();
    return put(world, account, fileName, upload);
  }
  const base64 = childOf(request, 'base64');
  const content = base64 === undefined ? Buffer.from(textOf(request)) : Buffer.from(textOf(base64), 'base64');
  put(world, account, fileName, content);
}

function put(world: World, account: Account, name: string, content: Buffer): void {
  if (!account.files.has(name) && account.files.size >= maxFiles) throw refusals.badParameter('too many files');
  account.files.set(name, { content, modifiedMs: world.now() });
}

export function fileRemove(session: Session, call: Call): void {
  const name = fileNameOf(call.request.attrs['fileName']);
  const { files, dirs } = session.account;
  if (!files.delete(name) && !dirs.delete(name)) throw refusals.noFile();
  if (name === profileFile) refreshAvatar(call.world, session.account, null);
}

export function fileDirCreate(session: Session, call: Call): void {
  const { dirs } = session.account;
  if (dirs.size >= maxFiles) throw refusals.badParameter('too many directories');
  dirs.add(fileNameOf(call.request.attrs['fileName']));
}

const emptyCard = el('vCard', { xmlns: 'vcard-temp' });

/** The profile of an account as an XMPP vCard; an empty one when there is none (7.1). */
export function readVCard(account: Account): El {
  const file = account.files.get(profileFile);
  return (file === undefined ? null : parseCard(file.content)) ?? emptyCard;
}

/** Stores a profile and shows the new avatar hash to those who see the account. */
export function writeVCard(world: World, account: Account, card: El): void {
  put(world, account, profileFile, Buffer.from(toXml(card)));
  refreshAvatar(world, account, card);
}

/** 6.3: presence carries the hash of the avatar in the account's storage: SHA-1 of the picture's bytes, hex. */
function refreshAvatar(world: World, account: Account, card: El | null): void {
  const photo = card === null ? undefined : childOf(card, 'PHOTO');
  const picture = photo === undefined ? undefined : childOf(photo, 'BINVAL');
  const bytes = picture === undefined ? Buffer.alloc(0) : Buffer.from(textOf(picture), 'base64');
  account.avatarHash = bytes.length === 0 ? null : createHash('sha1').update(bytes).digest('hex');
  announce(world, account);
}

function parseCard(content: Buffer): El | null {
  try {
    const { root } = parseXml(content.toString('utf8'));
    return root.name === 'vCard' ? root : null;
  } catch (error) {
    if (error instanceof XmlError) return null;
    throw error;
  }
}
