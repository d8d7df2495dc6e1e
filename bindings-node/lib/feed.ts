/**
 * Things that come from the native half, and those who wait for them. One fetch at a time is in flight. Who gives up
 * leaves the line, and what a fetch brought for nobody stays for the next: so giving up loses nothing. Where many are within
 * reach, the next ones are fetched, as many as are, while the caller looks at those that are here.
 */

import { hold, port, refusal, release, type Waiting } from './calls';
import { cancelled, DlError } from './errors';

/** What a fetch brought: nothing if it did not wait, or at the end. An array, or something that makes its items when asked. */
export interface Items<T> {
  readonly length: number;
  at(index: number): T | undefined;
  slice(from: number, to: number): T[];
}

/** Begins a fetch. */
export type Fetch<T> = (max: number, wait: boolean) => { number: number; promise: Promise<Items<T>> };

/** Of a namespace: whether it is closed, upon which nothing that was fetched from it is given out any more. */
export interface Life {
  closed: boolean;
}

interface Waiter<T> {
  max: number;
  wait: boolean;
  settle(items: T[]): void;
  fail(error: Error): void;
}

interface InFlight {
  number: number;
  max: number;
  wait: boolean;
  /** Whether nobody has to wait for it. */
  early: boolean;
  stopped: boolean;
  ended: Promise<void>;
}

/** See the module. */
export class Feed<T> {
  readonly #fetch: Fetch<T>;
  /** How many are fetched at once at least, whatever is asked for. */
  readonly #ahead: number;
  readonly #life: Life;
  readonly #line: Waiter<T>[] = [];
  #items: Items<T> = [];
  #taken = 0;
  /** What was fetched before all of `#items` was taken: it comes behind them. */
  #behind: Items<T> = [];
  #inFlight: InFlight | undefined;
  /** What the last fetch was for that somebody waited for. */
  #asked = 0;
  /** Whether more are worth fetching before somebody asks: at least half of what was asked for came. */
  #more = false;
  #paused = false;
  #over: Error | undefined;
  /** Whether those who wait do not keep the process alive. */
  background = false;

  constructor(fetch: Fetch<T>, ahead: number, life: Life) {
    this.#fetch = fetch;
    this.#ahead = ahead;
    this.#life = life;
  }

  /** What would be taken next, if it is here. */
  get first(): T | undefined {
    return this.#items.at(this.#taken);
  }

  /** Lets go of what is here. */
  clear(): void {
    this.#items = [];
    this.#taken = 0;
    this.#behind = [];
  }

