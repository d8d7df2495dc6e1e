/** Watchers of a namespace and of a log. */

import { begun, call, closing, type Waiting } from './calls';
import { ClosedError } from './errors';
import { Feed, type Life } from './feed';
import { segment, type SegmentInfo } from './info';
import type { NativeLogChange, NativeSegment, NativeWatcher } from './native';

/** What happened to the logs below a prefix: one of the fields is there. */
export interface LogChange {
  /** This log is there: from the beginning, or it was made since. */
  created?: string;
  /** This log is gone. One that was deleted and made anew is told as gone, then as there. */
  deleted?: string;
  /** All that were there when the watching began have been told. Comes once. */
  listed?: true;
}

/** What both watchers do. */
abstract class Watcher<T> implements AsyncIterable<T>, AsyncDisposable {
  readonly #native: NativeWatcher;
  readonly #feed: Feed<T>;
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(native: NativeWatcher, owner: object, life: Life, show: (native: never) => T) {
    this.#native = native;
    this.#feed = new Feed<T>(() => {
      const { number, promise } = begun<never>((call) => native.next(call), [this, native, owner]);
      return { number, promise: promise.then((change) => [show(change)]) };
    }, 1, life);
  }

  /** The next change; waits for one. Giving it up loses none. */
  async next(options?: Waiting): Promise<T> {
    const [change] = await this.#feed.take('next', 1, Infinity, options);
    return change as T;
  }

  /** The changes, as they come. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return this.changes();
  }

  /** The changes, in a loop that a signal can end with {@link CancelledError}. */
  changes(options?: Waiting): AsyncIterableIterator<T, undefined> {
    const next = async (): Promise<IteratorResult<T, undefined>> => ({ done: false, value: await this.next(options) });
    const iterator: AsyncIterableIterator<T, undefined> = { next, [Symbol.asyncIterator]: () => iterator };
    return iterator;
  }

  /** Who waits on it does not keep the process alive from now on. */
  unref(): this {
    this.#feed.background = true;
    return this;
  }

  /** Who waits on it keeps the process alive from now on, as at first. */
  ref(): this {
    this.#feed.background = false;
    return this;
  }

  /**
   * Ends the watching: what waits on it, and every later call, fails with {@link ClosedError}, and what it watched with is let go. A
   * signal ends the waiting alone.
   */
  close(options?: Waiting): Promise<void> {
    return closing(() => {
      this.#closed ??= this.#feed
        .end(new ClosedError('closed', 'the watcher was closed; watch anew'))
        .then(() => call<void>((number) => this.#native.close(number), { keep: this }));
      return this.#closed;
    }, options);
  }

  /** {@link close}, at the end of `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Tells of the logs below a prefix: first of those that are there, then of each that comes or goes, in any process. */
export class LogWatcher extends Watcher<LogChange> {
  /** @internal */
  constructor(native: NativeWatcher, owner: object, life: Life) {
    super(native, owner, life, (change: NativeLogChange) => {
      if (change.created) return { created: change.created };
      return change.deleted ? { deleted: change.deleted } : { listed: true };
    });
  }
}

/** Tells of the segments of a log: first what is there, then what is there after each change. */
export class SegmentWatcher extends Watcher<SegmentInfo[]> {
  /** @internal */
  constructor(native: NativeWatcher, owner: object, life: Life) {
    super(native, owner, life, (segments: NativeSegment[]) => segments.map(segment));
  }
}
