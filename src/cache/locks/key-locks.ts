import { Backoff } from '../../async/backoff.js';
import { Semaphore } from '../../async/semaphore.js';
import type { BackendLocks } from '../../backends/backend.js';
import { BackendError } from '../../errors.js';
import { performance, sleep } from '../../runtime.js';
import { ended, HeldLocks, LOCK_TTL } from './held-locks.js';

/** Between two tries to give locks back, while they would live. */
const RELEASES = { baseMs: 50, maxMs: LOCK_TTL };

/** Between two looks whether others let keys go. */
const LOOKS = { baseMs: 5, maxMs: 100 };

/**
 * Releases that the store is told of at once. What comes on top waits, for as long as its locks
 * live.
 */
const MAX_RELEASES = 64;

/**
 * Locks in a row that may not come in time before none are asked for, and for how long, in
 * milliseconds.
 */
const MAX_LATE = 3;
const PAUSE = 500;

/** What a store answers whose user may not run what locks need. */
const NOT_PERMITTED = /\b(NOPERM|unknown command)\b/i;

/**
 * The locks of a backend, as the cache takes them: for one computation or one write each, renewed
 * while that goes on.
 */
export class KeyLocks {
  readonly #locks: BackendLocks;
  readonly #onFailure: (error: unknown) => void;
  /** Keys that are being given back, until the store has been told. */
  readonly #releasing = new Map<string, Promise<unknown>>();
  readonly #releases = new Semaphore(MAX_RELEASES);
  #isUsable = true;
  #late = 0;
  #lateAt = 0;

  /** @param onFailure is told of what the store could not do */
  constructor(locks: BackendLocks, onFailure: (error: unknown) => void) {
    this.#locks = locks;
    this.#onFailure = onFailure;
  }

  /** Whether the store did not answer in time lately: it is not asked for a while. */
  get isPaused(): boolean {
    return this.#late >= MAX_LATE && performance.now() - this.#lateAt < PAUSE;
  }

  /** False where the store said that this user may not lock. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /**
   * Locks `keys`, with `force` also those that others hold: only what is set on purpose may do
   * that.
   */
  hold(keys: readonly string[], options: { force?: boolean } = {}): HeldLocks {
    return new HeldLocks(this.#locks, keys, options.force === true, {
      failed: (error) => this.#failed(error),
      answered: (isInTime) => {
        this.#late = isInTime ? 0 : this.#late + 1;
        this.#lateAt = performance.now();
      },
      release: (held, holder) => void this.#release(held, holder),
      released: (wanted) => this.#released(wanted),
    });
  }

  /**
   * Ends a write on purpose of which some keys were refused: others wrote or removed them
   * meanwhile. Waits until those have let them go, for the TTL of a lock at most and where the
   * store answers, since nobody may read what is older than both once this is answered. Returns how
   * many are lost: refused since the locks had expired.
   */
  async giveWay({ refused, hasExpired }: HeldLocks, readTimeout: number): Promise<number> {
    if (hasExpired || refused.size === 0) return refused.size;
    const end = performance.now() + LOCK_TTL;
    let left = [...refused];
    const backoff = new Backoff(LOOKS);
    for (;;) {
      const hold = this.hold(left);
      const { own, unknown } = await hold.lockedInTime(readTimeout);
      hold.end();
      left = left.filter((key) => !own.has(key) && !unknown.has(key));
      const pause = backoff.next();
      if (left.length === 0 || performance.now() + pause > end) return 0;
      await sleep(pause, { ref: false });
    }
  }

  #failed(error: unknown): void {
    if (error instanceof BackendError && NOT_PERMITTED.test(error.message)) this.#isUsable = false;
    this.#onFailure(error);
  }

  /**
   * Tries for as long as the locks would live: others wait for them. A pause between two tries
   * holds up no other release.
   */
  async #release(keys: readonly string[], holder: string): Promise<void> {
    const end = performance.now() + LOCK_TTL;
    const backoff = new Backoff(RELEASES);
    for (;;) {
      try {
        await this.#releaseOnce(keys, holder, end);
        return;
      } catch {
        const pause = backoff.next();
        if (!this.#isUsable || performance.now() + pause > end) return;
        await sleep(pause, { ref: false });
      }
    }
  }

  async #releaseOnce(keys: readonly string[], holder: string, end: number): Promise<void> {
    const told = this.#releases.run(async () => {
      // A store that hangs: what waited that long is over by itself.
      if (performance.now() < end) await ended(() => this.#locks.release(keys, holder));
    });
    for (const key of keys) this.#releasing.set(key, told);
    try {
      await told;
    } finally {
      for (const key of keys) if (this.#releasing.get(key) === told) this.#releasing.delete(key);
    }
  }

  /**
   * Resolves when the store has been told of those keys that are being given back: not every
   * backend keeps the order.
   */
  async #released(keys: readonly string[]): Promise<void> {
    if (this.#releasing.size === 0) return;
    await Promise.allSettled(keys.flatMap((key) => this.#releasing.get(key) ?? []));
  }
}
