import { atMost } from '../async/deadline.js';
import { Semaphore } from '../async/semaphore.js';
import type { Values } from '../cache/values.js';
import type { RecentAssetsKey } from './keys.js';

/** Fetches a user's most recent assets from where they are kept. */
export type LoadRecentAssets<T> = (
  userId: string,
  context: {
    /** How many are wanted. */
    limit: number;
    /** Aborted when the service is closed. */
    signal: AbortSignal;
  },
) => Promise<T[]> | T[];

/**
 * What became of a preloading: 'cached' was there already; 'dropped' came when too many were
 * waiting, or after `close`.
 */
export type PreloadOutcome = 'cached' | 'loaded' | 'failed' | 'dropped';

/** Assets of a user that are loaded. */
const MAX_ASSETS = 100;

/**
 * Users whose assets are loaded at a time: logins come in waves, and the database serves live
 * traffic too.
 */
const MAX_LOADS = 4;

/** Users that may wait. */
const MAX_WAITING = 1000;

/** How long `close` waits for what is under way, in milliseconds: a database may hang. */
const CLOSE_TIMEOUT = 2_000;

/** Loads users' recent assets before they are asked for. */
export class Preloading {
  readonly #assets: Values<unknown>;
  readonly #limiter = new Semaphore(MAX_LOADS);
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<PreloadOutcome>>();

  constructor(assets: Values<unknown>) {
    this.#assets = assets;
  }

  /** Never rejects: nobody waits for it. */
  preload<T>(key: RecentAssetsKey, userId: string, load: LoadRecentAssets<T>): Promise<PreloadOutcome> {
    if (this.#underWay.size >= MAX_LOADS + MAX_WAITING) return Promise.resolve('dropped');
    const outcome = this.#limiter.run(() => this.#load(key, userId, load)).catch((): PreloadOutcome => 'failed');
    this.#underWay.add(outcome);
    void outcome.then(() => this.#underWay.delete(outcome));
    return outcome;
  }

  /** Who waits for a turn is not loaded any more; what is under way may end, within 2 seconds. */
  async close(): Promise<void> {
    this.#closing.abort();
    await atMost(CLOSE_TIMEOUT, Promise.all(this.#underWay));
  }

  async #load<T>(key: RecentAssetsKey, userId: string, load: LoadRecentAssets<T>): Promise<PreloadOutcome> {
    const { signal } = this.#closing;
    if (signal.aborted) return 'dropped';
    let isLoaded = false;
    await this.#assets.getOrCompute(key, async () => {
      isLoaded = true;
      return (await load(userId, { limit: MAX_ASSETS, signal })).slice(0, MAX_ASSETS);
    });
    return isLoaded ? 'loaded' : 'cached';
  }
}
