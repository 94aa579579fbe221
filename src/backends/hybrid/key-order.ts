import type { Change } from '../change.js';

/**
 * One order of events for each key: work on keys, or on a prefix, runs after all work on the same keys that was begun before, in
 * the order of the calls. Work on other keys does not wait.
 */
export class KeyOrder {
  /** The last work on each key. */
  readonly #last = new Map<string, Promise<void>>();
  readonly #prefixes = new Map<Promise<void>, string>();

  /** Runs `work` in its turn, at once where nothing is before it. */
  async run<T>(change: Change, work: () => Promise<T>): Promise<T> {
    const before = this.#before(change);
    let finish = () => {};
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    if ('prefix' in change) this.#prefixes.set(done, change.prefix);
    else for (const key of change.keys) this.#last.set(key, done);
    try {
      if (before.size > 0) await Promise.all(before);
      return await work();
    } finally {
      this.#prefixes.delete(done);
      if ('keys' in change) for (const key of change.keys) if (this.#last.get(key) === done) this.#last.delete(key);
      finish();
    }
  }

  #before(change: Change): Set<Promise<void>> {
    const before = new Set<Promise<void>>();
    if ('prefix' in change) {
      const { prefix } = change;
      for (const [key, done] of this.#last) if (key.startsWith(prefix)) before.add(done);
      for (const [done, other] of this.#prefixes)
        if (other.startsWith(prefix) || prefix.startsWith(other)) before.add(done);
      return before;
    }
    for (const key of change.keys) {
      const done = this.#last.get(key);
      if (done) before.add(done);
      for (const [cleared, prefix] of this.#prefixes) if (key.startsWith(prefix)) before.add(cleared);
    }
    return before;
  }
}
