/** What was fetched and not taken. */

/** What a fetch brought: nothing if it did not wait, or at the end. An array, or something that makes its items when asked. */
export interface Items<T> {
  readonly length: number;
  at(index: number): T | undefined;
  slice(from: number, to: number): T[];
}

/** See the module. */
export class Stock<T> {
  #items: Items<T> = [];
  #taken = 0;

  /** Whether nothing is here. */
  get isEmpty(): boolean {
    return this.#taken >= this.#items.length;
  }

  /** What would be taken next. */
  get first(): T | undefined {
    return this.#items.at(this.#taken);
  }

  /** Adds what a fetch brought. Only where nothing is. */
  add(items: Items<T>): void {
    this.#items = items;
    this.#taken = 0;
  }

  /** Takes one. */
  next(): T | undefined {
    const item = this.#items.at(this.#taken++);
    this.#turn();
    return item;
  }

  /** Takes up to so many. */
  take(max: number): T[] {
    const to = Math.min(this.#taken + max, this.#items.length);
    const items = this.#items.slice(this.#taken, to);
    this.#taken = to;
    this.#turn();
    return items;
  }

  /** Lets go of all. */
  clear(): void {
    this.add([]);
  }

  /** What is taken stays no longer than those who took it want. */
  #turn(): void {
    if (this.isEmpty) this.clear();
  }
}
