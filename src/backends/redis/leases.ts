import type { BackendLeases } from '../backend.js';
import { ACQUIRE, RELEASE } from '../redis-scripts.js';
import { itemsOf, type RedisStore } from './store.js';

/** Leases as keys that hold their holder. Rejects with what ioredis throws. */
export class RedisLeases implements BackendLeases {
  readonly #store: RedisStore;

  constructor(store: RedisStore) {
    this.#store = store;
  }

  async acquire(names: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    return (await this.#store.script(ACQUIRE, itemsOf(names), [holder, ttlMs])).map((answer) => answer === 1);
  }

  async release(names: readonly string[], holder: string): Promise<void> {
    await this.#store.script(RELEASE, itemsOf(names), [holder]);
  }
}
