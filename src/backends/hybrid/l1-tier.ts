import { attempt, inBackground } from '../../async/attempt.js';
import type { Clock } from '../../clock.js';
import { BackendError } from '../../errors.js';
import { isError } from '../../realms.js';
import type { BackendEntry, BackendHealth, CacheBackend, ReadContext } from '../backend.js';
import type { Change } from '../change.js';

/** How often a clear is tried again that failed, in milliseconds. */
const RETRY_INTERVAL = 500;

const EVERYTHING: Change = { prefix: '' };

/**
 * L1, as a place for copies that may have to go at once. While something is being dropped nothing
 * is to be served from it. Where that failed nobody knows what it still holds: it is out of use
 * until it could be cleared as a whole.
 */
export class L1Tier {
  readonly #backend: CacheBackend;
  readonly #clock: Clock;
  /** Writes under way. A drop waits for them: they must not arrive after it. */
  readonly #puts = new Set<Promise<unknown>>();
  /** How many drops are under way. */
  #drops = 0;
  /** A drop failed, and no clear has succeeded since then. */
  #isBroken = false;
  /** How many drops have failed. */
  #failures = 0;
  #isClearing = false;
  #stopRetries: (() => void) | undefined;

  constructor(backend: CacheBackend, clock: Clock) {
    this.#backend = backend;
    this.#clock = clock;
  }

  /** Whether what it holds may be served. */
  get isSound(): boolean {
    return this.#drops === 0 && !this.#isBroken;
  }

  /** Whether it failed to drop something, and could not be cleared since then. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return attempt(() => this.#backend.getMany(keys, context));
  }

  /** Keeps copies of what was not there; none while it is out of use. */
  async add(entries: readonly BackendEntry[]): Promise<void> {
    if (this.#isBroken || entries.length === 0) return;
    const put = attempt(() => this.#backend.setMany(entries));
    const settled = put.catch(() => {});
    this.#puts.add(settled);
    try {
      await put;
    } finally {
      this.#puts.delete(settled);
    }
  }

  /**
   * Keeps copies in place of older ones. Where that fails it rejects, and the older ones are
   * dropped.
   */
  async put(entries: readonly BackendEntry[]): Promise<void> {
    try {
      await this.add(entries);
    } catch (error) {
      await this.drop({ keys: entries.map(({ key }) => key) }).catch(() => {});
      throw error;
    }
  }

  /**
   * Drops copies, those included that are just being put. Rejects where that fails, and then it is
   * out of use.
   */
  async drop(change: Change): Promise<void> {
    this.#drops += 1;
    try {
      if (this.#puts.size > 0) await Promise.all(this.#puts);
      await attempt<unknown>(() =>
        'prefix' in change ? this.#backend.clear(change.prefix) : this.#backend.deleteMany(change.keys),
      );
    } catch (error) {
      this.#break();
      throw isError(error) ? error : new BackendError('L1 failed to drop copies');
    } finally {
      this.#drops -= 1;
    }
  }

  health(): Promise<BackendHealth> {
    return attempt(() => this.#backend.health());
  }

  async close(): Promise<void> {
    this.#stopRetries?.();
    await attempt(() => this.#backend.close());
  }

  #break(): void {
    this.#isBroken = true;
    this.#failures += 1;
    this.#stopRetries ??= this.#clock.every(RETRY_INTERVAL, () => inBackground(() => this.#retry()));
  }

  async #retry(): Promise<void> {
    if (this.#isClearing) return;
    this.#isClearing = true;
    try {
      const failures = this.#failures;
      await this.drop(EVERYTHING);
      // A drop that failed meanwhile may have left something behind.
      if (failures !== this.#failures) return;
      this.#isBroken = false;
      this.#stopRetries?.();
      this.#stopRetries = undefined;
    } finally {
      this.#isClearing = false;
    }
  }
}
