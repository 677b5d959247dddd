/**
 * One start tag and character data as XML 1.0 wants them (sections 2.2, 2.11, 3.1, 3.3.3, 4.6): names, attributes, the
 * five entities that XMPP allows, character references. Pure; throws Fault xml-malformed or xml-forbidden.
 */
import { Fault } from '../../core/fault';

export interface Tag {
  readonly name: string;
  readonly attrs: Record<string, string>;
  /** `<name/>` */
  readonly isEmpty: boolean;
}

/** No stanza of any XEP comes near it. */
const attributesMax = 64;
const namePattern = /[A-Za-z_:\u0080-\uffff][-.\w:\u0080-\uffff]*/y;
const attributePattern =
  /[ \t\r\n]+([A-Za-z_:\u0080-\uffff][-.\w:\u0080-\uffff]*)[ \t\r\n]*=[ \t\r\n]*(?:"([^"<]*)"|'([^'<]*)')/y;
const restPattern = /[ \t\r\n]*(\/?)$/y;
const illegal = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/;

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** The parts of a start tag given without its angle brackets. */
export function parseTag(raw: string): Tag {
  namePattern.lastIndex = 0;
  const name = namePattern.exec(raw)?.[0];
  if (name === undefined) throw malformed('a tag without a name');
  const attrs: Record<string, string> = {};
  let at = name.length;
  for (let count = 0; ; count += 1) {
    attributePattern.lastIndex = at;
    const found = attributePattern.exec(raw);
    if (!found) break;
    const key = found[1] ?? '';
    if (Object.hasOwn(attrs, key) || key === '__proto__') throw malformed('an attribute given twice');
    if (count >= attributesMax) throw malformed('too many attributes');
    attrs[key] = unescapeXml(oneLine(found[2] ?? found[3] ?? ''));
    at = attributePattern.lastIndex;
  }
  restPattern.lastIndex = at;
  const rest = restPattern.exec(raw);
  if (!rest) throw malformed('a tag that is not well formed');
  return { name, attrs, isEmpty: rest[1] === '/' };
}

/** Character data as the text it stands for. */
export function parseText(raw: string): string {
  if (raw.includes(']]>')) throw malformed('the end of a CDATA section that did not begin');
  return unescapeXml(oneBreak(raw));
}

/** Line ends as one character; XML 1.0 section 2.11. */
export function oneBreak(raw: string): string {
  return raw.includes('\r') ? raw.replace(/\r\n?/g, '\n') : raw;
}

/** Attribute values have no line ends and tabs but escaped ones; XML 1.0 section 3.3.3. */
function oneLine(raw: string): string {
  return /[\t\r\n]/.test(raw) ? raw.replace(/\r\n|[\t\r\n]/g, ' ') : raw;
}

function unescapeXml(raw: string): string {
  if (!raw.includes('&')) return raw;
  return raw.replace(/&([^;&<]*)(;?)/g, (_all, name: string, end: string) => {
    if (end === '' || name === '') throw malformed('an ampersand that is not escaped');
    const known = Object.hasOwn(entities, name) ? entities[name] : undefined;
    if (known !== undefined) return known;
    if (!name.startsWith('#')) throw new Fault('xml-forbidden', { cause: 'an entity' });
    return character(name.slice(1));
  });
}

/** The character of a reference: `10` or `xA`. */
function character(number: string): string {
  const isHex = /^x[0-9a-fA-F]{1,8}$/.test(number);
  if (!isHex && !/^[0-9]{1,10}$/.test(number)) throw malformed('a character reference without a number');
  const code = isHex ? parseInt(number.slice(1), 16) : parseInt(number, 10);
  const text = code <= 0x10ffff ? String.fromCodePoint(code) : '\0';
  if (text.length === 1 && illegal.test(text)) throw malformed('a reference to a character that XML forbids');
  return text;
}

function malformed(why: string): Fault {
  return new Fault('xml-malformed', { cause: why });
}
