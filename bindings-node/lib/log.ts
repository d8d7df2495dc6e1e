/** A log: where writers and readers are opened. */

import { ByteReader, ByteWriter } from './byte-streams';
import { given, only, string, wrong } from './arguments';
import { call, type Waiting } from './calls';
import { Records, type Record } from './columns';
import { Cursor, type CursorInfo } from './cursor';
import { Dlsn, text, type DlsnLike } from './dlsn';
import type { Life } from './feed';
import { logInfo, segment, type LogInfo, type SegmentInfo } from './info';
import type {
  NativeBatch,
  NativeByteReader,
  NativeByteWriter,
  NativeCursor,
  NativeCursorInfo,
  NativeLog,
  NativeLogInfo,
  NativeReader,
  NativeSegment,
  NativeWatcher,
  NativeWriter,
} from './native';
import { logOptions, texts } from './option-texts';
import { LOG_NAMES, READER_NAMES, WRITER_NAMES, type LogOptions, type ReaderOptions, type WriterOptions } from './options';
import { Reader } from './reader';
import { SegmentWatcher } from './watchers';
import { bytes, integer, type Int64, type Payload } from './values';
import { Writer } from './writer';

const OPEN_WRITER = [...WRITER_NAMES, 'signal'];
const OPEN_READER = [...READER_NAMES, 'signal'];
const COUNT = ['from', 'until', 'signal'];

/**
 * A handle on a log, from {@link Namespace.log} or {@link Namespace.openLog}. Holds nothing.
 *
 * Writers and readers are opened here. What else it can do takes nothing from its writer: ask what there is, watch it,
 * truncate what is completed, keep cursors, options and bytes with the log.
 */
export class Log {
  readonly #native: NativeLog;
  /** What must live as long as this does. */
  readonly #owner: object;
  readonly #life: Life;

  /** @internal */
  constructor(native: NativeLog, owner: object, life: Life) {
    this.#native = native;
    this.#owner = owner;
    this.#life = life;
  }

  /** Its name. */
  get name(): string {
    return this.#native.name();
  }

