import type { BackendEntry } from '../backend.js';
import type { KeyOrder } from '../key-order.js';
import type { LockStore } from '../locks.js';
import type { SqliteFile } from './file.js';
import type { SqliteRecords } from './records.js';

/** What every end of a lock lies before, in milliseconds: who forces a lock takes it from everybody. */
const FOR_EVER = Number.MAX_SAFE_INTEGER;

/**
 * Locks of all processes that share a file, in a table of their own. Ends are measured by the wall clock. What is stored is checked,
 * stored and unlocked in one transaction.
 */
export class SqliteLocks implements LockStore {
  readonly #file: SqliteFile;
  readonly #records: SqliteRecords;
  readonly #order: KeyOrder;

  /** @param order that of all changes of the records */
  constructor(file: SqliteFile, records: SqliteRecords, order: KeyOrder) {
    this.#file = file;
    this.#records = records;
    this.#order = order;
  }

  acquire(keys: readonly string[], holder: string, lifeMs: number, force: boolean): Promise<boolean[]> {
    return this.#order.run({ keys }, () =>
      this.#file.storeEach(
        keys,
        (key, now) => this.#file.statements.takeLock(key, holder, now + lifeMs, force ? FOR_EVER : now) !== undefined,
      ),
    );
  }

  renew(keys: readonly string[], holder: string, lifeMs: number): Promise<boolean[]> {
    return this.#order.run({ keys }, () =>
      this.#file.storeEach(
        keys,
        (key, now) => this.#file.statements.renewLock(now + lifeMs, key, holder) !== undefined,
      ),
    );
  }

  setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]> {
    return this.#order.run({ keys: entries.map(({ key }) => key) }, () => this.#records.put(entries, holder));
  }

  async release(keys: readonly string[], holder: string): Promise<void> {
    await this.#order.run({ keys }, () =>
      this.#file.removeEach(keys, (key) => this.#file.statements.giveLockBack(key, holder)),
    );
  }
}
