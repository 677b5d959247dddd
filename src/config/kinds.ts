/** The kinds of values that keys of the configuration have: each gives type, bounds and the text for what is wrong. */
import { z } from 'zod';
import { parseDomain } from '../core/address';

const kib = 1024;
export const mib = 1024 * kib;

export const shaped = (accepts: (value: string) => unknown, wanted: string, description: string) =>
  z
    .string()
    .refine((value) => Boolean(accepts(value)), { error: `must be ${wanted}` })
    .meta({ description });
/** A text that is kept in its prepared form, so that two spellings of one address are one value. */
export const prepared = <T extends string>(parse: (value: string) => T | null, wanted: string, description: string) =>
  z
    .string()
    .transform((value, context) => {
      const result = parse(value);
      if (result !== null) return result;
      context.addIssue({ code: 'custom', message: `must be ${wanted}` });
      return z.NEVER;
    })
    .meta({ description });
export const secret = (description: string) => z.string().min(1).max(4096).meta({ description, secret: true });
export const path = (description: string) => z.string().min(1).max(4096).meta({ description, path: true });
export const flag = (fallback: boolean, description: string) => z.boolean().default(fallback).meta({ description });
export const choice = <const T extends readonly [string, ...string[]]>(
  values: T,
  fallback: T[number],
  description: string,
) => {
  const known: readonly T[number][] = values;
  return z.enum(known).default(fallback).meta({ description });
};
export const seconds = (fallback: number, max: number, description: string) =>
  z.number().min(1).max(max).default(fallback).meta({ description });
export const bytes = (fallback: number, max: number, description: string) =>
  z.int().min(kib).max(max).default(fallback).meta({ description });
export const count = (fallback: number, max: number, description: string) =>
  z.int().min(1).max(max).default(fallback).meta({ description });
export const domain = (description: string) =>
  prepared(parseDomain, 'a domain name, for instance chat.example.org', description);
