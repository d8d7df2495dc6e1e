/** A reader of a log. */

import type { Readable, ReadableOptions } from 'node:stream';
import { count, given, milliseconds, only } from './arguments';
import { answered, begun, call, closing, ready, type Waiting } from './calls';
import { Records, type Record } from './columns';
import { Cursor } from './cursor';
import { Dlsn } from './dlsn';
import { ClosedError } from './errors';
import { Feed, type Life } from './feed';
import type { NativeBatch, NativeReader } from './native';
import { READER_STREAM, readable } from './streams';

/** How a reader ended: it delivered what it was bounded to; it reached the end of the log; of one that was sealed. */
export type End = 'bound' | 'end' | 'sealed';

/** Records that are fetched in one crossing, if so many are within reach. */
const AHEAD = 1024;

/** How many records {@link Reader.nextBatch} answers at most, if that is not said. */
const BATCH = 1024;

const NEXT_BATCH = ['max', 'waitMs', 'signal'];

/** What {@link Reader.nextBatch} takes. */
export interface NextBatchOptions extends Waiting {
  /** The most records. 1,024 if not said. */
  max?: number | undefined;
  /** How long to wait for the first one, in milliseconds. If absent: until there is one, or the reader ends. */
  waitMs?: number | undefined;
}

/**
 * Reads a log from some position on, in order: acknowledged records only, none twice, none left out.
 *
 * ```js
 * const reader = await log.openReader({ follow: true });
 * for await (const record of reader) console.log(`${record.dlsn}`, record.payload);
 * ```
 *
 * A loop that is left can be gone on with: the reader stays open, and where it is. It fetches ahead, and while you look at a batch the
 * next ones are made ready, if there are any. So there are up to three times `readAheadBytes` of records that nobody has taken: read
 * and not fetched, made ready, and fetched, and with each of the latter two as much as 256 records more. A locked reader fetches what is
 * asked for and no more, since it looks at its lock in each call: use {@link nextBatch}.
 */
export class Reader implements AsyncIterable<Record>, AsyncDisposable {
  readonly #native: NativeReader;
  readonly #feed: Feed<Record>;
  readonly #locked: boolean;
  readonly #life: Life;
  readonly #cursor: Cursor | undefined;
  #position: Dlsn;
  #end: End | undefined;
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(native: NativeReader, locked: boolean, owner: object, life: Life) {
    this.#native = native;
    this.#locked = locked;
    this.#life = life;
    this.#position = Dlsn.trusted(native.start());
    const cursor = native.cursor();
    this.#cursor = cursor === null ? undefined : new Cursor(cursor, owner);
    this.#feed = new Feed<Record>((max, ms) => this.#fetch(max, ms), locked ? 1 : AHEAD, life, locked ? () => this.#look() : undefined);
  }

  /** The next record; `undefined` at the end, about which {@link end} says more. A reader that follows waits for one. */
  next(options?: Waiting): Promise<Record | undefined> {
    return this.#next(options, (record) => record);
  }

  /** Up to so many records: at least one, unless the reader ends or `waitMs` passes before there is any. */
  async nextBatch(options: NextBatchOptions = {}): Promise<Record[]> {
    const signal = ready(options, 'next_batch', NEXT_BATCH);
    const { max, waitMs } = given(options);
    const [most, ms] = [count(max, 'max', BATCH), milliseconds(waitMs, 'waitMs')];
    if (most > 0) return this.#feed.take('next_batch', most, ms, { signal });
    // A reader that was closed, or has lost its lock, is seen here too.
    await call<NativeBatch>((number) => void this.#native.fetch(number, 0, 0, false), { operation: 'next_batch', options: { signal }, keep: this });
    return [];
  }

  /** The records, up to the end. */
  [Symbol.asyncIterator](): AsyncIterator<Record, undefined> {
    return this.records();
  }

  /** The records, up to the end, in a loop that a signal can end with {@link CancelledError}. */
  records(options?: Waiting): AsyncIterableIterator<Record, undefined> {
    const result = (value: Record | undefined): IteratorResult<Record, undefined> =>
      value === undefined ? { done: true, value } : { done: false, value };
    const next = (): Promise<IteratorResult<Record, undefined>> => this.#next(options, result);
    const iterator: AsyncIterableIterator<Record, undefined> = { next, [Symbol.asyncIterator]: () => iterator };
    return iterator;
  }

  /** The records as a stream of objects. It closes the reader at its end and when it is destroyed. */
  stream(options: ReadableOptions = {}): Readable {
    only(given(options), READER_STREAM);
    return readable(
      (max, signal) => this.nextBatch({ max, signal }),
      () => this.close(),
      { ...options, objectMode: true },
    );
  }

  /** Where the next record will be, or before it: everything below was delivered. */
  get position(): Dlsn {
    return this.#feed.first?.dlsn ?? this.#position;
  }

  /** How the reader ended; `undefined` while it has not. */
  get end(): End | undefined {
    return this.#feed.first === undefined ? this.#end : undefined;
  }

  /** The cursor that it was opened with. That of a locked reader moves only while the reader has its lock. */
  get cursor(): Cursor | undefined {
    return this.#cursor;
  }

  /** Who waits on this reader does not keep the process alive from now on. */
  unref(): this {
    this.#feed.background = true;
    return this;
  }

  /** Who waits on this reader keeps the process alive from now on, as at first. */
  ref(): this {
    this.#feed.background = false;
    return this;
  }

  /**
   * Ends the reader, and lets its lock go: what waits on it, and every later call, fails with {@link ClosedError}. A signal ends the
   * waiting alone.
   */
  close(options?: Waiting): Promise<void> {
    return closing(() => {
      this.#feed.clear();
      this.#closed ??= call<void>((number) => this.#native.close(number), { keep: this });
      return this.#closed;
    }, options);
  }

  /** {@link close}, at the end of `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The next record, as it is shown. No async function: what is here costs one promise then, and not three. */
  #next<R>(options: Waiting | undefined, show: (record: Record | undefined) => R): Promise<R> {
    try {
      const signal = ready(options, 'next');
      const here = this.#locked ? undefined : this.#feed.here();
      if (here !== undefined) return Promise.resolve(show(here));
      return this.#feed.take('next', 1, Infinity, { signal }).then(([record]) => show(record));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What a fetch brought for nobody is a locked reader's only while it has its lock. */
  #look(): { number: number; promise: Promise<unknown> } {
    return begun<NativeBatch>((number) => void this.#native.fetch(number, 0, 0, false), this);
  }

  #fetch(max: number, ms: number): { number: number; promise: Promise<Records> } {
    const { number, promise } = begun<NativeBatch>((call) => {
      // Of a namespace that is closed, nothing is given out that was read before.
      const batch = this.#native.fetch(call, Math.min(max, MOST), ms, !this.#life.closed);
      if (batch !== null) answered(call, batch);
    }, this);
    const items = promise.then((batch) => {
      if (this.#closed !== undefined) throw closed();
      this.#position = Dlsn.trusted(batch.position);
      this.#end = batch.end as End | undefined;
      return new Records(batch);
    });
    return { number, promise: items };
  }
}

/** What the native half takes. */
const MOST = 2 ** 31;

function closed(): ClosedError {
  return new ClosedError('closed', 'the reader was closed; open it again');
}
