/** A cursor of a log. */

import { call, type Waiting } from './calls';
import { Dlsn, text, type DlsnLike } from './dlsn';
import type { NativeCursor } from './native';

/** A cursor as it was found. */
export interface CursorInfo {
  /** Its name. */
  name: string;
  /** The record that was processed last; `undefined` if it was never moved. */
  position: Dlsn | undefined;
  /** How the locked reader that has it named itself, if there is one. */
  owner: string | undefined;
}

/**
 * A named place in a log: the last record that somebody has processed, kept durably with the log, for all processes. A
 * reader with the option `cursor` starts behind it.
 */
export class Cursor {
  readonly #native: NativeCursor;
  /** What must live as long as this does. */
  readonly #owner: object;

  /** @internal */
  constructor(native: NativeCursor, owner: object) {
    this.#native = native;
    this.#owner = owner;
  }

  /** Its name. */
  get name(): string {
    return this.#native.name();
  }

  /** The record that was processed last; `undefined` if the cursor was never moved, or there is none of this name. */
  async position(options?: Waiting): Promise<Dlsn | undefined> {
    const position = await this.#look<string | undefined>('position', (number) => this.#native.position(number), options);
    return position ? Dlsn.trusted(position) : undefined;
  }

  /**
   * Moves it forward to the record that was processed last, and makes it if there is none. Answers the position in force,
   * which is durable: a later one if the cursor stands there already, since it is never moved back.
   *
   * Whether there is a record at the position is not looked at: one behind the end of the log skips records that are yet to come.
   */
  async advance(to: DlsnLike, options?: Waiting): Promise<Dlsn> {
    return Dlsn.trusted(await this.#change<string>('advance', (number) => this.#native.advance(number, text(to, 'to')), options));
  }

  /** Moves it to this position, also back, and makes it if there is none. */
  async reset(to: DlsnLike, options?: Waiting): Promise<void> {
    await this.#change<void>('reset', (number) => this.#native.reset(number, text(to, 'to')), options);
  }

  /** Removes it. Moving it later makes it anew. */
  async delete(options?: Waiting): Promise<void> {
    await this.#change<void>('delete', (number) => this.#native.remove(number), options);
  }

  #look<T>(operation: string, start: (number: number) => void, options?: Waiting): Promise<T> {
    return call<T>(start, { operation, options, keep: [this, this.#owner] });
  }

  #change<T>(operation: string, start: (number: number) => void, options?: Waiting): Promise<T> {
    return call<T>(start, { operation, options, keep: [this, this.#owner], effective: true });
  }
}
