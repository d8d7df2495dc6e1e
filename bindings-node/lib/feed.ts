/**
 * Things that come from the native half, and those who wait for them. One fetch at a time is in flight. Who gives up
 * leaves the line, and what a fetch brought for nobody stays for the next: so giving up loses nothing.
 */

import { hold, port, ready, release, type Waiting } from './calls';
import { cancelled, DlError, during } from './errors';
import { watch } from './signals';
import { Stock, type Items } from './stock';

/** Begins a fetch, which waits so many milliseconds for the first item, if at all. */
export type Fetch<T> = (max: number, ms: number) => { number: number; promise: Promise<Items<T>> };

/** Begins something else than a fetch, which is done when it is its turn in the line. */
export type Work = () => { number: number; promise: Promise<unknown> };

/** Of a namespace: whether it is closed, upon which nothing that was fetched from it is given out any more. */
export interface Life {
  closed: boolean;
}

interface Waiter<T> {
  /** The call, as errors name it. */
  readonly operation: string;
  max: number;
  /** When its time is up; 0 if it does not wait. */
  readonly until: number;
  /** What is done before this one gets what is here, or all that this one is in line for. */
  work: Work | undefined;
  alone: boolean;
  /** From now on its fetch has the time. */
  untimed(): void;
  /** Whether it keeps the process alive from now on. */
  keeps(alive: boolean): void;
  settle(items: T[]): void;
  fail(error: Error): void;
}

interface Working<T> {
  number: number;
  waiter: Waiter<T>;
  givenUp: AbortSignal | undefined;
}

interface InFlight<T> {
  number: number;
  /** For whom it was sent. */
  waiter: Waiter<T>;
  stopped: boolean;
  ended: Promise<void>;
}

/** See the module. */
export class Feed<T> {
  readonly #fetch: Fetch<T>;
  /** How many are fetched at once at least, whatever is asked for. */
  readonly #ahead: number;
  readonly #life: Life;
  /** What has to succeed before something is given out that was here before it was asked for. */
  readonly #guard: Work | undefined;
  readonly #line: Waiter<T>[] = [];
  /** What was fetched and not taken. */
  readonly #stock = new Stock<T>();
  #inFlight: InFlight<T> | undefined;
  /** The work that one who is or was the first in line is at. */
  #working: Working<T> | undefined;
  #over: Error | undefined;
  #background = false;

  constructor(fetch: Fetch<T>, ahead: number, life: Life, guard?: Work) {
    this.#fetch = fetch;
    this.#ahead = ahead;
    this.#life = life;
    this.#guard = guard;
  }

