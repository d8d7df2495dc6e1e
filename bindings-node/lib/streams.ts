/** Streams of Node over readers and writers. */

import { Readable, Writable, type ReadableOptions, type WritableOptions } from 'node:stream';
import { thrown } from './errors';

/** What {@link Writer.stream} and {@link ByteWriter.stream} take. */
export interface WriterStreamOptions extends WritableOptions {
  /** Whether the writer is closed when the stream has finished, and aborted when it is destroyed before. True if not said. */
  closeWriter?: boolean | undefined;
}

/** What streams of either direction take of what Node has: nothing that would be replaced. */
const STREAM = ['highWaterMark', 'objectMode', 'signal', 'autoDestroy', 'emitClose', 'captureRejections', 'construct'];

/** The options of a stream out of a reader. */
export const READER_STREAM: readonly string[] = ['encoding', ...STREAM];

/** The options of a stream into a writer. */
export const WRITER_STREAM: readonly string[] = ['closeWriter', 'decodeStrings', 'defaultEncoding', ...STREAM];

/** A stream of what `take` answers: nothing more once that is empty. */
export function readable(
  take: (max: number, signal: AbortSignal) => Promise<unknown[]>,
  close: () => Promise<void>,
  options: ReadableOptions,
): Readable {
  const given = new AbortController();
  const read = async function (this: Readable, size: number): Promise<void> {
    try {
      const items = await take(Math.max(1, size), given.signal);
      if (items.length === 0) this.push(null);
      for (const item of items) this.push(item);
    } catch (error) {
      if (!given.signal.aborted) this.destroy(error as Error);
    }
  };
  return made(
    () =>
      new Readable({
        ...options,
        read(size) {
          void read.call(this, size);
        },
        destroy(error, done) {
          given.abort();
          close().then(
            () => done(error),
            (failure: Error) => done(error ?? failure),
          );
        },
      }),
  );
}

/** What a stream does with a writer. */
export interface Sink<T> {
  /** Takes chunks; resolves when more may come. */
  write(chunks: T[]): Promise<unknown>;
  /** Resolves when everything is durable. */
  flush(): Promise<void>;
  close(): Promise<void>;
  abort(): void;
}

/** A stream into a writer. What gathers while a write is under way is written at once. */
export function writable<T>(sink: Sink<T>, { closeWriter = true, ...options }: WriterStreamOptions): Writable {
  // Whatever is thrown at the call is the stream's error too, as a chunk may be that cannot be right.
  const then = (work: () => Promise<unknown>, done: (error?: Error | null) => void): void => {
    const worked = async (): Promise<unknown> => work();
    worked().then(
      () => done(),
      (error: Error) => done(error),
    );
  };
  let finished = false;
  return made(
    () =>
      new Writable({
        decodeStrings: false,
        ...options,
        write(chunk: T, encoding, done) {
          then(() => sink.write([meant(chunk, encoding)]), done);
        },
        writev(chunks, done) {
          then(() => sink.write(chunks.map(({ chunk, encoding }) => meant(chunk as T, encoding))), done);
        },
        final(done) {
          const end = async (): Promise<void> => {
            await sink.flush();
            if (closeWriter) await sink.close();
            finished = true;
          };
          then(end, done);
        },
        destroy(error, done) {
          if (closeWriter && !finished) sink.abort();
          done(error);
        },
      }),
  );
}

/** A chunk as it was meant: text that came with an encoding stands for bytes. In UTF-8 it is left to who looks whether it is text. */
function meant<T>(chunk: T, encoding: BufferEncoding | null | undefined): T {
  // A stream of objects has none, unless it was said with the chunk.
  if (typeof chunk !== 'string' || !encoding || UTF_8.includes(encoding.toLowerCase())) return chunk;
  // Bytes are taken wherever text is.
  return Buffer.from(chunk, encoding) as T;
}

const UTF_8 = ['utf8', 'utf-8'];

/** A stream; what Node says of its options is said as of any other argument. */
function made<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw thrown(error);
  }
}
