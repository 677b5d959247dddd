/**
 * The schema as a flat list of keys: one walk that the environment, the texts of problems and the masking share.
 * A step `*` in a path stands for any entry of a list.
 */
import { z } from 'zod';
import { fileSecrets, schema } from './schema';
import type { DialectKey } from './schema';

export type KeyType = 'text' | 'number' | 'numberOrWord' | 'flag' | 'list' | 'group';

export interface Key {
  readonly path: readonly string[];
  readonly type: KeyType;
  readonly isNullable: boolean;
  readonly isRequired: boolean;
  readonly isSecret: boolean;
  readonly isPath: boolean;
  /** may also be given as `<key>File` */
  readonly hasFile: boolean;
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** the words it may be; empty when it is free */
  readonly choices: readonly string[];
  readonly default: unknown;
  readonly description: string;
}

/** The part of JSON Schema that zod writes for our schema. */
interface Node {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  readonly secret?: boolean;
  readonly path?: boolean;
}

/** Every key, in the order of the schema. List keys come before the keys of their entries. */
export function allKeys(dialect: readonly DialectKey[] = []): readonly Key[] {
  const root = z.toJSONSchema(schema, { io: 'input' }) as Node; // the shape that zod documents
  return [...walk(root, [], true), ...dialect.map(dialectKey)];
}

function walk(node: Node, path: readonly string[], isRequired: boolean): Key[] {
  if (node.properties) {
    const required = node.required ?? [];
    return Object.entries(node.properties).flatMap(([name, child]) =>
      walk(child, [...path, name], required.includes(name)),
    );
  }
  const own = keyOf(node, path, isRequired);
  return node.items?.properties ? [own, ...walk(node.items, [...path, '*'], false)] : [own];
}

function keyOf(node: Node, path: readonly string[], isRequired: boolean): Key {
  const parts = [node, ...(node.anyOf ?? [])];
  const types = parts.flatMap((part) => part.type ?? []);
  const first = <T>(pick: (part: Node) => T | undefined): T | undefined => parts.map(pick).find((v) => v !== undefined);
  return {
    path,
    type: typeOf(types),
    isNullable: types.includes('null'),
    isRequired,
    isSecret: first((part) => part.secret) ?? false,
    isPath: first((part) => part.path) ?? false,
    hasFile: fileSecrets.some(({ section, key, each }) => path.join('.') === `${section}${each ? '.*' : ''}.${key}`),
    min: first((part) => part.minimum),
    max: first((part) => part.maximum),
    choices: node.enum ?? [],
    default: node.default,
    description: first((part) => part.description) ?? '',
  };
}

function typeOf(types: readonly string[]): KeyType {
  const isNumber = types.includes('number') || types.includes('integer');
  if (isNumber && types.includes('string')) return 'numberOrWord';
  if (isNumber) return 'number';
  if (types.includes('boolean')) return 'flag';
  if (types.includes('array')) return 'list';
  if (types.includes('object')) return 'group';
  return 'text';
}

function dialectKey(entry: DialectKey): Key {
  const kind = typeof entry.default;
  return {
    path: ['ximss', 'dialect', entry.key],
    type: kind === 'number' ? 'number' : kind === 'boolean' ? 'flag' : 'text',
    isNullable: false,
    isRequired: false,
    isSecret: false,
    isPath: false,
    hasFile: false,
    min: undefined,
    max: undefined,
    choices: entry.values.map(String),
    default: entry.default,
    description: entry.description,
  };
}

/** `xmpp.allowRemotePlaintext` → `BRIDGE_XMPP_ALLOW_REMOTE_PLAINTEXT`. */
export function variableOf(path: readonly string[]): string {
  const words = path.map((step) => step.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/[^A-Za-z0-9]+/g, '_'));
  return `BRIDGE_${words.join('_').toUpperCase()}`;
}
