/** The writer of a log. */

import type { Writable } from 'node:stream';
import { given, only, string } from './arguments';
import { appended, call, ready, type Waiting } from './calls';
import { receipts, type Receipt } from './columns';
import { Dlsn, text, type DlsnLike } from './dlsn';
import { checked, fromNative, invalid, thrown, type DlError } from './errors';
import type { NativeError, NativeWriter } from './native';
import { WRITER_STREAM, writable, type WriterStreamOptions } from './streams';
import { Told } from './told';
import { bytes, expectation, isRecord, optionalInteger, pack, type Int64, type NewRecord, type Payload } from './values';

/** What an append expects of the log. */
export interface Condition {
  /**
   * The position that the last record of the log has to have, judged after all earlier appends of this writer; `'empty'`
   * or `null`: the log has to be empty. If not so, the append fails with {@link ConditionFailedError}, which says what the
   * last one is.
   */
  ifLast?: DlsnLike | 'empty' | null | undefined;
}

/** What {@link Writer.append} takes. */
export interface AppendOptions extends Condition, Waiting {
  /** The caller's number, never smaller than that of the record before. If absent: the time in milliseconds. */
  txid?: Int64 | undefined;
}

/** What {@link Writer.tryAppend} takes. */
export interface TryAppendOptions extends Waiting {
  /** As for {@link Writer.append}. */
  txid?: Int64 | undefined;
}

/** What {@link Writer.appendBatch} takes. */
export interface BatchOptions extends Condition, Waiting {}

/** What {@link Writer.appendRecordSet} takes. */
export interface RecordSetOptions extends Condition, Waiting {
  /** The txid of all members. */
  txid?: Int64 | undefined;
  /** How the set is compressed. Not at all, if not said. */
  compression?: 'none' | 'lz4' | undefined;
}

const APPEND = ['txid', 'ifLast', 'signal'];
const TRY_APPEND = ['txid', 'signal'];
const BATCH = ['ifLast', 'signal'];
const RECORD_SET = ['txid', 'ifLast', 'compression', 'signal'];

/**
 * The one writer of a log, open.
 *
 * The promise of an append is its acknowledgement: the record is durable. Many may be in flight, and they are settled in
 * order. After the first fatal error ({@link FencedError} above all) every later call fails with it: open a new writer to
 * go on. {@link InvalidArgumentError}, {@link TooLargeError}, {@link ConditionFailedError}, {@link QuotaExceededError},
 * {@link BusyError} and {@link StorageFullError} refuse one append and leave the writer as it was.
 *
 * ```js
 * const receipt = await writer.append('an order');
 * const all = await Promise.all(orders.map((order) => writer.append(order)));
 * ```
 *
 * A writer that is garbage collected without {@link close} is aborted.
 */
export class Writer implements AsyncDisposable {
  readonly #native: NativeWriter;
  /** What must live as long as this does. */
  readonly #owner: object;
  readonly #told = new Told();

  /** @internal */
  constructor(native: NativeWriter, owner: object) {
    this.#native = native;
    this.#owner = owner;
  }

