import type { Change } from '../../backends/change.js';
import { KeyOrder, type Place } from '../../backends/shell/key-order.js';
import { type Observation, WriteTracker } from '../../backends/write-tracker.js';

/** A place in the order of events. */
export interface OrderedPlace extends Place {
  /** Whether no change of `key` on purpose came later. */
  isLast(key: string): boolean;
}

/**
 * The one order of events for each key in this process: a change has its place from the moment in
 * which it was asked for, and reaches the store after everything that was asked for before it,
 * whatever each had to wait for on the way.
 */
export class ChangeOrder {
  readonly #order = new KeyOrder();
  readonly #writes = new WriteTracker();
  #number = 0;
  /** Of each key, and of each prefix, the last change on purpose that has not ended. */
  readonly #changes = new Map<string, number>();
  readonly #clears = new Map<number, string>();

  /**
   * Begins a computation, which is out of date for a key as soon as that is written on purpose or
   * removed.
   */
  begin(): Observation {
    return this.#writes.observe();
  }

  /**
   * Takes the next place for a change on purpose: what was computed before it has ended is out of
   * date.
   */
  enterChange(change: Change): OrderedPlace {
    const number = this.#next();
    const place = this.#order.enter(change);
    const write = this.#writes.begin(change);
    if ('prefix' in change) this.#clears.set(number, change.prefix);
    else for (const key of change.keys) this.#changes.set(key, number);
    return {
      before: place.before,
      isLast: (key) => this.#isLast(key, number),
      end: () => {
        this.#clears.delete(number);
        if ('keys' in change)
          for (const key of change.keys) if (this.#changes.get(key) === number) this.#changes.delete(key);
        write.end();
        place.end();
      },
    };
  }

  /** Resolves when every change of these keys that was asked for so far has ended. */
  ended(keys: readonly string[]): Promise<void> {
    return this.#order.ended(keys);
  }

  /** Takes the next place for what was computed. */
  enterFill(keys: readonly string[]): OrderedPlace {
    const number = this.#next();
    return { ...this.#order.enter({ keys }), isLast: (key) => this.#isLast(key, number) };
  }

  #next(): number {
    this.#number += 1;
    return this.#number;
  }

  #isLast(key: string, number: number): boolean {
    if ((this.#changes.get(key) ?? 0) > number) return false;
    for (const [cleared, prefix] of this.#clears) if (cleared > number && key.startsWith(prefix)) return false;
    return true;
  }
}
