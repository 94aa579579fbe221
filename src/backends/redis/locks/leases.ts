import type { BackendLeases } from '../../backend.js';
import { ACQUIRE, RELEASE } from '../../redis-scripts.js';
import { itemsOf, type RedisCommands } from '../commands.js';

/** Leases as keys that hold their holder. Rejects with what ioredis throws. */
export class RedisLeases implements BackendLeases {
  readonly #script: RedisCommands['script'];

  constructor(script: RedisCommands['script']) {
    this.#script = script;
  }

  async acquire(names: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    return (await this.#script(ACQUIRE, itemsOf(names), [holder, ttlMs])).map((answer) => answer === 1);
  }

  async release(names: readonly string[], holder: string): Promise<void> {
    await this.#script(RELEASE, itemsOf(names), [holder]);
  }
}