  /** Takes one that is here, if nobody stands in front. */
  here(): T | undefined {
    if (this.#life.closed) this.clear();
    if (this.#line.length > 0 || this.#taken >= this.#items.length) return undefined;
    const item = this.#items.at(this.#taken++);
    if (this.#taken >= this.#items.length) {
      this.#useUp();
      this.#pump();
    }
    return item;
  }

  /** Up to `max`: at least one, unless `ms` passes before there is any, or this is the end. */
  take(max: number, ms: number, options?: Waiting): Promise<T[]> {
    const refused = refusal(options);
    if (refused !== undefined) return Promise.reject(refused);
    if (this.#over !== undefined) return Promise.reject(this.#over);
    if (this.#life.closed) this.clear();
    if (!(max >= 1)) return Promise.resolve([]);
    if (this.#line.length === 0 && this.#taken < this.#items.length) {
      const items = this.#shift(max);
      this.#pump();
      return Promise.resolve(items);
    }
    return new Promise((resolve, reject) => this.#wait(max, ms, options?.signal, resolve, reject));
  }

  /** Gives up what is in flight, for a caller that changes where it comes from; who waits stays in line. */
  async pause(): Promise<void> {
    this.#paused = true;
    if (this.#inFlight === undefined) return;
    this.#cancel(this.#inFlight);
    // What is in flight keeps no process alive by itself, and who waits for its end must see it.
    hold();
    await this.#inFlight.ended;
    release();
  }

  /** Goes on. */
  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  /** Gives up what is in flight, for good: who waits gets this error. Resolves when it has ended. */
  async end(error: Error): Promise<void> {
    this.#over = error;
    this.clear();
    for (const waiter of [...this.#line]) waiter.fail(error);
    await this.pause();
  }

  #wait(
    max: number,
    ms: number,
    signal: AbortSignal | undefined,
    resolve: (items: T[]) => void,
    reject: (error: Error) => void,
  ): void {
    const held = !this.background;
    let timer: NodeJS.Timeout | undefined;
    const leave = (): void => {
      const place = this.#line.indexOf(waiter);
      if (place >= 0) this.#line.splice(place, 1);
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      if (held) release();
    };
    const waiter: Waiter<T> = {
      max,
      wait: ms > 0,
      settle: (items) => (leave(), resolve(items)),
      fail: (error) => (leave(), reject(error)),
    };
    const abort = (): void => {
      waiter.fail(cancelled(signal as AbortSignal, false));
      this.#pump();
    };
    signal?.addEventListener('abort', abort, { once: true });
    if (ms > 0 && ms < LONGEST) {
      timer = setTimeout(() => {
        waiter.settle([]);
        this.#pump();
      }, ms);
    }
    if (held) hold();
    this.#line.push(waiter);
    this.#pump();
  }

  /**
   * Serves those who wait, as far as it goes, and sees to it that something is in flight if somebody waits, or if there was more:
   * that is on its way while the caller is at work.
   */
  #pump(): void {
    for (;;) {
      const [waiter] = this.#line;
      if (waiter === undefined) {
        if (this.#inFlight === undefined) this.#beginEarly();
        else if (!this.#inFlight.early) this.#cancel(this.#inFlight);
        return;
      }
      if (this.#taken >= this.#items.length) break;
      waiter.settle(this.#shift(waiter.max));
    }
    if (this.#paused) return;
    const [waiter] = this.#line as [Waiter<T>];
    if (this.#inFlight === undefined) this.#begin(waiter);
    else if (!waiter.wait && this.#inFlight.wait) this.#cancel(this.#inFlight);
  }

  #begin(waiter: Waiter<T>): void {
    // Who asks for many gets these and no rest; who asks for few gets the next ones without a crossing.
    this.#asked = waiter.max < this.#ahead / 16 ? this.#ahead : waiter.max;
    this.#send(this.#asked, waiter.wait, false);
  }

  #beginEarly(): void {
    if (!this.#more || this.#behind.length > 0 || this.#paused || this.#over !== undefined) return;
    this.#send(EARLY, false, true);
  }

  #send(max: number, wait: boolean, early: boolean): void {
    const { number, promise } = this.#fetch(max, wait);
    const ended = promise.then(
      (items) => this.#came(inFlight, items),
      (error: Error) => this.#failed(inFlight, error),
    );
    const inFlight: InFlight = { number, max, wait, early, stopped: false, ended };
    this.#inFlight = inFlight;
  }

  #came(inFlight: InFlight, items: Items<T>): void {
    this.#inFlight = undefined;
    this.#more = this.#ahead > 1 && 2 * items.length >= Math.min(this.#asked, this.#ahead);
    if (items.length > 0) {
      this.#behind = items;
      if (this.#taken >= this.#items.length) this.#useUp();
    } else {
      const [waiter] = this.#line;
      // Who waits is not told that there is nothing, unless nothing will come.
      if (waiter !== undefined && (inFlight.wait || !waiter.wait)) waiter.settle([]);
    }
    this.#pump();
  }

  #failed(inFlight: InFlight, error: Error): void {
    this.#inFlight = undefined;
    this.#more = false;
    // What nobody waits for is met again by whoever comes next.
    const stopped = inFlight.stopped && error instanceof DlError && error.kind === 'cancelled';
    if (!stopped) this.#line[0]?.fail(error);
    this.#pump();
  }

  #cancel(inFlight: InFlight): void {
    if (inFlight.stopped) return;
    inFlight.stopped = true;
    port.cancel(inFlight.number);
  }

  #shift(max: number): T[] {
    const items = this.#items.slice(this.#taken, this.#taken + max);
    this.#taken += items.length;
    if (this.#taken >= this.#items.length) this.#useUp();
    return items;
  }

  /** All is taken: what came behind it is next. */
  #useUp(): void {
    this.#items = this.#behind;
    this.#taken = 0;
    this.#behind = [];
  }
}

/**
 * How many are fetched before somebody asks, if so many are within reach: each crossing takes as long as reading hundreds. The
 * size of what is within reach bounds them too.
 */
const EARLY = 8192;

/** What timers of JavaScript take at most. */
const LONGEST = 2 ** 31;
