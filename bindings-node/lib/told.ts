/** What whoever has a writer knows of its end. */

import { types } from 'node:util';
import { DlError, type ErrorKind } from './errors';

/** Kinds that refuse one append and leave the writer as it was. */
const REFUSALS: readonly ErrorKind[] = [
  'invalid-argument',
  'too-large',
  'condition-failed',
  'quota-exceeded',
  'storage-full',
  'busy',
  'cancelled',
];

/** Of one writer. */
export class Told {
  /** The fatal error that a call failed with. */
  #kind: ErrorKind | undefined;
  #aborted = false;

  /** Hears of the error of a call before its caller does. */
  readonly failed = (error: Error): void => {
    // A getter of the caller's may throw whatever it likes, which is not even asked what it is.
    if (types.isNativeError(error) && error instanceof DlError && !REFUSALS.includes(error.kind)) this.#kind = error.kind;
  };

  /** The caller ended the writer. */
  aborted(): void {
    this.#aborted = true;
  }

  /** Closes at the end of `await using`; what the caller knows is not said again. */
  async disposing(close: () => Promise<void>): Promise<void> {
    const told = this.#kind;
    try {
      await close();
    } catch (error) {
      if (!this.#aborted && !(error instanceof DlError && error.kind === told)) throw error;
    }
  }
}
