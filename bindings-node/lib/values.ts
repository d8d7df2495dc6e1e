/** Arguments: from what users pass to what the native half takes. */

import { types } from 'node:util';
import { only, whole, wrong } from './arguments';
import { Record } from './columns';
import { Dlsn, text, type DlsnLike } from './dlsn';

/** Bytes to append or to keep; a text stands for its UTF-8. They are copied before the call returns. */
export type Payload = Uint8Array | ArrayBuffer | ArrayBufferView | string;

/** A number of 64 bits. */
export type Int64 = bigint | number;

/** A record to append, if its txid is chosen. */
export interface NewRecord {
  /** What is appended. */
  payload: Payload;
  /** The caller's number, never smaller than that of the record before. If absent: the time in milliseconds. */
  txid?: Int64 | undefined;
}

/** What stands for no txid. */
const NO_TXID = -(2n ** 63n);
const LARGEST = 2n ** 63n - 1n;

const BYTES = 'a Buffer, another view, an ArrayBuffer or a string';

/** The bytes of a payload, not copied. */
export function bytes(payload: Payload, what = 'the payload'): Uint8Array {
  if (payload instanceof Uint8Array && payload.length > 0) return payload;
  if (typeof payload === 'string') return Buffer.from(whole(payload, what));
  if (!ArrayBuffer.isView(payload) && !types.isAnyArrayBuffer(payload)) throw wrong(what, BYTES, payload);
  try {
    if (!ArrayBuffer.isView(payload)) return new Uint8Array(payload);
    // Of a view whose memory was detached, or shrunk to less, the one fails, or the other: there are no bytes, but some were meant.
    if (!types.isDataView(payload)) atFirst.call(payload, 0);
    return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  } catch {
    throw wrong(what, `${BYTES} that is still here`, payload, 'one whose memory was detached or shrunk');
  }
}

/** Those of views of any type, as they are, whatever an object says of itself. */
const TYPED = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
const atFirst = TYPED.at;
const lengthOf = Object.getOwnPropertyDescriptor(TYPED, 'byteLength')?.get as (this: Uint8Array) => number;

/** Up to how many bytes the memory is kept into which they were copied. */
const KEPT = 2 ** 20;

/** Memory to copy into, which is filled anew by each who does: new memory costs more than the copy. */
let kept = Buffer.alloc(0);

function memory(length: number): Buffer {
  if (length > KEPT) return Buffer.allocUnsafe(length);
  if (kept.length < length) kept = Buffer.allocUnsafeSlow(Math.min(KEPT, 2 * length));
  return kept.subarray(0, length);
}

/**
 * Copies bytes into one piece, which is there until the next ones are: pass it on at once. They have to be as many as they were when
 * they were looked at.
 */
export function joined(parts: readonly Uint8Array[], lengths: ArrayLike<number>, what: string): Buffer {
  let total = 0;
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] as Uint8Array;
    const length = lengthOf.call(part);
    // Else what is behind it would be what the memory held before.
    if (length !== lengths[at]) throw wrong(what, 'as long as it was when it was looked at', part, `one of ${length} bytes now`);
    total += length;
  }
  const data = memory(total);
  let offset = 0;
  for (let at = 0; at < parts.length; at++) {
    data.set(parts[at] as Uint8Array, offset);
    offset += lengths[at] as number;
  }
  return data;
}

const FIELDS = ['payload', 'txid'];

/** Whether it is a record and not a payload alone. One that was read is taken as it is, one that was made has what a record has. */
export function isRecord(record: Payload | NewRecord): record is NewRecord {
  if (typeof record !== 'object' || record === null || !('payload' in record)) return false;
  for (const name in record) {
    if (name === 'payload' || name === 'txid') continue;
    if (!(record instanceof Record)) only(record, FIELDS, 'field of a record');
    break;
  }
  return true;
}

/** A number as `bigint`. */
export function integer(value: Int64, what: string): bigint {
  if (typeof value === 'bigint') return value;
  if (Number.isSafeInteger(value)) return BigInt(value);
  throw wrong(what, 'a bigint, or a number that is whole and below 2^53', value);
}

/** A number as `bigint`, if there is one. */
export function optionalInteger(value: Int64 | undefined, what: string): bigint | undefined {
  return value === undefined ? undefined : integer(value, what);
}

/** What an append expects of the log. */
export function expectation(ifLast: DlsnLike | 'empty' | null | undefined): string | undefined {
  if (ifLast === undefined) return undefined;
  if (ifLast === null) return 'empty';
  if (typeof ifLast === 'string' || ifLast instanceof Dlsn) return text(ifLast, 'ifLast');
  throw wrong('ifLast', "a Dlsn, its text, or 'empty' or null for an empty log", ifLast);
}

/** Records in one piece, for one crossing. */
export interface Packed {
  data: Uint8Array;
  lengths: Uint32Array;
  txids: BigInt64Array | undefined;
}

/** Puts records into one piece. Nothing of the caller's may run until that is passed on: its memory is used again. */
export function pack(records: readonly (Payload | NewRecord)[], what = 'records'): Packed {
  if (!Array.isArray(records)) throw wrong(what, 'an array', records);
  const count = records.length;
  const parts = new Array<Uint8Array>(count);
  const lengths = new Uint32Array(count);
  let txids: BigInt64Array | undefined;
  for (let at = 0; at < count; at++) {
    const record = records[at] as Payload | NewRecord;
    let payload = record as Payload;
    if (isRecord(record)) {
      const { txid } = record;
      payload = record.payload;
      if (txid !== undefined) {
        txids ??= new BigInt64Array(count).fill(NO_TXID);
        txids[at] = chosen(txid);
      }
    }
    const part = bytes(payload, 'each payload');
    parts[at] = part;
    lengths[at] = part.length;
  }
  // Any of them may have been changed by a getter of a later one; from here on nothing of the caller's runs.
  return { data: joined(parts, lengths, 'each payload'), lengths, txids };
}

function chosen(txid: Int64): bigint {
  const number = integer(txid, 'each txid');
  if (number <= NO_TXID || number > LARGEST) throw wrong('each txid', 'a number of 64 bits', number);
  return number;
}
