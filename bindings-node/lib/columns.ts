/** Records and receipts, which read what is asked of them from the buffer in which many of them came. */

import { inspect } from 'node:util';
import { Dlsn } from './dlsn';
import { ClosedError } from './errors';
import type { NativeBatch } from './native';

/** Numbers of a receipt and of a record: `src/columns.rs` says which. */
const RECEIPT = 6;
const RECORD = 7;

const DUPLICATE = 256n;

/** In the upper half of a record's last number. */
const SET = 1 << 8;

/** What an acknowledged append survives: nothing; power loss; the loss of all but one of an ack quorum of bookies. */
export type Durability = 'memory' | 'power-loss' | 'replicated';

const LEVELS: readonly Durability[] = ['memory', 'power-loss', 'replicated'];

/** What records and receipts have in common. It has no constructor: calling one takes longer than all of what it would do. */
abstract class Place {
  /** @internal */
  protected abstract readonly numbers: BigInt64Array;
  /** @internal */
  protected abstract readonly at: number;

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

  /** @internal */
  protected number(which: number): bigint {
    return this.numbers[this.at + which] as bigint;
  }
}

/** The acknowledgement of an append. */
export class Receipt extends Place {
  /** @internal */
  protected readonly numbers: BigInt64Array;
  /** @internal */
  protected readonly at: number;

  /** @internal */
  constructor(numbers: BigInt64Array, at: number) {
    super();
    this.numbers = numbers;
    this.at = at;
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
  [inspect.custom](): object {
    const { dlsn, txid, sequenceId, durability, duplicate } = this;
    return { dlsn, txid, sequenceId, durability, duplicate };
  }
}

/** What the records of a batch share. */
interface Shared {
  numbers: BigInt64Array;
  /** The halves of the numbers, lower ones first: read without making a `bigint` of them. */
  halves: Uint32Array;
  memory: ArrayBufferLike;
  /** Where the payloads' offsets count from. */
  from: number;
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
  /** @internal */
  protected readonly numbers: BigInt64Array;
  /** @internal */
  protected readonly at: number;
  readonly #shared: Shared;
  #payload: Buffer | undefined;

  /** @internal */
  constructor(shared: Shared, at: number) {
    super();
    this.numbers = shared.numbers;
    this.at = at;
    this.#shared = shared;
  }

  /**
   * What was appended. The memory is shared by the records that were read together and stays as long as one of them or
   * their payloads does: copy what is to be kept for long (`Buffer.from(payload)`), and do not write into it or detach it.
   * @throws {@link ClosedError} if the memory was detached, by `payload.buffer.transfer()` say, which takes it from all of them.
   */
  get payload(): Buffer {
    if (this.#payload === undefined || this.#payload.length === 0) this.#payload = this.#slice();
    return this.#payload;
  }

  /** Whether the payload is a whole record set, which a reader delivers only if its options say so. */
  get recordSet(): boolean {
    return ((this.#shared.halves[2 * (this.at + 6) + 1] as number) & SET) !== 0;
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

  #slice(): Buffer {
    const { halves, memory, from } = this.#shared;
    const at = 2 * (this.at + 5);
    const offset = (halves[at] as number) + 2 ** 32 * (halves[at + 1] as number);
    try {
      return new View(memory, from + offset, halves[at + 2] as number);
    } catch (cause) {
      // Nothing else is wrong with what the native half said.
      throw new ClosedError('closed', 'the memory of the record was detached; copy payloads instead', { cause });
    }
  }
}

/**
 * The records of a batch. Each is made when it is taken: one that lies here for a while would be moved about by the garbage collector,
 * and many at once are more than the processor has at hand.
 */
export class Records {
  /** How many. */
  readonly length: number;
  readonly #shared: Shared;

  constructor({ numbers, payloads }: NativeBatch) {
    const halves = new Uint32Array(numbers.buffer, numbers.byteOffset, 2 * numbers.length);
    this.#shared = { numbers, halves, memory: payloads.buffer, from: payloads.byteOffset };
    this.length = numbers.length / RECORD;
  }

  /** One of them. */
  at(index: number): Record | undefined {
    return index < this.length ? new Record(this.#shared, index * RECORD) : undefined;
  }

  /** Those from one index to below another, or to the end. */
  slice(from: number, to: number): Record[] {
    const list = new Array<Record>(Math.trunc(Math.min(to, this.length)) - from);
    const shared = this.#shared;
    for (let row = 0; row < list.length; row++) {
      list[row] = new Record(shared, (from + row) * RECORD);
    }
    return list;
  }
}

/** The receipts in a buffer. */
export function receipts(data: Buffer): Receipt[] {
  const numbers = numbersOf(data, data.length / 8);
  const list = new Array<Receipt>(numbers.length / RECEIPT);
  for (let row = 0; row < list.length; row++) {
    list[row] = new Receipt(numbers, row * RECEIPT);
  }
  return list;
}

/** Calls and their receipts, of single appends: those between two places. */
export function* acknowledged(numbers: BigInt64Array, from: number, to: number): Generator<[number, Receipt]> {
  for (let at = from; at < to; at += RECEIPT + 1) {
    yield [Number(numbers[at]), new Receipt(numbers, at + 1)];
  }
}

function numbersOf(data: Buffer, count: number): BigInt64Array {
  if (data.byteOffset % 8 === 0) return new BigInt64Array(data.buffer, data.byteOffset, count);
  const copy = new Uint8Array(count * 8);
  copy.set(data.subarray(0, count * 8));
  return new BigInt64Array(copy.buffer);
}
