import type { BackendEntry, BackendLocks, CacheBackend, ReadContext } from '../../src/backends/backend.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';

type Step = 'acquire' | 'setLocked' | 'setMany' | 'getMany' | 'deleteMany' | 'clear';

/** A store with locks whose answers can be held back: a step is done when it is asked, and answered when it is let go. */
export class GatedBackend implements CacheBackend {
  readonly store: MemoryBackend;
  readonly locks: BackendLocks;
  readonly steps: Step[] = [];
  readonly #held = new Map<Step, (() => void)[]>();

  constructor(store = new MemoryBackend()) {
    this.store = store;
    const { locks } = store;
    this.locks = {
      ...locks,
      acquire: (keys, holder, ttlMs, options) =>
        this.#step('acquire', () => locks.acquire(keys, holder, ttlMs, options)),
      setMany: (entries, holder) => this.#step('setLocked', () => locks.setMany(entries, holder)),
    };
  }

  /** Holds back the answers of a step from now on. */
  hold(step: Step): void {
    this.#held.set(step, []);
  }

  /** How many answers of a step wait. */
  waiting(step: Step): number {
    return this.#held.get(step)?.length ?? 0;
  }

  /** Lets the answers of a step go, those to come too. */
  letGo(step: Step): void {
    const waiting = this.#held.get(step) ?? [];
    this.#held.delete(step);
    for (const answer of waiting) answer();
  }

  getMany(keys: readonly string[], _context?: ReadContext) {
    return this.#step('getMany', () => this.store.getMany(keys));
  }

  setMany(entries: readonly BackendEntry[]) {
    return this.#step('setMany', () => this.store.setMany(entries));
  }

  deleteMany(keys: readonly string[]) {
    return this.#step('deleteMany', () => this.store.deleteMany(keys));
  }

  clear(prefix: string) {
    return this.#step('clear', () => this.store.clear(prefix));
  }

  health() {
    return this.store.health();
  }

  async close() {}

  async #step<T>(step: Step, work: () => Promise<T>): Promise<T> {
    this.steps.push(step);
    const result = await work();
    const held = this.#held.get(step);
    if (held) await new Promise<void>((resolve) => held.push(resolve));
    return result;
  }
}