  /**
   * Appends a record; resolves when it is durable. It waits for room where too much is in flight: `await` {@link ready}
   * first in loops that do not await their appends.
   *
   * A receipt holds the numbers of all that were acknowledged together with it: where one is kept for long, keep its `dlsn`, say.
   *
   * Giving it up by its signal does not undo it, once it has its place; before that it is not appended.
   */
  append(record: Payload | NewRecord, options: AppendOptions = {}): Promise<Receipt> {
    return this.#change<Receipt>('append', (number) => {
      const { payload, txid = options.txid } = isRecord(record) ? record : { payload: record };
      const chosen = optionalInteger(txid, 'txid');
      const expected = expectation(options.ifLast);
      // Last of all, for no getter comes between these bytes and their copy.
      this.#native.append(number, bytes(payload), chosen, expected);
      appended();
    }, options, APPEND);
  }

  /**
   * Appends a record if there is room now.
   * @throws {@link BusyError} at once if there is none, or appends that were called before wait for it, and whatever else refuses it at the call.
   */
  tryAppend(record: Payload | NewRecord, options: TryAppendOptions = {}): Promise<Receipt> {
    const signal = ready(options, 'try_append', TRY_APPEND);
    let refused: { error: unknown } | undefined;
    const receipt = this.#change<Receipt>('try_append', (number) => {
      try {
        const { payload, txid = options.txid } = isRecord(record) ? record : { payload: record };
        const chosen = optionalInteger(txid, 'txid');
        checked(this.#native.tryAppend(number, bytes(payload), chosen));
        appended();
      } catch (error) {
        refused = { error: thrown(error) };
        throw refused.error;
      }
    }, { signal });
    if (refused === undefined) return receipt;
    receipt.catch(() => {});
    throw refused.error;
  }

  /**
   * Appends records one behind the other, in one crossing; resolves when all are durable, with a receipt for each. If one
   * fails, so does this, with the {@link DlError.receipts} of those in front of it. Each is an
   * append of its own: behind one that found no space ({@link StorageFullError}) others may be acknowledged. {@link appendBatch} appends all or none.
   */
  appendMany(records: readonly (Payload | NewRecord)[], options?: Waiting): Promise<Receipt[]> {
    return this.#change<Receipt[]>('append_many', (number) => {
      const { data, lengths, txids } = pack(records);
      this.#native.appendMany(number, data, lengths, txids);
    }, options, undefined, receipts);
  }

  /** Appends records that are all in the log, in consecutive slots, or none of them. */
  appendBatch(records: readonly (Payload | NewRecord)[], options: BatchOptions = {}): Promise<Receipt[]> {
    return this.#change<Receipt[]>('append_batch', (number) => {
      const expected = expectation(options.ifLast);
      const { data, lengths, txids } = pack(records);
      this.#native.appendBatch(number, data, lengths, txids, expected);
    }, options, BATCH, receipts);
  }

  /** Appends payloads as a record set, which is stored as one record: all of them are in the log, or none. */
  appendRecordSet(payloads: readonly Payload[], options: RecordSetOptions = {}): Promise<Receipt[]> {
    return this.#change<Receipt[]>('append_record_set', (number) => {
      const { txid, compression = 'none', ifLast } = options;
      const [chosen, packing, expected] = [optionalInteger(txid, 'txid'), string(compression, 'compression'), expectation(ifLast)];
      const { data, lengths, txids } = pack(payloads, 'payloads');
      if (txids !== undefined) throw invalid('a member of a record set has no txid of its own');
      this.#native.appendRecordSet(number, data, lengths, chosen, packing, expected);
    }, options, RECORD_SET, receipts);
  }

  /** Resolves when there is room for a record, and all appends that were called before have theirs. */
  ready(options?: Waiting): Promise<void> {
    return this.#look('ready', (number) => this.#native.ready(number), options);
  }

  /** Resolves when all appends that were called before are settled, those too that wait for room. */
  flush(options?: Waiting): Promise<void> {
    return this.#look('flush', (number) => this.#native.flush(number), options);
  }

  /**
   * Truncates the log below `before`. If that lies in the segment being written, the segment is completed first. Answers
   * the point in force: from then on no reader starts below it.
   */
  async truncate(before: DlsnLike, options?: Waiting): Promise<Dlsn> {
    return Dlsn.trusted(await this.#change<string>('truncate', (number) => this.#native.truncate(number, text(before, 'before')), options));
  }

  /**
   * Ends the log for ever: every later append, of this or any other writer, fails with {@link SealedError}, and so do those of
   * this one that wait for room: await {@link flush} first where some may.
   */
  seal(options?: Waiting): Promise<void> {
    return this.#change('seal', (number) => this.#native.seal(number), options);
  }

  /**
   * Settles what was appended, completes the segment and lets the log go, within `closeTimeoutMs`. Appends that wait for room fail
   * with {@link ClosedError}: await {@link flush} first where some may.
   */
  close(options?: Waiting): Promise<void> {
    return this.#change('close', (number) => this.#native.close(number), options);
  }

  /** Ends the writer now: all that is not acknowledged fails with {@link ClosedError}, and may be in the log or not. */
  abort(): void {
    this.#told.aborted();
    this.#native.abort();
  }

  /** The position of the log's last record, of those that are acknowledged; `undefined` if there is none. */
  get lastDlsn(): Dlsn | undefined {
    const { dlsn } = this.#native.last();
    return dlsn ? Dlsn.trusted(dlsn) : undefined;
  }

  /** The txid of the log's last record, of those that are acknowledged; `undefined` if there is none. */
  get lastTxid(): bigint | undefined {
    return this.#native.last().txid ?? undefined;
  }

  /**
   * Resolves when the writer is cut off by another, or ends for any other reason, with the error that its calls then fail
   * with. It keeps neither the process alive nor the writer: one that is garbage collected ends.
   */
  fenced(options?: Waiting): Promise<DlError> {
    const told = call<NativeError>((number) => this.#native.fenced(number), { operation: 'fenced', options, background: true });
    // Nothing that would know this writer: what waits does not keep it.
    return told.then(fromNative);
  }

  /**
   * A stream of objects into the log, records or payloads. What is written while appends are under way is appended
   * together when they are acknowledged; `highWaterMark` records may wait for that. It has finished when all is durable.
   */
  stream(options: WriterStreamOptions = {}): Writable {
    const sink = {
      write: (chunks: (Payload | NewRecord)[]) => this.appendMany(chunks),
      flush: () => this.flush(),
      close: () => this.close(),
      abort: () => this.abort(),
    };
    only(given(options), WRITER_STREAM);
    return writable(sink, { ...options, objectMode: true });
  }

  /** {@link close}, at the end of `await using`. It does not fail for what a call on this writer already failed for, nor after {@link abort}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#told.disposing(() => this.close());
  }

  /** A call after which things are as before, also if it was given up. */
  #look<T>(operation: string, start: (number: number) => void, options?: Waiting): Promise<T> {
    return call<T>(start, { operation, options, keep: [this, this.#owner], failed: this.#told.failed });
  }

  #change<T>(
    operation: string,
    start: (number: number) => void,
    options?: Waiting,
    takes?: readonly string[],
    show?: (value: never) => T,
  ): Promise<T> {
    return call<T>(start, { operation, options, takes, keep: [this, this.#owner], effective: true, show, failed: this.#told.failed });
  }
}
