/** Records and receipts, which read what is asked of them from the buffer in which many of them came. */

import { inspect } from 'node:util';
import { Dlsn } from './dlsn';
import { ClosedError } from './errors';
import type { NativeBatch } from './native';

/** Numbers of a receipt and of a run of records: `src/columns.rs` says which. */
const RECEIPT = 6;
const RUN = 6;

const DUPLICATE = 256n;

/** In the upper half of a run's first number. */
const SET = 1 << 8;

/** What an acknowledged append survives: nothing; power loss; the loss of all but one of an ack quorum of bookies. */
export type Durability = 'memory' | 'power-loss' | 'replicated';

const LEVELS: readonly Durability[] = ['memory', 'power-loss', 'replicated'];

/** What records and receipts have in common. It has no constructor: calling one takes longer than all of what it would do. */
abstract class Place {
  /** Its position. */
  get dlsn(): Dlsn {
    return new Dlsn(this.number(0), this.number(1), this.number(2));
  }

  /** Its txid. */
  get txid(): bigint {
    return this.number(3);
  }

  /** Its place among all records of the log, from 0; `undefined` where Java DistributedLog did not count. */
  get sequenceId(): bigint | undefined {
    const id = this.number(4);
    return id < 0n ? undefined : id;
  }

  /** @internal Segment, entry, slot, txid, and sequence id, which is negative if there is none. */
  protected abstract number(which: number): bigint;
}

/**
 * The acknowledgement of an append. It reads what is asked of it from the memory of all receipts that were settled with it, which stays
 * as long as one of them does: 48 to 56 bytes for each. Copy what is to be kept for long, such as `receipt.dlsn`.
 */
export class Receipt extends Place {
  readonly #numbers: BigInt64Array;
  readonly #at: number;

  /** @internal */
  constructor(numbers: BigInt64Array, at: number) {
    super();
    this.#numbers = numbers;
    this.#at = at;
  }

  /** What it survives. */
  get durability(): Durability {
    return LEVELS[Number(this.number(5) & 255n)] ?? 'memory';
  }

  /** Whether this was a retry of an append that had been acknowledged before. */
  get duplicate(): boolean {
    return (this.number(5) & DUPLICATE) !== 0n;
  }

  /** As an object; 64-bit numbers as text. */
  toJSON(): object {
    const { dlsn, txid, sequenceId, durability, duplicate } = this;
    return { dlsn: `${dlsn}`, txid: `${txid}`, sequenceId: sequenceId?.toString(), durability, duplicate };
  }

  /** @internal */
  protected number(which: number): bigint {
    return this.#numbers[this.#at + which] as bigint;
  }

  /** @internal */
  [inspect.custom](): object {
    const { dlsn, txid, sequenceId, durability, duplicate } = this;
    return { dlsn, txid, sequenceId, durability, duplicate };
  }
}

/**
 * What `Buffer`s are made by. `Buffer.subarray` and `Buffer.from` end there too, when they have looked at what they are given, which
 * takes longer and is felt where there is one for each record.
 */
const View = (Buffer as unknown as { readonly [Symbol.species]: new (memory: ArrayBufferLike, from: number, length: number) => Buffer })[
  Symbol.species
];

/** A record as read. */
export class Record extends Place {
  readonly #batch: Records;
  readonly #row: number;
  #payload: Buffer | undefined;

  /** @internal */
  constructor(batch: Records, row: number) {
    super();
    this.#batch = batch;
    this.#row = row;
  }

