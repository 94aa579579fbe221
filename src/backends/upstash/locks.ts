import type { BackendEntry } from '../backend.js';
import { LOCK, RELEASE, RENEW } from '../redis-scripts.js';
import { LOCK_GRACE, type LockStore } from '../shell/locks.js';
import { type Command, keyChunks, script, storeUnderLocks } from './commands.js';
import { lockName } from './lock-names.js';

/** Sends commands, and rejects where one fails. */
type Run = (commands: Command<number[]>[]) => Promise<number[][]>;

/**
 * Locks as keys that hold their holder: one script for 128 of them, which Upstash counts as one
 * command.
 */
export class UpstashLocks implements LockStore {
  readonly #run: Run;

  /** @param run sends commands, which may be repeated, and rejects where one fails */
  constructor(run: Run) {
    this.#run = run;
  }

  acquire(keys: readonly string[], holder: string, ttlMs: number, force: boolean): Promise<boolean[]> {
    return this.#ofEach(keys, LOCK, [holder, ttlMs + LOCK_GRACE, LOCK_GRACE, force ? '1' : '']);
  }

  renew(keys: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    return this.#ofEach(keys, RENEW, [holder, ttlMs + LOCK_GRACE]);
  }

  setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]> {
    return this.#answers(storeUnderLocks(entries, holder));
  }

  async release(keys: readonly string[], holder: string): Promise<void> {
    await this.#ofEach(keys, RELEASE, [holder]);
  }

  #ofEach(keys: readonly string[], text: string, words: readonly (string | number)[]): Promise<boolean[]> {
    return this.#answers(keyChunks(keys.map(lockName)).map((names) => script(text, names, words)));
  }

  async #answers(commands: Command<number[]>[]): Promise<boolean[]> {
    return (await this.#run(commands)).flat().map((answer) => answer === 1);
  }
}
