/** What callers pass, looked at before anything is done with it: JavaScript has whatever type it likes. */

import { InvalidArgumentError } from './errors';

/** An argument that cannot be right: which one, what it has to be, and what it is. */
export function wrong(what: string, wanted: string, value: unknown, is = shown(value)): InvalidArgumentError {
  return new InvalidArgumentError('invalid-argument', `${what} has to be ${wanted}, not ${is}`);
}

/** The options of a call: none, if they are left out. */
export function given<T extends object>(options: T | undefined, what = 'options'): T | Partial<T> {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw wrong(what, 'an object', options);
  return options;
}

/**
 * Refuses what an object has beside these names: it would be left out silently. What is `undefined` asks for nothing, and what is
 * inherited is of its class: an `AbortController`, which has a signal, has `abort` too.
 */
export function only(object: object, names: readonly string[], what = 'option of this call'): void {
  for (const name in object) {
    if (names.includes(name) || !Object.hasOwn(object, name) || (object as { [name: string]: unknown })[name] === undefined) continue;
    const unknown = name.length > SHOWN ? `of ${name.length} characters` : JSON.stringify(name);
    throw new InvalidArgumentError('invalid-argument', `there is no ${what} ${unknown}; there are ${names.join(', ')}`);
  }
}

/** A text that is UTF-8 on the other side. */
export function string(value: unknown, what: string): string {
  if (typeof value !== 'string') throw wrong(what, 'a string', value);
  return whole(value, what);
}

/** A text, if it is one: what is no Unicode would be changed on its way. */
export function whole(text: string, what: string): string {
  if (text.isWellFormed()) return text;
  throw new InvalidArgumentError('invalid-argument', `${what} has half a surrogate pair, which is no text`);
}

/** A text, if there is one. */
export function optionalString(value: unknown, what: string): string | undefined {
  return value === undefined ? undefined : string(value, what);
}

/** A yes or no; no, if it is left out. */
export function flag(value: unknown, what: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw wrong(what, 'true or false', value);
}

/** A function, if there is one. */
export function optionalFunction<T>(value: T | undefined, what: string): T | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw wrong(what, 'a function', value);
}

/** How many: `otherwise`, if it is left out. */
export function count(value: unknown, what: string, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === Infinity)) return value;
  throw wrong(what, 'a whole number from 0, or Infinity', value);
}

/** Milliseconds to wait: for ever, if they are left out. */
export function milliseconds(value: unknown, what: string): number {
  if (value === undefined) return Infinity;
  if (typeof value === 'number' && value >= 0) return value;
  throw wrong(what, 'a number of milliseconds from 0', value);
}

/** The most of a text that a message repeats. */
const SHOWN = 100;

/** What a value is, for a message. Calls nothing of the value's own. */
function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > SHOWN ? `a string of ${value.length} characters` : `the string ${JSON.stringify(value)}`;
    case 'number':
    case 'bigint':
      return digits(value);
    case 'undefined':
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'an array' : 'an object of another kind';
    default:
      return `a ${typeof value}`;
  }
}

function digits(value: number | bigint): string {
  const text = String(value);
  return text.length > SHOWN ? `a number of ${text.length} digits` : `the number ${text}`;
}
