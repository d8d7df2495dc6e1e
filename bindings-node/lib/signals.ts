/** The signals that callers pass. What they do is not ours: whatever of it fails, no other call hears of it. */

import { given, only, wrong } from './arguments';

/** What a call takes that takes no more. */
const WAITING = ['signal'];

/** Of a call's options, which are these: its signal. Asked for once, and never again: a getter may answer something else then. */
export function signalOf(options: { signal?: AbortSignal | undefined } | undefined, takes: readonly string[] = WAITING): AbortSignal | undefined {
  if (options === undefined) return undefined;
  const { signal } = given(options);
  only(options, takes);
  if (signal === undefined || isSignal(signal)) return signal;
  throw wrong('signal', 'an AbortSignal', signal);
}

/** Whether it can be used as one, wherever it comes from. */
function isSignal(value: unknown): boolean {
  if (value instanceof AbortSignal) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as AbortSignal;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function';
}

/** The calls that a signal gives up. */
interface Watched {
  readonly calls: Set<() => void>;
  readonly listener: () => void;
}

/** One listener on each signal, however many calls it gives up: Node warns of more than a few. */
const all = new WeakMap<AbortSignal, Watched>();

/** Has a signal call this once when it is given, until what is answered is called, which never fails. */
export function watch(signal: AbortSignal, giveUp: () => void): () => void {
  const watched = all.get(signal);
  if (watched === undefined) return begin(signal, giveUp);
  watched.calls.add(giveUp);
  return () => end(signal, watched, giveUp);
}

function begin(signal: AbortSignal, giveUp: () => void): () => void {
  const calls = new Set([giveUp]);
  const listener = (): void => {
    if (all.get(signal) === watched) all.delete(signal);
    for (const giveUp of [...calls]) giveUp();
    calls.clear();
  };
  const watched = { calls, listener };
  all.set(signal, watched);
  try {
    signal.addEventListener('abort', listener, { once: true });
  } catch (error) {
    all.delete(signal);
    throw error;
  }
  return () => end(signal, watched, giveUp);
}

function end(signal: AbortSignal, watched: Watched, giveUp: () => void): void {
  if (!watched.calls.delete(giveUp) || watched.calls.size > 0 || all.get(signal) !== watched) return;
  all.delete(signal);
  try {
    signal.removeEventListener('abort', watched.listener);
  } catch {
    // It keeps a listener that does nothing any more.
  }
}
