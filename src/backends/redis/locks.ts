import { tell } from '../../events.js';
import type { BackendEntry } from '../backend.js';
import { LOCK_GRACE, type LockStore } from '../locks.js';
import { LOCK, RELEASE, RENEW, STORE } from '../redis-scripts.js';
import { redisError } from './error.js';
import { type RedisStore, type ScriptItem, viewOf } from './store.js';

/** Locks as keys that hold their holder, each in the slot of the key that it locks. Rejects with what ioredis throws. */
export class RedisLocks implements LockStore {
  readonly #store: RedisStore;
  readonly #withLife: (entry: BackendEntry) => BackendEntry;

  /** @param withLife gives an entry its whole life */
  constructor(store: RedisStore, withLife: (entry: BackendEntry) => BackendEntry) {
    this.#store = store;
    this.#withLife = withLife;
  }

  acquire(keys: readonly string[], holder: string, lifeMs: number, force: boolean): Promise<boolean[]> {
    return this.#ofEach(keys, LOCK, [holder, lifeMs + LOCK_GRACE, LOCK_GRACE, force ? '1' : '']);
  }

  renew(keys: readonly string[], holder: string, lifeMs: number): Promise<boolean[]> {
    return this.#ofEach(keys, RENEW, [holder, lifeMs + LOCK_GRACE]);
  }

  setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]> {
    return this.#run(
      STORE,
      entries.map(this.#withLife).map(({ key, value, ttlMs }) => {
        const name = this.#store.lockNames.of(key);
        return name === undefined ? undefined : { keys: [name, key], words: [viewOf(value), ttlMs ?? ''] };
      }),
      [holder],
    );
  }

  async release(keys: readonly string[], holder: string): Promise<void> {
    await this.#ofEach(keys, RELEASE, [holder]);
  }

  #ofEach(keys: readonly string[], text: string, words: readonly (string | number)[]): Promise<boolean[]> {
    const items = keys.map((key) => {
      const name = this.#store.lockNames.of(key);
      return name === undefined ? undefined : { keys: [name] };
    });
    // What lies on a node that is away is locked by nobody; the others are not to suffer for it.
    return this.#run(text, items, words, (error) => {
      tell('failure', () => ({ namespace: undefined, operation: 'lock', error: redisError(error).message }));
    });
  }

  /** A key whose lock can have no name is never locked. */
  async #run(
    text: string,
    items: readonly (ScriptItem | undefined)[],
    words: readonly (string | number)[],
    onPartialFailure?: (error: unknown) => void,
  ): Promise<boolean[]> {
    const known = items.filter((item) => item !== undefined);
    const answers = known.length === 0 ? [] : await this.#store.script(text, known, words, onPartialFailure);
    let at = 0;
    return items.map((item) => item !== undefined && answers[at++] === 1);
  }
}
