import type { BackendEntry } from '../backend.js';
import type { KeyOrder } from '../key-order.js';
import { LOCK_GRACE, type LockStore } from '../locks.js';
import { LOCK, RELEASE, RENEW } from '../redis-scripts.js';
import { type Command, keyChunks, script, storeUnderLocks } from './commands.js';
import { lockName } from './lock-names.js';

/** Sends commands, and rejects where one fails. */
type Run = (commands: Command<number[]>[]) => Promise<number[][]>;

/** Locks as keys that hold their holder: one script for 128 of them, which Upstash counts as one command. */
export class UpstashLocks implements LockStore {
  readonly #run: Run;
  readonly #order: KeyOrder;
  readonly #ttl: number | undefined;

  /**
   * @param run sends commands, which may be repeated: what was stored by the first of two is refused by the second, no more
   * @param order that of all changes of the records
   * @param ttl the life of entries that bring no own, in milliseconds
   */
  constructor(run: Run, order: KeyOrder, ttl: number | undefined) {
    this.#run = run;
    this.#order = order;
    this.#ttl = ttl;
  }

  acquire(keys: readonly string[], holder: string, lifeMs: number, force: boolean): Promise<boolean[]> {
    return this.#ofEach(keys, LOCK, [holder, lifeMs + LOCK_GRACE, LOCK_GRACE, force ? '1' : '']);
  }

  renew(keys: readonly string[], holder: string, lifeMs: number): Promise<boolean[]> {
    return this.#ofEach(keys, RENEW, [holder, lifeMs + LOCK_GRACE]);
  }

  setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]> {
    return this.#answers(
      entries.map(({ key }) => key),
      storeUnderLocks(entries, holder, this.#ttl),
    );
  }

  async release(keys: readonly string[], holder: string): Promise<void> {
    await this.#ofEach(keys, RELEASE, [holder]);
  }

  #ofEach(keys: readonly string[], text: string, words: readonly (string | number)[]): Promise<boolean[]> {
    const commands = keyChunks(keys.map(lockName)).map((names) => script(text, names, words));
    return this.#answers(keys, commands);
  }

  #answers(keys: readonly string[], commands: Command<number[]>[]): Promise<boolean[]> {
    return this.#order.run({ keys }, async () => (await this.#run(commands)).flat().map((answer) => answer === 1));
  }
}