  /**
   * What was appended. The memory is shared by the records that were read together and stays as long as one of them or
   * their payloads does: copy what is to be kept for long (`Buffer.from(payload)`), and do not write into it or detach it.
   * @throws {@link ClosedError} if the memory was detached, by `payload.buffer.transfer()` say, which takes it from all of them.
   */
  get payload(): Buffer {
    if (this.#payload === undefined || this.#payload.length === 0) this.#payload = this.#batch.payload(this.#row);
    return this.#payload;
  }

  /** Whether the payload is a whole record set, which a reader delivers only if its options say so. */
  get recordSet(): boolean {
    return this.#batch.isSet(this.#row);
  }

  /** As an object; the payload in base64, 64-bit numbers as text. */
  toJSON(): object {
    const { dlsn, txid, sequenceId, payload, recordSet } = this;
    return {
      dlsn: `${dlsn}`,
      txid: `${txid}`,
      sequenceId: sequenceId?.toString(),
      payload: payload.toString('base64'),
      recordSet,
    };
  }

  /** @internal */
  [inspect.custom](): object {
    const { dlsn, txid, sequenceId, payload, recordSet } = this;
    return { dlsn, txid, sequenceId, payload, recordSet };
  }

  /** @internal */
  protected number(which: number): bigint {
    return this.#batch.number(this.#row, which);
  }
}

/**
 * The records of a batch, which they share: each reads from here what it is asked for. Each is made when it is taken: one that lies here
 * for a while would be moved about by the garbage collector, and many at once are more than the processor has at hand.
 */
export class Records {
  /** How many. */
  readonly length: number;
  readonly #numbers: BigInt64Array;
  /** The halves of the numbers, lower ones first: read without making a `bigint` of them. */
  readonly #halves: Uint32Array;
  readonly #memory: ArrayBufferLike;
  /** Where the payloads' offsets count from. */
  readonly #from: number;

  constructor({ records, numbers, payloads }: NativeBatch) {
    this.length = records;
    this.#numbers = numbers;
    this.#halves = new Uint32Array(numbers.buffer, numbers.byteOffset, 2 * numbers.length);
    this.#memory = payloads.buffer;
    this.#from = payloads.byteOffset;
  }

  /** One of them. */
  at(index: number): Record | undefined {
    return index < this.length ? new Record(this, index) : undefined;
  }

  /** Those from one index to below another, or to the end. */
  slice(from: number, to: number): Record[] {
    const list = new Array<Record>(Math.trunc(Math.min(to, this.length)) - from);
    for (let row = 0; row < list.length; row++) list[row] = new Record(this, from + row);
    return list;
  }

  /** A view of a payload. */
  payload(row: number): Buffer {
    const halves = this.#halves;
    const from = halves[2 * row] as number;
    try {
      return new View(this.#memory, this.#from + from, (halves[2 * row + 2] as number) - from);
    } catch (cause) {
      // Nothing else is wrong with what the native half said.
      throw new ClosedError('closed', 'the memory of the record was detached; copy payloads instead', { cause });
    }
  }

  /** Whether a payload is a whole record set. */
  isSet(row: number): boolean {
    return ((this.#halves[2 * this.#run(row) + 1] as number) & SET) !== 0;
  }

  /** A number of a record, as {@link Place} counts them. Slots and sequence ids go up within a run. */
  number(row: number, which: number): bigint {
    const run = this.#run(row);
    const number = this.#numbers[run + 1 + which] as bigint;
    const counts = which === 2 || (which === 4 && number >= 0n);
    return counts ? number + BigInt(row - (this.#halves[2 * run] as number)) : number;
  }

  /** Where the numbers of its run are. */
  #run(row: number): number {
    return this.length + 1 + RUN * (this.#halves[2 * row + 1] as number);
  }
}

/** The receipts of one call. */
export function receipts(numbers: BigInt64Array): Receipt[] {
  const list = new Array<Receipt>(numbers.length / RECEIPT);
  for (let row = 0; row < list.length; row++) list[row] = new Receipt(numbers, row * RECEIPT);
  return list;
}

/** Calls and their receipts, of single appends: those between two places. */
export function* acknowledged(numbers: BigInt64Array, from: number, to: number): Generator<[number, Receipt]> {
  for (let at = from; at < to; at += RECEIPT + 1) {
    yield [Number(numbers[at]), new Receipt(numbers, at + 1)];
  }
}
