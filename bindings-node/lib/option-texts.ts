/** Options as the core takes them: names and texts, which it checks. */

import { given, only, string, wrong } from './arguments';
import { Dlsn } from './dlsn';
import { LOG_OPTIONS, type LogOptions } from './options';

/** Of options with these names, and maybe others: names and texts in turn. */
export function texts(options: object | undefined, names: readonly string[]): string[] {
  const pairs: string[] = [];
  const values = given(options) as { readonly [name: string]: unknown };
  for (const name of names) {
    const value = values[name];
    if (value !== undefined) pairs.push(snake(name), text(name, value));
  }
  return pairs;
}

function text(name: string, value: unknown): string {
  const what = `the option ${name}`;
  switch (typeof value) {
    case 'string':
      return string(value, what);
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'number':
      if (Number.isSafeInteger(value)) return String(value);
      throw wrong(what, 'a whole number below 2^53, a bigint or a text with a unit', value);
    case 'object':
      if (value instanceof Dlsn) return value.toString();
      if (value !== null && 'txid' in value) {
        only(value, ['txid'], `field of ${what}`);
        return `txid:${part(value.txid, `the txid of ${what}`)}`;
      }
      if (value !== null && 'waitMs' in value) {
        only(value, ['waitMs'], `field of ${what}`);
        return `wait:${part(value.waitMs, `waitMs of ${what}`)}`;
      }
  }
  throw wrong(what, 'a string, a number, true or false, or what its type says', value);
}

function part(value: unknown, what: string): string {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value);
  throw wrong(what, 'a whole number', value);
}

/** The options kept with a log, from names and texts in turn. */
export function logOptions(pairs: string[]): LogOptions {
  const options: { [name: string]: unknown } = {};
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const name = camel(pairs[at] as string);
    const value = pairs[at + 1] as string;
    const type = LOG_OPTIONS[name as keyof LogOptions] as string | undefined;
    options[name] = type === 'flag' ? value === 'true' : type === 'number' ? number(value) : value;
  }
  return options as LogOptions;
}

const UNITS: { readonly [unit: string]: number } = {
  '': 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function number(value: string): number {
  const digits = /^\d+/.exec(value)?.[0] ?? '';
  return Number(digits) * (UNITS[value.slice(digits.length)] ?? NaN);
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
