import type { Change } from '../change.js';

/** A clear that is under way, and what its end is. */
interface Clear {
  prefix: string;
  end: Promise<void>;
}

/** A place in the order. */
export interface Place {
  /**
   * Resolves when everything that was ahead on one of the keys has ended; undefined where nothing
   * was.
   */
  readonly before: Promise<unknown> | undefined;
  /** Lets those behind go on. */
  end(): void;
}

/**
 * Runs changes of the same keys in the order in which they were asked for, whether or not anybody
 * waits in between: `setMany`, then `deleteMany`, leaves nothing. Changes of other keys run
 * meanwhile. The order is that of the calls of `run`, so those must be made before anything is
 * waited for.
 */
export class KeyOrder {
  /**
   * For each key the end of the change that was asked for last. Those that are over are not kept.
   */
  readonly #last = new Map<string, Promise<void>>();
  readonly #clears = new Set<Clear>();

  /**
   * Runs `work`, at once where nothing that touches the same keys is under way. Rejects with what
   * it rejects with, or throws.
   */
  async run<T>(change: Change, work: () => T | PromiseLike<T>): Promise<T> {
    const { before, end } = this.enter(change);
    try {
      if (before !== undefined) await before;
      return await work();
    } finally {
      end();
    }
  }

  /** Takes the next place for a change. `end` must be called, once. */
  enter(change: Change): Place {
    const before = 'prefix' in change ? this.#beforeClear(change.prefix) : this.#beforeKeys(change.keys);
    let resolve = () => {};
    const leave = this.#enter(
      change,
      new Promise<void>((ended) => {
        resolve = ended;
      }),
    );
    const end = () => {
      leave();
      resolve();
    };
    return { before: before.size > 0 ? Promise.all(before) : undefined, end };
  }

  /** Resolves when everything that is under way on these keys now has ended. */
  async ended(keys: readonly string[]): Promise<void> {
    await Promise.all(this.#beforeKeys(keys));
  }

  #beforeKeys(keys: readonly string[]): Set<Promise<void>> {
    const before = new Set<Promise<void>>();
    for (const key of this.#last.size > 0 ? keys : []) {
      const end = this.#last.get(key);
      if (end) before.add(end);
    }
    for (const { prefix, end } of this.#clears) if (keys.some((key) => key.startsWith(prefix))) before.add(end);
    return before;
  }

  #beforeClear(prefix: string): Set<Promise<void>> {
    const before = new Set<Promise<void>>();
    for (const [key, end] of this.#last) if (key.startsWith(prefix)) before.add(end);
    for (const { prefix: other, end } of this.#clears) {
      if (other.startsWith(prefix) || prefix.startsWith(other)) before.add(end);
    }
    return before;
  }

  /** Returns what takes the change out again. */
  #enter(change: Change, end: Promise<void>): () => void {
    if ('prefix' in change) {
      const clear = { prefix: change.prefix, end };
      this.#clears.add(clear);
      return () => this.#clears.delete(clear);
    }
    // The caller may change its list while the change is under way.
    const keys = [...change.keys];
    for (const key of keys) this.#last.set(key, end);
    return () => {
      for (const key of keys) if (this.#last.get(key) === end) this.#last.delete(key);
    };
  }
}
