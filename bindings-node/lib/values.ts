/** Arguments: from what users pass to what the native half takes. */

import { text, type DlsnLike } from './dlsn';
import { invalid } from './errors';

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

/** The bytes of a payload, not copied. */
export function bytes(payload: Payload): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  if (typeof payload === 'string') return Buffer.from(payload);
  if (ArrayBuffer.isView(payload)) return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  if (payload instanceof ArrayBuffer) return new Uint8Array(payload);
  throw invalid('a payload is a Buffer, another view, an ArrayBuffer or a string');
}

/** Whether it is a record and not a payload alone. */
export function isRecord(record: Payload | NewRecord): record is NewRecord {
  return typeof record === 'object' && record !== null && 'payload' in record;
}

/** A number as `bigint`. */
export function integer(value: Int64 | undefined, what: string): bigint | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'bigint') return value;
  if (Number.isSafeInteger(value)) return BigInt(value);
  throw invalid(`the ${what} ${String(value)} is no whole number; beyond 2^53 use a bigint`);
}

/** What an append expects of the log. */
export function expectation(ifLast: DlsnLike | null | undefined): string | undefined {
  return ifLast === undefined ? undefined : ifLast === null ? 'none' : text(ifLast);
}

/** Records in one piece, for one crossing. */
export interface Packed {
  data: Uint8Array;
  lengths: Uint32Array;
  txids: BigInt64Array | undefined;
}

/** Puts records into one piece. */
export function pack(records: readonly (Payload | NewRecord)[]): Packed {
  if (!Array.isArray(records)) throw invalid('records are an array');
  const parts = new Array<Uint8Array>(records.length);
  const lengths = new Uint32Array(records.length);
  let txids: BigInt64Array | undefined;
  let total = 0;
  for (let at = 0; at < records.length; at++) {
    const record = records[at] as Payload | NewRecord;
    let payload = record as Payload;
    if (isRecord(record)) {
      payload = record.payload;
      if (record.txid !== undefined) {
        txids ??= new BigInt64Array(records.length).fill(NO_TXID);
        txids[at] = chosen(record.txid);
      }
    }
    const part = bytes(payload);
    parts[at] = part;
    lengths[at] = part.length;
    total += part.length;
  }
  const data = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.length;
  }
  return { data, lengths, txids };
}

function chosen(txid: Int64): bigint {
  const number = integer(txid, 'txid') as bigint;
  if (number <= NO_TXID || number > LARGEST) throw invalid(`the txid ${number} is out of the range of 64 bits`);
  return number;
}
