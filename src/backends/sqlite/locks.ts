import type { BackendEntry } from '../backend.js';
import type { LockStore } from '../shell/locks.js';
import type { SqliteFile } from './file/file.js';
import type { SqliteRecords } from './records.js';

/**
 * What every end of a lock lies before, in milliseconds: who forces a lock takes it from everybody.
 */
const FOR_EVER = Number.MAX_SAFE_INTEGER;

/**
 * Locks of all processes that share a file, in a table of their own. Ends are measured by the wall
 * clock. What is stored is checked, stored and unlocked in one transaction.
 */
export class SqliteLocks implements LockStore {
  readonly #file: SqliteFile;
  readonly #records: SqliteRecords;

  constructor(file: SqliteFile, records: SqliteRecords) {
    this.#file = file;
    this.#records = records;
  }

  acquire(keys: readonly string[], holder: string, ttlMs: number, force: boolean): Promise<boolean[]> {
    return this.#file.storeEach(
      keys,
      (key, now) => this.#file.statements.takeLock(key, holder, now + ttlMs, force ? FOR_EVER : now) !== undefined,
    );
  }

  renew(keys: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    return this.#file.storeEach(
      keys,
      (key, now) => this.#file.statements.renewLock(now + ttlMs, key, holder) !== undefined,
    );
  }

  setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]> {
    return this.#records.put(entries, holder);
  }

  async release(keys: readonly string[], holder: string): Promise<void> {
    await this.#file.removeEach(keys, (key) => this.#file.statements.giveLockBack(key, holder));
  }
}
