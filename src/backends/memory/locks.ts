import { copyOfText } from '../../copies.js';
import { performance } from '../../runtime.js';
import type { BackendEntry } from '../backend.js';
import { LOCK_GRACE, type LockStore } from '../shell/locks.js';

/** How many locks are held until the first clean-up. */
const FIRST_CLEANUP = 1024;

interface Lock {
  holder: string;
  /** By the monotonic clock, in milliseconds. */
  end: number;
}

/** Locks of this process alone. */
export class MemoryLocks implements LockStore {
  readonly #locks = new Map<string, Lock>();
  readonly #store: (entries: readonly BackendEntry[]) => void;
  #nextCleanup = FIRST_CLEANUP;

  /** @param store stores records at once */
  constructor(store: (entries: readonly BackendEntry[]) => void) {
    this.#store = store;
  }

  /** How many are kept, those included whose time is over. */
  get size(): number {
    return this.#locks.size;
  }

  async acquire(keys: readonly string[], holder: string, ttlMs: number, force: boolean): Promise<boolean[]> {
    const now = performance.now();
    const answers = keys.map((key) => {
      const known = this.#locks.get(key);
      const isOthers = known !== undefined && known.holder !== holder;
      if (isOthers && known.end > now && !force) return false;
      const end = known === undefined || isOthers ? 0 : known.end;
      this.#locks.set(copyOfText(key), { holder, end: Math.max(now + ttlMs, end) });
      return true;
    });
    this.#cleanUp(now);
    return answers;
  }

  async renew(keys: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    const end = performance.now() + ttlMs;
    return keys.map((key) => {
      const known = this.#locks.get(key);
      if (known?.holder !== holder) return false;
      known.end = Math.max(known.end, end);
      return true;
    });
  }

  async setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]> {
    const answers = entries.map(({ key }) => this.#locks.get(key)?.holder === holder);
    this.#store(entries.filter((_, place) => answers[place]));
    return answers;
  }

  async release(keys: readonly string[], holder: string): Promise<void> {
    for (const key of keys) if (this.#locks.get(key)?.holder === holder) this.#locks.delete(key);
  }

  /** Ends the lock of a key, whoever has it. */
  end(key: string): void {
    this.#locks.delete(key);
  }

  /** Ends the locks of all keys that begin with `prefix`. */
  endAll(prefix: string): void {
    if (prefix === '') this.#locks.clear();
    else for (const key of this.#locks.keys()) if (key.startsWith(prefix)) this.#locks.delete(key);
  }

  /**
   * Looks at all of them only when there are twice as many as the last time left: that costs each
   * lock a constant share.
   */
  #cleanUp(now: number): void {
    if (this.#locks.size < this.#nextCleanup) return;
    for (const [key, { end }] of this.#locks) if (end + LOCK_GRACE <= now) this.#locks.delete(key);
    this.#nextCleanup = Math.max(FIRST_CLEANUP, 2 * this.#locks.size);
  }
}
