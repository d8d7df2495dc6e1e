/** The position of a record. */

import { inspect } from 'node:util';
import { string, wrong } from './arguments';
import { checked } from './errors';
import { native } from './native';

/** A position, or its text. */
export type DlsnLike = Dlsn | string;

/**
 * The position of a record in its log: segment number, entry id within the segment, slot within the entry. Unique within
 * a log and increasing in append order. Immutable; its text is `segment:entry:slot`, such as `3:120:0`.
 */
export class Dlsn {
  /** The position of the first record of a log that was never truncated: `1:0:0`. */
  static readonly FIRST: Dlsn = new Dlsn(1n, 0n, 0n);

  /** The segment number. */
  readonly segment: bigint;
  /** The entry id within the segment, from 0. */
  readonly entry: bigint;
  /** The slot within the entry, from 0. */
  readonly slot: bigint;

  /**
   * The position with these parts.
   * @throws {@link InvalidArgumentError} if one of them is no `bigint`.
   */
  constructor(segment: bigint, entry: bigint, slot: bigint) {
    if (typeof segment !== 'bigint') throw wrong('segment', 'a bigint', segment);
    if (typeof entry !== 'bigint') throw wrong('entry', 'a bigint', entry);
    if (typeof slot !== 'bigint') throw wrong('slot', 'a bigint', slot);
    this.segment = segment;
    this.entry = entry;
    this.slot = slot;
  }

  /**
   * Reads `segment:entry:slot`.
   * @throws {@link InvalidArgumentError} for anything else.
   */
  static parse(text: string): Dlsn {
    return Dlsn.trusted(checked(native.parseDlsn(string(text, 'text'))));
  }

  /** The order of two positions, for `sort`: negative, 0 or positive. */
  static compare(one: Dlsn, other: Dlsn): number {
    return position(one, 'one').compare(other);
  }

  /** @internal Reads a text that the native half wrote. */
  static trusted(text: string): Dlsn {
    const first = text.indexOf(':');
    const second = text.indexOf(':', first + 1);
    return new Dlsn(BigInt(text.slice(0, first)), BigInt(text.slice(first + 1, second)), BigInt(text.slice(second + 1)));
  }

  /** Negative if this one comes in front of the other, 0 if they are equal, positive if it comes behind it. */
  compare(other: Dlsn): number {
    position(other, 'other');
    return order(this.segment, other.segment) || order(this.entry, other.entry) || order(this.slot, other.slot);
  }

  /** The least position after this one: where somebody goes on who is done with the record here. */
  next(): Dlsn {
    return new Dlsn(this.segment, this.entry, this.slot + 1n);
  }

  /** Whether it is the same position. */
  equals(other: Dlsn): boolean {
    return this.compare(other) === 0;
  }

  /** `segment:entry:slot`. */
  toString(): string {
    return `${this.segment}:${this.entry}:${this.slot}`;
  }

  /** The text. */
  toJSON(): string {
    return this.toString();
  }

  /** @internal */
  [inspect.custom](): string {
    return `Dlsn(${this.toString()})`;
  }
}

/** The text of a position, of whatever form. Whether a text is that of a position is seen where it is used. */
export function text(position: DlsnLike, what: string): string {
  if (position instanceof Dlsn) return position.toString();
  if (typeof position === 'string') return position;
  throw wrong(what, 'a Dlsn or its text', position);
}

function position(value: Dlsn, what: string): Dlsn {
  if (value instanceof Dlsn) return value;
  throw wrong(what, 'a Dlsn', value);
}

function order(one: bigint, other: bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
