/** The two ends of a stream of bytes. */

import type { Readable, ReadableOptions, Writable } from 'node:stream';
import { count, given, only, wrong } from './arguments';
import { begun, call, closing, type Waiting } from './calls';
import { ClosedError, fromNative, type DlError } from './errors';
import { Feed, type Life } from './feed';
import type { NativeByteReader, NativeByteWriter, NativeChunk, NativeError } from './native';
import type { End } from './reader';
import type { Items } from './stock';
import { READER_STREAM, WRITER_STREAM, readable, writable, type WriterStreamOptions } from './streams';
import { Told } from './told';
import { bytes, integer, joined, type Int64, type Payload } from './values';

/**
 * Appends bytes to a log: the one writer of the log, as {@link Writer} is. What {@link write} took is on its way; it is
 * durable, in order, once {@link flush} resolves.
 */
export class ByteWriter implements AsyncDisposable {
  readonly #native: NativeByteWriter;
  /** What must live as long as this does. */
  readonly #owner: object;
  readonly #told = new Told();

  /** @internal */
  constructor(native: NativeByteWriter, owner: object) {
    this.#native = native;
    this.#owner = owner;
  }

  /**
   * Writes all of these bytes behind what was written before; resolves when there is room, with the offset behind them.
   * Giving it up may leave a first part of them written: {@link position} says how much.
   */
  write(data: Payload, options?: Waiting): Promise<bigint> {
    return this.#change<bigint>('write', (number) => this.#native.write(number, bytes(data, 'data')), options);
  }

  /**
   * Resolves when everything that was written is durable. After {@link StorageFullError}, {@link position} is where the
   * durable bytes end: go on from there.
   */
  flush(options?: Waiting): Promise<void> {
    return this.#look<void>('flush', (number) => this.#native.flush(number), options);
  }

  /** The offset behind what was written: that of the next byte. */
  get position(): bigint {
    return this.#native.position();
  }

  /** Ends the stream for ever: nobody can append to the log any more. */
  seal(options?: Waiting): Promise<void> {
    return this.#change<void>('seal', (number) => this.#native.seal(number), options);
  }

  /** Waits until what was written is durable, completes the segment and lets the log go. */
  close(options?: Waiting): Promise<void> {
    return this.#change<void>('close', (number) => this.#native.close(number), options);
  }

  /** Ends the writer now: what is not durable may be in the log, up to some byte, or not. */
  abort(): void {
    this.#told.aborted();
    this.#native.abort();
  }

