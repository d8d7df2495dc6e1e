/**
 * Calls in flight. Each has a number, under which the native half settles it; many are settled at a time, and the event
 * loop is held exactly while there are some that somebody waits for.
 */

import { setImmediate as turn } from 'node:timers';
import { acknowledged } from './columns';
import { cancelled, fromNative, thrown } from './errors';
import { native, type NativeError } from './native';
import { signalOf, watch } from './signals';

/** What every call that may wait takes. */
export interface Waiting {
  /** Gives the call up: its promise is rejected with {@link CancelledError} at once. */
  signal?: AbortSignal | undefined;
}

interface Entry {
  resolve(value: unknown): void;
  reject(error: Error): void;
  /** What has to live until the call is settled. */
  keep: unknown;
}

/** How a call is made. */
export interface Manner {
  /** What the caller passed, of whatever type. */
  options?: Waiting | undefined;
  /** The names of the options that there are. If absent: `signal` alone. */
  takes?: readonly string[] | undefined;
  /** The handle, which must not be collected meanwhile. */
  keep?: object;
  /** The call, as errors name it. */
  operation?: string;
  /** Whether the call may have taken effect when it was given up. */
  effective?: boolean;
  /** What the caller gets of a result. Later steps would be told behind what ended after it. */
  show?: ((value: never) => unknown) | undefined;
  /** Hears of the error before the caller does. */
  failed?(error: Error): void;
  /** What is done with a result that comes when the call was given up. If absent, it is dropped, and what was opened is let go. */
  late?(value: unknown): void;
  /** Whether the process may end meanwhile. */
  background?: boolean;
}

const entries = new Map<number, Entry>();
let next = 0;
let waits = 0;

/** The port of this thread. */
export const port = new native.Port(settle);

/** Somebody waits: the event loop goes on. */
export function hold(): void {
  if (waits++ === 0) port.hold(true);
}

/** Somebody does not wait any more. */
export function release(): void {
  if (--waits === 0) port.hold(false);
}

/** Makes a call: `start` gets its number. */
export function call<T>(start: (call: number) => void, manner: Manner = {}): Promise<T> {
  return new Promise<T>((resolve, reject) => begin(start, manner, resolve as (value: unknown) => void, reject));
}

/** The signal of a call that can begin. Throws why not: the options are none, or none of its own, their signal is none, or it has been given. */
export function ready(options: Waiting | undefined, operation?: string, takes?: readonly string[]): AbortSignal | undefined {
  const signal = signalOf(options, takes);
  if (signal?.aborted === true) throw cancelled(signal, false, operation);
  return signal;
}

/** Begins or joins a call to close, for which several wait: the signal of one ends its waiting alone. */
export function closing<T>(begin: () => Promise<T>, options: Waiting | undefined): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const signal = ready(options, 'close');
    const stop = signal === undefined ? undefined : watch(signal, () => reject(cancelled(signal, true, 'close')));
    begin().then(resolve, reject).finally(stop);
  });
}

function begin(
  start: (call: number) => void,
  manner: Manner,
  resolve: (value: unknown) => void,
  reject: (error: Error) => void,
): void {
  const signal = ready(manner.options, manner.operation, manner.takes);
  const number = next++;
  const held = manner.background !== true;
  let over = false;
  let stop: (() => void) | undefined;
  const end = (): boolean => {
    if (over) return false;
    over = true;
    // First what is ours: what a signal does is not known.
    if (held) release();
    stop?.();
    return true;
  };
  const entry: Entry = {
    resolve: (value) => {
      if (end()) resolve(manner.show === undefined ? value : manner.show(value as never));
    },
    reject: (error) => {
      if (!end()) return;
      manner.failed?.(error);
      reject(error);
    },
    keep: manner.keep,
  };
  const giveUp = (signal: AbortSignal): void => {
    entries.set(number, { resolve: (value) => manner.late?.(value), reject: () => {}, keep: manner.keep });
    if (manner.late === undefined) port.giveUp(number);
    else port.cancel(number);
    entry.reject(cancelled(signal, manner.effective === true, manner.operation));
  };
  entries.set(number, entry);
  if (held) hold();
  try {
    if (signal !== undefined) stop = watch(signal, () => giveUp(signal));
    if (!over) return start(number);
    // Given already, while it was listened to.
    entries.delete(number);
    stop?.();
  } catch (error) {
    entries.delete(number);
    entry.reject(thrown(error) as Error);
  }
}

/** A call that answers its number too, for those that end it themselves. */
export function begun<T>(start: (call: number) => void, keep: object): { number: number; promise: Promise<T> } {
  const number = next;
  return { number, promise: call<T>(start, { keep, background: true }) };
}

/**
 * Settles a call that was answered where it was made, in a turn of the event loop of its own: who goes on and on as long as there are
 * such answers is not to keep all else from its turn.
 */
export function answered(number: number, value: unknown): void {
  turn(() => deliver(taken(number), true, value));
}

let looks = false;

/**
 * A single append has begun. If it is still alone when the event loop has its next turn, it is looked for there: it is acknowledged
 * sooner than the loop would wake up.
 */
export function appended(): void {
  if (looks) return;
  looks = true;
  turn(look);
}

function look(): void {
  looks = false;
  if (port.look()) settle();
}

/** Takes what ended and settles it, in the order in which it ended. Runs when the bell rings. */
function settle(): void {
  const { receipts, others } = port.take();
  const numbers = receipts ?? new BigInt64Array();
  let told = 0;
  const acknowledge = (to: number): void => {
    for (const [number, receipt] of acknowledged(numbers, told, to)) deliver(taken(number), true, receipt);
    told = to;
  };
  for (let at = 0; at < others.length; at += 4) {
    acknowledge(others[at + 3] as number);
    if (listeners.size > 0 && heard(others[at] as number, others[at + 1] === true, others[at + 2])) continue;
    deliver(taken(others[at] as number), others[at + 1] === true, others[at + 2]);
  }
  acknowledge(numbers.length);
}

/** Settles one. Whatever fails in it is its own, and the next one is settled. */
function deliver(entry: Entry | undefined, succeeded: boolean, value: unknown): void {
  try {
    if (succeeded) entry?.resolve(value);
    else entry?.reject(fromNative(value as NativeError));
  } catch (error) {
    entry?.reject(error as Error);
  }
}

function taken(number: number): Entry | undefined {
  const entry = entries.get(number);
  entries.delete(number);
  return entry;
}

const listeners = new Map<number, (value: unknown) => void>();

/** The number of somebody who hears of what comes under it, until the native half says that there will be no more. */
export function listen(listener: (value: unknown) => void): number {
  const number = next++;
  listeners.set(number, listener);
  return number;
}

/** Whether somebody was to hear it. What a listener throws is thrown where nothing of ours is going on. */
function heard(number: number, goesOn: boolean, value: unknown): boolean {
  const listener = listeners.get(number);
  if (listener === undefined) return false;
  if (goesOn) process.nextTick(listener, value);
  else listeners.delete(number);
  return true;
}
