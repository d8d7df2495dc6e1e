/**
 * Calls in flight. Each has a number, under which the native half settles it; many are settled at a time, and the event
 * loop is held exactly while there are some that somebody waits for.
 */

import { given, wrong } from './arguments';
import { acknowledged } from './columns';
import { cancelled, fromNative, thrown } from './errors';
import { native, type NativeError } from './native';

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
  /** The handle, which must not be collected meanwhile. */
  keep?: object;
  /** Gives the call up as `signal` does. */
  also?: AbortSignal;
  /** Whether the call may have taken effect when it was given up. */
  effective?: boolean;
  /** Hears of the error before the caller does. */
  failed?(error: Error): void;
  /** What is done with a result that comes when the call was given up. */
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
  const refused = refusal(manner.options) ?? aborted(manner.also);
  if (refused !== undefined) return Promise.reject(refused);
  return new Promise<T>((resolve, reject) => begin(start, manner, resolve as (value: unknown) => void, reject));
}

/** Why nothing is begun with these options: they are none, their signal is none, or it has been given. */
export function refusal(options: Waiting | undefined): Error | undefined {
  if (options === undefined) return undefined;
  try {
    const { signal } = given(options);
    if (signal === undefined) return undefined;
    const known = signal as AbortSignal | null;
    return typeof known?.addEventListener === 'function' ? aborted(signal) : wrong('signal', 'an AbortSignal', signal);
  } catch (error) {
    return thrown(error);
  }
}

function aborted(signal: AbortSignal | undefined): Error | undefined {
  return signal?.aborted === true ? cancelled(signal, false) : undefined;
}

/** Begins or joins a call that several wait for: the signal of one ends its waiting alone. */
export function shared<T>(begin: () => Promise<T>, options: Waiting | undefined): Promise<T> {
  const refused = refusal(options);
  if (refused !== undefined) return Promise.reject(refused);
  const work = begin();
  const signal = options?.signal;
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(cancelled(signal, true));
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function begin(
  start: (call: number) => void,
  manner: Manner,
  resolve: (value: unknown) => void,
  reject: (error: Error) => void,
): void {
  const number = next++;
  const given = signals(manner);
  const held = manner.background !== true;
  const done = (): void => {
    if (held) release();
    for (const signal of given) signal.removeEventListener('abort', abort);
  };
  const entry: Entry = {
    resolve: (value) => (done(), resolve(value)),
    reject: (error) => (done(), manner.failed?.(error), reject(error)),
    keep: manner.keep,
  };
  const abort = (event: Event): void => {
    entries.set(number, { resolve: (value) => manner.late?.(value), reject: () => {}, keep: manner.keep });
    port.cancel(number);
    entry.reject(cancelled(event.target as AbortSignal, manner.effective === true));
  };
  entries.set(number, entry);
  if (held) hold();
  for (const signal of given) signal.addEventListener('abort', abort, { once: true });
  try {
    start(number);
  } catch (error) {
    entries.delete(number);
    entry.reject(thrown(error));
  }
}

function signals({ options, also }: Manner): AbortSignal[] {
  const signal = options?.signal;
  return also === undefined ? (signal === undefined ? NONE : [signal]) : signal === undefined ? [also] : [signal, also];
}

const NONE: AbortSignal[] = [];

/** A call that answers its number too, for those that end it themselves. */
export function begun<T>(start: (call: number) => void, keep: object): { number: number; promise: Promise<T> } {
  const number = next;
  return { number, promise: call<T>(start, { keep, background: true }) };
}

/** Takes what ended and settles it. Runs when the bell rings. */
function settle(): void {
  const { receipts, others } = port.take();
  if (receipts !== undefined && receipts !== null) {
    for (const [number, receipt] of acknowledged(receipts)) taken(number)?.resolve(receipt);
  }
  for (let at = 0; at < others.length; at += 3) {
    if (listeners.size > 0 && heard(others[at] as number, others[at + 1] === true, others[at + 2])) continue;
    const entry = taken(others[at] as number);
    if (others[at + 1] === true) entry?.resolve(others[at + 2]);
    else entry?.reject(fromNative(others[at + 2] as NativeError));
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
