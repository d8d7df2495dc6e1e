/** What was fetched and not taken: what is being taken, and what comes behind it. */

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
  #behind: Items<T> = [];

  /** Whether nothing is here. */
  get isEmpty(): boolean {
    return this.#taken >= this.#items.length;
  }

  /** Whether there is room for what one more fetch brings. */
  get hasRoom(): boolean {
    return this.#behind.length === 0;
  }

  /** What would be taken next. */
  get first(): T | undefined {
    return this.#items.at(this.#taken);
  }

  /** Adds what a fetch brought, behind what is here. Only where there is room. */
  add(items: Items<T>): void {
    this.#behind = items;
    this.#turn();
  }

  /** Takes one. */
  next(): T | undefined {
    const item = this.#items.at(this.#taken++);
    this.#turn();
    return item;
  }

  /** Takes up to so many of those that came together. */
  take(max: number): T[] {
    const to = Math.min(this.#taken + max, this.#items.length);
    const items = this.#items.slice(this.#taken, to);
    this.#taken = to;
    this.#turn();
    return items;
  }

  /** Lets go of all. */
  clear(): void {
    this.#items = [];
    this.#taken = 0;
    this.#behind = [];
  }

  /** If all is taken, what came behind it is next. */
  #turn(): void {
    if (this.#taken < this.#items.length) return;
    this.#items = this.#behind;
    this.#taken = 0;
    this.#behind = [];
  }
}
