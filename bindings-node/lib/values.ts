/** Arguments: from what users pass to what the native half takes. */

import { wrong } from './arguments';
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
  if (payload instanceof Uint8Array) return payload.length > 0 ? payload : empty(payload, what);
  if (typeof payload === 'string') return Buffer.from(payload);
  if (payload instanceof ArrayBuffer) return payload.byteLength > 0 ? new Uint8Array(payload) : empty(payload, what);
  if (!ArrayBuffer.isView(payload)) throw wrong(what, BYTES, payload);
  // That of a detached DataView cannot be asked.
  const { buffer } = payload;
  if (buffer.byteLength === 0) return empty(buffer, what);
  return new Uint8Array(buffer, payload.byteOffset, payload.byteLength);
}

/** No bytes. Of a buffer that was detached (transferred, say) there are none either, but some were meant. */
function empty(payload: Uint8Array | ArrayBufferLike, what: string): Uint8Array {
  try {
    return new Uint8Array(payload instanceof Uint8Array ? payload.buffer : payload, 0, 0);
  } catch {
    throw wrong(what, `${BYTES} that is still here`, payload, 'one whose memory was detached');
  }
}

/** Whether it is a record and not a payload alone. */
export function isRecord(record: Payload | NewRecord): record is NewRecord {
  return typeof record === 'object' && record !== null && 'payload' in record;
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
export function expectation(ifLast: DlsnLike | null | undefined): string | undefined {
  if (ifLast === undefined) return undefined;
  if (ifLast === null) return 'none';
  if (typeof ifLast === 'string' || ifLast instanceof Dlsn) return text(ifLast, 'ifLast');
  throw wrong('ifLast', 'a Dlsn, its text, or null for an empty log', ifLast);
}

/** Records in one piece, for one crossing. */
export interface Packed {
  data: Uint8Array;
  lengths: Uint32Array;
  txids: BigInt64Array | undefined;
}

/** Puts records into one piece. */
export function pack(records: readonly (Payload | NewRecord)[], what = 'records'): Packed {
  if (!Array.isArray(records)) throw wrong(what, 'an array', records);
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
    const part = bytes(payload, 'each payload');
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
  const number = integer(txid, 'each txid');
  if (number <= NO_TXID || number > LARGEST) throw wrong('each txid', 'a number of 64 bits', number);
  return number;
}