  /** Whether those who wait, and those who will, do not keep the process alive. */
  set background(background: boolean) {
    this.#background = background;
    for (const waiter of this.#line) waiter.keeps(!background);
  }

  /** What would be taken next, if it is here. */
  get first(): T | undefined {
    return this.#stock.first;
  }

  /** Lets go of what is here. */
  clear(): void {
    this.#stock.clear();
  }

  /** Takes one that is here, if nobody stands in front. */
  here(): T | undefined {
    if (this.#life.closed) this.clear();
    if (this.#line.length > 0 || this.#stock.isEmpty) return undefined;
    return this.#stock.next();
  }

  /** Up to `max`: at least one, unless `ms` passes before there is any, or this is the end. */
  take(operation: string, max: number, ms: number, options?: Waiting): Promise<T[]> {
    return new Promise((resolve, reject) => {
      const signal = ready(options, operation);
      if (this.#over !== undefined) throw during(this.#over, operation);
      if (this.#life.closed) this.clear();
      const here = !this.#stock.isEmpty;
      if (this.#line.length === 0 && here && this.#guard === undefined) {
        resolve(this.#stock.take(max));
        return;
      }
      // What is fetched from now on, for this one, needs no guard.
      const work = here || this.#inFlight !== undefined ? this.#guard : undefined;
      this.#wait({ operation, max, work, alone: false, settle: resolve, fail: reject }, ms, signal);
    });
  }

  /**
   * Does something when those who stand in front are served, and nothing is in flight. It is given up by the signal as a call is,
   * but what it came to is heard before: it fails, or it took effect and nobody wants it any more.
   */
  turn(operation: string, work: Work, options?: Waiting): Promise<void> {
    return new Promise((resolve, reject) => {
      const signal = ready(options, operation);
      if (this.#over !== undefined) throw during(this.#over, operation);
      this.#wait({ operation, max: 0, work, alone: true, settle: () => resolve(), fail: reject }, Infinity, signal);
    });
  }

  /** Gives up what is in flight, for good: who waits gets this error. Resolves when it has ended. */
  async end(error: Error): Promise<void> {
    this.#over = error;
    this.clear();
    for (const waiter of [...this.#line]) waiter.fail(error);
    if (this.#inFlight === undefined) return;
    this.#cancel(this.#inFlight);
    // What is in flight keeps no process alive by itself, and who waits for its end must see it.
    hold();
    await this.#inFlight.ended;
    release();
  }

  /** Puts somebody in line, who leaves it with an answer or an error. */
  #wait({ settle, fail, ...about }: Omit<Waiter<T>, 'until' | 'untimed' | 'keeps'>, ms: number, signal: AbortSignal | undefined): void {
    let held = false;
    const keeps = (alive: boolean): void => {
      if (alive === held) return;
      held = alive;
      if (held) hold();
      else release();
    };
    let timer: NodeJS.Timeout | undefined;
    let stop: (() => void) | undefined;
    let over = false;
    const leave = (): boolean => {
      if (over) return false;
      over = true;
      const place = this.#line.indexOf(waiter);
      if (place >= 0) this.#line.splice(place, 1);
      clearTimeout(timer);
      keeps(false);
      stop?.();
      return true;
    };
    const waiter: Waiter<T> = {
      ...about,
      until: ms > 0 ? performance.now() + ms : 0,
      untimed: () => clearTimeout(timer),
      keeps,
      settle: (items) => {
        if (leave()) settle(items);
      },
      fail: (error) => {
        if (leave()) fail(during(error, about.operation));
      },
    };
    keeps(!this.#background);
    this.#line.push(waiter);
    try {
      if (signal !== undefined) stop = watch(signal, () => this.#giveUp(waiter, signal));
    } catch (error) {
      waiter.fail(error as Error);
    }
    if (over) stop?.();
    else if (ms > 0 && ms <= LONGEST) {
      timer = setTimeout(() => {
        waiter.settle([]);
        this.#pump();
      }, ms);
      // What keeps the process alive is the waiter.
      timer.unref();
    }
    this.#pump();
  }

  #giveUp(waiter: Waiter<T>, signal: AbortSignal): void {
    const working = this.#working;
    if (working !== undefined && working.waiter === waiter) {
      working.givenUp = signal;
      port.cancel(working.number);
      // Whether the work took effect is not known before it has ended.
      if (waiter.alone) return;
    }
    waiter.fail(cancelled(signal, false, waiter.operation));
    this.#pump();
  }

  /** Serves those who wait, as far as it goes, and sees to it that something is in flight if somebody waits. */
  #pump(): void {
    for (;;) {
      const [waiter] = this.#line;
      if (waiter === undefined) {
        if (this.#inFlight !== undefined) this.#cancel(this.#inFlight);
        return;
      }
      const here = !this.#stock.isEmpty;
      if (this.#working !== undefined) return;
      if (waiter.work !== undefined && (waiter.alone || here)) return this.#work(waiter, waiter.work);
      if (!here) break;
      waiter.settle(this.#stock.take(waiter.max));
    }
    const [waiter] = this.#line as [Waiter<T>];
    if (this.#inFlight === undefined) this.#begin(waiter);
    else if (waiter.until === 0 && this.#inFlight.waiter.until > 0) this.#cancel(this.#inFlight);
  }

  #work(waiter: Waiter<T>, work: Work): void {
    // What is in flight ends before, whatever it brings.
    if (this.#inFlight !== undefined) return this.#cancel(this.#inFlight);
    const { number, promise } = work();
    const working: Working<T> = { number, waiter, givenUp: undefined };
    this.#working = working;
    promise.then(
      () => this.#worked(working),
      (error: Error) => this.#worked(working, error),
    );
  }

  #worked({ waiter, givenUp }: Working<T>, error?: Error): void {
    this.#working = undefined;
    waiter.work = undefined;
    if (givenUp !== undefined) waiter.fail(error === undefined || isCancelled(error) ? cancelled(givenUp, error === undefined) : error);
    else if (error !== undefined) waiter.fail(error);
    else if (waiter.alone) waiter.settle([]);
    this.#pump();
  }

  #begin(waiter: Waiter<T>): void {
    waiter.work = undefined;
    // Whoever fetches says when the time is up, and has looked before: a timer is over also where the answer lies here.
    waiter.untimed();
    // Who asks for many gets these and no rest; who asks for few gets the next ones without a crossing.
    const max = waiter.max < this.#ahead / 16 ? this.#ahead : waiter.max;
    const { number, promise } = this.#fetch(max, Math.max(0, waiter.until - performance.now()));
    const ended = promise.then(
      (items) => this.#came(inFlight, items),
      (error: Error) => this.#failed(inFlight, error),
    );
    const inFlight: InFlight<T> = { number, waiter, stopped: false, ended };
    this.#inFlight = inFlight;
  }

  #came(inFlight: InFlight<T>, items: Items<T>): void {
    this.#inFlight = undefined;
    const [waiter] = this.#line;
    if (items.length > 0) this.#stock.add(items);
    // For who came later it is looked again: there may be something since.
    else if (waiter?.alone === false && waiter === inFlight.waiter) waiter.settle([]);
    this.#pump();
  }

  #failed(inFlight: InFlight<T>, error: Error): void {
    this.#inFlight = undefined;
    // What nobody waits for is met again by whoever comes next.
    const [waiter] = this.#line;
    if (waiter?.alone === false && !(inFlight.stopped && isCancelled(error))) waiter.fail(error);
    this.#pump();
  }

  #cancel(inFlight: InFlight<T>): void {
    if (inFlight.stopped) return;
    inFlight.stopped = true;
    port.cancel(inFlight.number);
  }
}

function isCancelled(error: Error): boolean {
  return error instanceof DlError && error.kind === 'cancelled';
}

/** What timers of JavaScript take at most. */
const LONGEST = 2 ** 31 - 1;