  /** As {@link Writer.fenced}. */
  fenced(options?: Waiting): Promise<DlError> {
    const told = call<NativeError>((number) => this.#native.fenced(number), { operation: 'fenced', options, background: true });
    // Nothing that would know this writer: what waits does not keep it.
    return told.then(fromNative);
  }

  /** A stream of bytes into the log. It has finished when all is durable. */
  stream(options: WriterStreamOptions = {}): Writable {
    const sink = {
      write: (chunks: Payload[]) => this.write(chunks.length === 1 ? (chunks[0] as Payload) : together(chunks)),
      flush: () => this.flush(),
      close: () => this.close(),
      abort: () => this.abort(),
    };
    only(given(options), WRITER_STREAM);
    return writable(sink, { ...options, objectMode: false });
  }

  /** {@link close}, at the end of `await using`, as that of a {@link Writer}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#told.disposing(() => this.close());
  }

  #look<T>(operation: string, start: (number: number) => void, options: Waiting | undefined): Promise<T> {
    return call<T>(start, { operation, options, keep: [this, this.#owner], failed: this.#told.failed });
  }

  #change<T>(operation: string, start: (number: number) => void, options: Waiting | undefined): Promise<T> {
    return call<T>(start, { operation, options, keep: [this, this.#owner], effective: true, failed: this.#told.failed });
  }
}

/** Reads a log as a stream of bytes, from any offset on. Delivers durable bytes only. */
export class ByteReader implements AsyncIterable<Buffer>, AsyncDisposable {
  readonly #native: NativeByteReader;
  readonly #owner: object;
  readonly #feed: Feed<Buffer>;
  #position: bigint;
  #end: End | undefined;
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(native: NativeByteReader, owner: object, life: Life) {
    this.#native = native;
    this.#owner = owner;
    this.#position = native.start();
    this.#feed = new Feed<Buffer>(() => this.#fetch(), 1, life);
  }

  /** The next bytes, at most `max`: at least one, unless this is the end. `undefined` at the end. Of 0 none are waited for, but the calls before it are. */
  async read(max: number, options?: Waiting): Promise<Buffer | undefined> {
    if (max === undefined) throw wrong('max', 'a whole number from 0, or Infinity', max);
    const most = count(max, 'max', Infinity);
    if (most > 0) return (await this.#feed.take('read', most, Infinity, options))[0];
    // A reader that was closed is seen here too.
    await call<void>((number) => this.#native.look(number), { operation: 'read', options, keep: [this, this.#owner] });
    return Buffer.alloc(0);
  }

  /** The next bytes: what is left of the chunk at the position; `undefined` at the end. */
  async nextChunk(options?: Waiting): Promise<Buffer | undefined> {
    const [chunk] = await this.#feed.take('next_chunk', Infinity, Infinity, options);
    return chunk;
  }

  /** The chunks, up to the end. */
  [Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined> {
    return this.chunks();
  }

  /** The chunks, up to the end, in a loop that a signal can end with {@link CancelledError}. */
  async *chunks(options?: Waiting): AsyncGenerator<Buffer, undefined> {
    const next = (): Promise<Buffer | undefined> => this.nextChunk(options);
    for (let chunk = await next(); chunk !== undefined; chunk = await next()) yield chunk;
    return undefined;
  }

  /** The bytes as a stream. It closes the reader at its end and when it is destroyed. */
  stream(options: ReadableOptions = {}): Readable {
    only(given(options), READER_STREAM);
    const take = async (_max: number, signal: AbortSignal): Promise<Buffer[]> => {
      const chunk = await this.nextChunk({ signal });
      return chunk === undefined ? [] : [chunk];
    };
    return readable(take, () => this.close(), { ...options, objectMode: false });
  }

  /** The offset of the next byte. */
  get position(): bigint {
    return this.#position;
  }

  /**
   * Goes to an offset, in either direction, once the reads that were called before are settled. One behind the last byte is the end
   * for now. Given up by its signal, it says whether it {@link DlError.mayHaveTakenEffect | took effect}, and so does {@link position}.
   */
  async seek(offset: Int64, options?: Waiting): Promise<void> {
    const to = integer(offset, 'offset');
    await this.#feed.turn('seek', () => this.#seek(to), options);
  }

  /** How the reader ended; `undefined` while it has not, or is somewhere else since. */
  get end(): End | undefined {
    return this.#feed.first === undefined ? this.#end : undefined;
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

  /** Ends the reader: what waits on it, and every later call, fails with {@link ClosedError}. A signal ends the waiting alone. */
  close(options?: Waiting): Promise<void> {
    return closing(() => {
      this.#closed ??= this.#feed
        .end(closed())
        .then(() => call<void>((number) => this.#native.close(number), { keep: this }));
      return this.#closed;
    }, options);
  }

  /** {@link close}, at the end of `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #seek(to: bigint): { number: number; promise: Promise<void> } {
    const { number, promise } = begun<void>((call) => this.#native.seek(call, to), this);
    const sought = promise.then(() => {
      this.#feed.clear();
      this.#position = to;
      this.#end = undefined;
    });
    return { number, promise: sought };
  }

  #fetch(): { number: number; promise: Promise<Items<Buffer>> } {
    const { number, promise } = begun<NativeChunk>((call) => this.#native.fetch(call), [this, this.#owner]);
    const items = promise.then(({ data, position, end }) => {
      if (this.#closed !== undefined) throw closed();
      this.#end = end as End | undefined;
      if (data === undefined || data === null) return [];
      return this.#chunk(data, position - BigInt(data.length));
    });
    return { number, promise: items };
  }

  /** Bytes to give out, which begin at this offset: it may lie behind what was truncated. */
  #chunk(data: Buffer, start: bigint): Items<Buffer> {
    this.#position = start;
    const slice = (from: number, to: number): Buffer[] => {
      this.#position = start + BigInt(to);
      return [data.subarray(from, to)];
    };
    return { length: data.length, at: (index) => data.subarray(index), slice };
  }
}

function closed(): ClosedError {
  return new ClosedError('closed', 'the reader was closed; open another one');
}

function together(chunks: Payload[]): Buffer {
  const parts = chunks.map((chunk) => bytes(chunk));
  return joined(parts, parts.map(({ length }) => length), 'a chunk');
}
