import { performance } from '../../runtime.js';
import type { BackendLeases } from '../backend.js';

/** How many leases are held until the first clean-up. */
const FIRST_CLEANUP = 1024;

/** Leases of this process alone. Ends are measured by the monotonic clock. */
export class MemoryLeases implements BackendLeases {
  readonly #leases = new Map<string, { holder: string; end: number }>();
  #nextCleanup = FIRST_CLEANUP;

  /** How many are kept, those included that ended since the last clean-up. */
  get size(): number {
    return this.#leases.size;
  }

  async acquire(names: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    const now = performance.now();
    const answers = names.map((name) => {
      const known = this.#leases.get(name);
      const isHeld = known !== undefined && known.end > now;
      if (isHeld && known.holder !== holder) return false;
      this.#leases.set(name, { holder, end: Math.max(now + ttlMs, isHeld ? known.end : 0) });
      return true;
    });
    this.#cleanUp(now);
    return answers;
  }

  async release(names: readonly string[], holder: string): Promise<void> {
    for (const name of names) if (this.#leases.get(name)?.holder === holder) this.#leases.delete(name);
  }

  clear(): void {
    this.#leases.clear();
  }

  /**
   * Looks at all of them only when there are twice as many as the last time left: that costs each
   * lease a constant share.
   */
  #cleanUp(now: number): void {
    if (this.#leases.size < this.#nextCleanup) return;
    for (const [name, { end }] of this.#leases) if (end <= now) this.#leases.delete(name);
    this.#nextCleanup = Math.max(FIRST_CLEANUP, 2 * this.#leases.size);
  }
}
