// Variables, lists that repeat, and payloads: from what a case says to plain values. Whole numbers are bigints.

/** A mistake of a case. */
export class Mistake extends Error {}

/** What a case has bound so far. */
export class Variables {
  #bound;

  constructor(bound = {}) {
    this.#bound = bound;
  }

  bind(name, value) {
    this.#bound[name] = value;
  }

  /** The same, with `$i` bound to a number. */
  counting(i) {
    return new Variables({ ...this.#bound, i: BigInt(i) });
  }

  /** The value with all its variables replaced and its lists written out. */
  resolve(value) {
    if (typeof value === 'string') return this.#text(value);
    if (Array.isArray(value)) return value.flatMap((item) => this.#item(item));
    if (isTable(value)) return mapped(value, (field) => this.resolve(field));
    return value;
  }

  /** An item of a list: one that repeats stands for many. */
  #item(item) {
    if (!isTable(item) || !('repeat' in item)) return [this.resolve(item)];
    const { repeat, first = 0n, ...rest } = item;
    return Array.from({ length: Number(repeat) }, (_, place) => this.counting(first + BigInt(place)).resolve(rest));
  }

  #text(text) {
    const parts = pieces(text);
    if (parts.length === 1 && parts[0].path !== undefined) {
      const [value, rest] = this.#lookUp(parts[0].path);
      if (rest === '') return value;
    }
    return parts
      .map(({ plain, path }) => {
        if (plain !== undefined) return plain;
        const [value, rest] = this.#lookUp(path);
        return `${typeof value === 'object' ? stringify(value) : value}${rest}`;
      })
      .join('');
  }

  /** The value, and the part of the path behind it that is plain text since a text or a number has no fields. */
  #lookUp(path) {
    const [name, ...fields] = path.split('.');
    if (!(name in this.#bound)) throw new Mistake(`nothing is bound to $${name}`);
    let value = this.#bound[name];
    while (fields.length > 0 && typeof value === 'object') {
      const field = fields.shift();
      const found = Array.isArray(value) && field === 'last' ? value.at(-1) : value[field];
      if (found === undefined) throw new Mistake(`$${path}: there is no ${field} in ${stringify(value)}`);
      value = found;
    }
    return [value, fields.map((field) => `.${field}`).join('')];
  }
}

/** The names of the variables in a value. */
export function names(value) {
  if (typeof value === 'string') return pieces(value).flatMap(({ path }) => (path === undefined ? [] : [path.split('.')[0]]));
  if (Array.isArray(value)) return value.flatMap(names);
  return isTable(value) ? Object.values(value).flatMap(names) : [];
}

/** Splits a text at its variables: `$` and a name, with fields behind dots. `$$` is a dollar sign. */
function pieces(text) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(/\$(?:(\$)|([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*))?/g)) {
    if (match.index > at) found.push({ plain: text.slice(at, match.index) });
    if (match[1] !== undefined) found.push({ plain: '$' });
    else if (match[2] !== undefined) found.push({ path: match[2] });
    else throw new Mistake(`${text}: no name follows a '$'; write $$ for a dollar sign`);
    at = match.index + match[0].length;
  }
  if (at < text.length || found.length === 0) found.push({ plain: text.slice(at) });
  return found;
}

/** The payload that a text or a table stands for, in hexadecimal; `undefined` if the table speaks of none. */
export function payload(value) {
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  if (!isTable(value)) return undefined;
  const given = ['text', 'hex', 'bytes'].filter((form) => form in value);
  if (given.length > 1) throw new Mistake('a payload is one of text, hex and bytes');
  switch (given[0]) {
    case 'text':
      return Buffer.from(value.text).toString('hex');
    case 'hex':
      return value.hex.toLowerCase();
    case 'bytes':
      return generated(Number(value.bytes), Number(value.seed ?? 0)).toString('hex');
    default:
      return undefined;
  }
}

/** Byte `j` of a generated payload is `(seed + 131 j + j / 256) mod 256`. */
function generated(count, seed) {
  const bytes = Buffer.alloc(count);
  for (let j = 0; j < count; j++) bytes[j] = seed + 131 * j + (j >> 8);
  return bytes;
}

/** A record to append, as agents take it. */
export function newRecord(value) {
  const stray = isTable(value) && Object.keys(value).find((name) => !['text', 'hex', 'bytes', 'seed', 'txid'].includes(name));
  if (stray) throw new Mistake(`a record to append has no ${stray}`);
  const hex = payload(value);
  if (hex === undefined) throw new Mistake('a record needs text, hex or bytes');
  return isTable(value) && 'txid' in value ? { payload: hex, txid: value.txid } : { payload: hex };
}

export function isTable(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function mapped(table, change) {
  return Object.fromEntries(Object.entries(table).map(([name, field]) => [name, change(field)]));
}

/** As JSON, on the way between processes: numbers of 64 bits are kept whole. */
export function stringify(value) {
  return JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? { $number: `${field}` } : field));
}

/** What {@link stringify} wrote. */
export function parse(text) {
  return JSON.parse(text, (_, field) => (isTable(field) && '$number' in field ? BigInt(field.$number) : field));
}