  /**
   * Opens the writer of this log. When it resolves, every earlier writer is cut off for good: no append of theirs that is
   * not in the log by then will ever be acknowledged.
   */
  async openWriter(options?: WriterOptions & Waiting): Promise<Writer> {
    const start = (number: number): void => this.#native.openWriter(number, texts(options, WRITER_NAMES));
    return new Writer(await this.#change<NativeWriter>('open_writer', start, options, OPEN_WRITER), this);
  }

  /** Opens a reader. */
  async openReader(options?: ReaderOptions & Waiting): Promise<Reader> {
    const start = (number: number): void => this.#native.openReader(number, texts(options, READER_NAMES));
    const locked = String(options?.locked) === 'true';
    const native = await (locked ? this.#change<NativeReader>('open_reader', start, options, OPEN_READER) : this.#look<NativeReader>('open_reader', start, options, OPEN_READER));
    return new Reader(native, locked, this, this.#life);
  }

  /** Opens the writer of this log to write a stream of bytes. It goes on at the end of what is there. */
  async openByteWriter(options?: WriterOptions & Waiting): Promise<ByteWriter> {
    const start = (number: number): void => this.#native.openByteWriter(number, texts(options, WRITER_NAMES));
    return new ByteWriter(await this.#change<NativeByteWriter>('open_byte_writer', start, options, OPEN_WRITER), this);
  }

  /**
   * Opens a reader of the stream of bytes that a {@link ByteWriter} wrote. In its options `{ txid: n }` starts at the byte
   * with the offset n; `count` and `until` count chunks.
   */
  async openByteReader(options?: ReaderOptions & Waiting): Promise<ByteReader> {
    const start = (number: number): void => this.#native.openByteReader(number, texts(options, READER_NAMES));
    return new ByteReader(await this.#look<NativeByteReader>('open_byte_reader', start, options, OPEN_READER), this, this.#life);
  }

  /** What the metadata says about the log. */
  async info(options?: Waiting): Promise<LogInfo> {
    return logInfo(await this.#look<NativeLogInfo>('info', (number) => this.#native.info(number), options));
  }

  /** Its segments, oldest first, truncated ones that are still kept included. */
  async segments(options?: Waiting): Promise<SegmentInfo[]> {
    return (await this.#look<NativeSegment[]>('segments', (number) => this.#native.segments(number), options)).map(segment);
  }

  /** Watches its segments: tells which there are, then which there are after each change, made by whatever process. */
  async watchSegments(options?: Waiting): Promise<SegmentWatcher> {
    const native = await this.#look<NativeWatcher>('watch_segments', (number) => this.#native.watchSegments(number), options);
    return new SegmentWatcher(native, this, this.#life);
  }

  /**
   * Truncates the log below `before`, at most up to the segment that is being written ({@link Writer.truncate} gets
   * further). Answers the point in force: from then on no reader starts below it.
   */
  async truncate(before: DlsnLike, options?: Waiting): Promise<Dlsn> {
    return Dlsn.trusted(await this.#change<string>('truncate', (number) => this.#native.truncate(number, text(before, 'before')), options));
  }

  /** The position of the first record whose txid is at least `txid`; `undefined` if there is none yet. */
  async dlsnAtTxid(txid: Int64, options?: Waiting): Promise<Dlsn | undefined> {
    const start = (number: number): void => this.#native.dlsnAtTxid(number, integer(txid, 'txid'));
    const found = await this.#look<string | undefined>('dlsn_at_txid', start, options);
    return found ? Dlsn.trusted(found) : undefined;
  }

  /** The first readable record; `undefined` if there is none yet. */
  async firstRecord(options?: Waiting): Promise<Record | undefined> {
    return new Records(await this.#look<NativeBatch>('first_record', (number) => this.#native.firstRecord(number), options)).at(0);
  }

  /** The last record; `undefined` if there is none that was not truncated. */
  async lastRecord(options?: Waiting): Promise<Record | undefined> {
    return new Records(await this.#look<NativeBatch>('last_record', (number) => this.#native.lastRecord(number), options)).at(0);
  }

  /** The number of readable records: as many as a reader with these bounds delivers, both included. */
  async count(bounds: { from?: DlsnLike | undefined; until?: DlsnLike | undefined } & Waiting = {}): Promise<bigint> {
    const { from, until } = given(bounds, 'bounds');
    const bound = (at: DlsnLike | undefined, what: string): string | undefined => (at === undefined ? at : text(at, what));
    const start = (number: number): void => this.#native.count(number, bound(from, 'from'), bound(until, 'until'));
    return this.#look<bigint>(from === undefined && until === undefined ? 'count' : 'count_between', start, bounds, COUNT);
  }

  /** Completes what a writer that is gone left in progress, as opening a writer and closing it would. */
  async recover(options?: Waiting): Promise<void> {
    await this.#change<void>('recover', (number) => this.#native.recover(number), options);
  }

  /** Frees what is too old or too much by the options kept with the log. Answers the point of truncation in force. */
  async applyRetention(options?: Waiting): Promise<Dlsn> {
    return Dlsn.trusted(await this.#change<string>('apply_retention', (number) => this.#native.applyRetention(number), options));
  }

  /** The options kept with the log, sizes in bytes and durations in milliseconds; the defaults, if none were set. */
  async options(options?: Waiting): Promise<LogOptions> {
    return logOptions(await this.#look<string[]>('options', (number) => this.#native.options(number), options));
  }

  /** Replaces the options kept with the log. Writers that are opened from now on go by them. */
  async setOptions(options: LogOptions, waiting?: Waiting): Promise<void> {
    if (options === undefined) throw wrong('options', 'an object', options);
    only(given(options), LOG_NAMES, 'option of a log');
    await this.#change<void>('set_options', (number) => this.#native.setOptions(number, texts(options, LOG_NAMES)), waiting);
  }

  /** The cursor of this name, which need not exist: its first move makes it. */
  async cursor(name: string, options?: Waiting): Promise<Cursor> {
    return new Cursor(await this.#look<NativeCursor>('cursor', (number) => this.#native.cursor(number, string(name, 'name')), options), this);
  }

  /** Its cursors, in byte order of their names. */
  async cursors(options?: Waiting): Promise<CursorInfo[]> {
    const cursors = await this.#look<NativeCursorInfo[]>('cursors', (number) => this.#native.cursors(number), options);
    return cursors.map(({ name, position, owner }) => ({
      name,
      position: position ? Dlsn.trusted(position) : undefined,
      owner: owner ?? undefined,
    }));
  }

  /** Bytes that the user keeps with the log; empty if none were set. */
  userMetadata(options?: Waiting): Promise<Buffer> {
    return this.#look<Buffer>('user_metadata', (number) => this.#native.userMetadata(number), options);
  }

  /** Sets the bytes that the user keeps with the log; none removes them. */
  async setUserMetadata(data: Payload, options?: Waiting): Promise<void> {
    await this.#change<void>('set_user_metadata', (number) => this.#native.setUserMetadata(number, bytes(data, 'data')), options);
  }

  #look<T>(operation: string, start: (number: number) => void, options?: Waiting, takes?: readonly string[]): Promise<T> {
    return call<T>(start, { operation, options, takes, keep: [this, this.#owner] });
  }

  #change<T>(operation: string, start: (number: number) => void, options?: Waiting, takes?: readonly string[]): Promise<T> {
    return call<T>(start, { operation, options, takes, keep: [this, this.#owner], effective: true });
  }
}
