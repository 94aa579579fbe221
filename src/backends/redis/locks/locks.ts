import { emit } from '../../../events.js';
import type { BackendEntry } from '../../backend.js';
import { LOCK, RELEASE, RENEW, STORE } from '../../redis-scripts.js';
import { LOCK_GRACE, type LockStore } from '../../shell/locks.js';
import { type RedisCommands, type ScriptItem, viewOf } from '../commands.js';
import { redisError } from '../error.js';
import type { LockNames } from './lock-names.js';

/**
 * Locks as keys that hold their holder, each in the slot of the key that it locks. Rejects with
 * what ioredis throws.
 */
export class RedisLocks implements LockStore {
  readonly #script: RedisCommands['script'];
  readonly #names: LockNames;

  constructor(script: RedisCommands['script'], names: LockNames) {
    this.#script = script;
    this.#names = names;
  }

  acquire(keys: readonly string[], holder: string, ttlMs: number, force: boolean): Promise<boolean[]> {
    return this.#ofEach(keys, LOCK, [holder, ttlMs + LOCK_GRACE, LOCK_GRACE, force ? '1' : '']);
  }

  renew(keys: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    return this.#ofEach(keys, RENEW, [holder, ttlMs + LOCK_GRACE]);
  }

  setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]> {
    const items = entries.map(({ key, value, ttlMs }) => {
      const name = this.#names.of(key);
      return name === undefined ? undefined : { keys: [name, key], words: [viewOf(value), ttlMs ?? ''] };
    });
    return this.#run(STORE, items, [holder]);
  }

  async release(keys: readonly string[], holder: string): Promise<void> {
    await this.#ofEach(keys, RELEASE, [holder]);
  }

  #ofEach(keys: readonly string[], text: string, words: readonly (string | number)[]): Promise<boolean[]> {
    const items = keys.map((key) => {
      const name = this.#names.of(key);
      return name === undefined ? undefined : { keys: [name] };
    });
    // What lies on a node that is away is locked by nobody; the others are not to suffer for it.
    return this.#run(text, items, words, (error) => {
      emit('failure', () => ({ namespace: undefined, operation: 'lock', error: redisError(error).message }));
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
    const answers = known.length === 0 ? [] : await this.#script(text, known, words, onPartialFailure);
    let at = 0;
    return items.map((item) => item !== undefined && answers[at++] === 1);
  }
}
