import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendLeases } from '../backends/backend.js';
import { startDeadline } from './deadline.js';

/** How long the keys of a process that died are left to it, in milliseconds. */
const LIFE = 5_000;

/** How often leases are renewed while a model is at work, in milliseconds. */
const RENEWAL = LIFE / 3;

/** How long others are waited for, in milliseconds: after that the model is asked here, too. */
const LONGEST_WAIT = 10_000;

/** Pauses between two looks whether others are done, in milliseconds: they double. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 200;

/** What is computed, and when it is stored where others find it. */
export interface Computed<Result> {
  results: readonly Result[];
  stored: Promise<void>;
}

export interface TurnsOptions<Result> {
  /** Stands before a key in the name of its lease. */
  prefix: string;
  /** How long the store may take to say who is at what, in milliseconds: where it does not, nobody is waited for. */
  timeout: number;
  /** What others have stored meanwhile. Never rejects. */
  read(keys: readonly string[]): Promise<(Result | undefined)[]>;
}

/** Lets each key be computed by one process at a time: what others are at is waited for and read. */
export class Turns<Result> {
  readonly #leases: BackendLeases;
  readonly #options: TurnsOptions<Result>;

  constructor(leases: BackendLeases, options: TurnsOptions<Result>) {
    this.#leases = leases;
    this.#options = options;
  }

  /**
   * The results of all keys. Rejects where `compute` does, and when `signal` is aborted.
   *
   * @param patience what is left, in milliseconds, of the time that the cache may cost the caller: that others are at work is not
   *   the cache's doing
   * @param compute is told what is left of that
   */
  async take(
    keys: readonly string[],
    signal: AbortSignal,
    patience: number,
    compute: (keys: string[], patience: number) => Promise<Computed<Result>>,
  ): Promise<Map<string, Result>> {
    const startedAt = performance.now();
    const holder = randomUUID();
    const results = new Map<string, Result>();
    let mine = await this.#acquire(keys, holder, patience);
    let left = Math.max(0, patience - (performance.now() - startedAt));
    for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, 2 * pause)) {
      const own = keys.filter((key) => mine.has(key) && !results.has(key));
      if (own.length > 0) {
        const computed = await this.#compute(own, holder, signal, (wanted) => compute(wanted, left));
        own.forEach((key, i) => {
          results.set(key, computed[i] as Result);
        });
      }
      const missing = keys.filter((key) => !results.has(key));
      if (missing.length === 0) return results;
      await sleep(pause, undefined, { signal });
      left = this.#options.timeout;
      const isLate = performance.now() - startedAt > LONGEST_WAIT;
      mine = await this.#acquire(missing, holder, isLate ? 0 : left);
      // Read after the leases were asked for: whoever gave one back had stored what it was for.
      const found = await this.#options.read(missing);
      missing.forEach((key, i) => {
        if (found[i] !== undefined) results.set(key, found[i]);
      });
      this.#release(
        missing.filter((key) => mine.has(key) && results.has(key)),
        holder,
      );
    }
  }

  async #compute(
    keys: string[],
    holder: string,
    signal: AbortSignal,
    compute: (keys: string[]) => Promise<Computed<Result>>,
  ): Promise<readonly Result[]> {
    const renewal = setInterval(() => {
      this.#leases.acquire(this.#named(keys), holder, LIFE).catch(() => {});
    }, RENEWAL);
    renewal.unref();
    const end = () => {
      clearInterval(renewal);
      signal.removeEventListener('abort', end);
      this.#release(keys, holder);
    };
    // A model may go on although nobody waits for it any more.
    signal.addEventListener('abort', end);
    try {
      const { results, stored } = await compute(keys);
      void stored.then(end);
      return results;
    } catch (error) {
      end();
      throw error;
    }
  }

  /** The keys that are this call's to compute: all of them where the store does not say. */
  async #acquire(keys: readonly string[], holder: string, patience: number): Promise<Set<string>> {
    if (patience <= 0) return new Set(keys);
    const deadline = startDeadline(patience);
    try {
      const held = await deadline.within(this.#leases.acquire(this.#named(keys), holder, LIFE));
      return new Set(held === undefined ? keys : keys.filter((_, i) => held[i]));
    } catch {
      return new Set(keys);
    } finally {
      deadline.clear();
    }
  }

  #release(keys: readonly string[], holder: string): void {
    // A lease that is not given back ends by itself.
    if (keys.length > 0) this.#leases.release(this.#named(keys), holder).catch(() => {});
  }

  #named(keys: readonly string[]): string[] {
    return keys.map((key) => this.#options.prefix + key);
  }
}
