import type { BackendEntry, BackendTouch } from '../backend.js';
import type { RawReadContext, RawStore } from '../shell/raw-store.js';
import type { SqliteDriver } from './driver/driver.js';
import { SqliteFile } from './file/file.js';
import { rangeOf, type SqliteStatements } from './file/statements.js';
import { SqliteLeases } from './leases.js';
import { SqliteLocks } from './locks.js';
import { readRecords } from './reads.js';
import { SqliteRecords } from './records.js';
import { Sweep, storeUses, sweepSome } from './sweep.js';
import { Uses } from './uses.js';

export interface SqliteStoreOptions {
  path: string;
  maxBytes: number;
  /** In milliseconds. */
  sweepInterval: number;
  driver?: SqliteDriver | undefined;
}

/** How long closing stores uses, in milliseconds: the rest is forgotten. */
const CLOSE_LIMIT = 500;

/** Records in a file, which is swept in the background. */
export class SqliteStore implements RawStore {
  readonly leases: SqliteLeases;
  readonly locks: SqliteLocks;
  readonly #file: SqliteFile;
  readonly #uses = new Uses();
  readonly #records: SqliteRecords;
  readonly #sweep: Sweep;

  /** Throws `BackendError` for a file that cannot be used. */
  constructor({ path, maxBytes, sweepInterval, driver }: SqliteStoreOptions) {
    this.#file = new SqliteFile(path, driver);
    this.#file.onReplaced = () => this.#uses.clear();
    this.#records = new SqliteRecords(this.#file, this.#uses, maxBytes);
    try {
      this.#records.learnOldestUse();
    } catch (error) {
      this.#file.close();
      throw this.#file.failure(error);
    }
    this.leases = new SqliteLeases(this.#file);
    this.locks = new SqliteLocks(this.#file, this.#records);
    this.#sweep = new Sweep(sweepInterval, () => this.#sweepStep());
  }

  getMany(keys: readonly string[], context: RawReadContext): Promise<(Uint8Array | undefined)[]> {
    return readRecords(this.#file, this.#uses, keys, context);
  }

  async setMany(entries: readonly BackendEntry[]): Promise<void> {
    await this.#records.put(entries);
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    const removed = await this.#file.removeEach(keys, (key, now) => {
      const { endLock, removeKey } = this.#file.statements;
      endLock(key);
      return removeKey(key, now)?.isLive === 1;
    });
    return removed.filter(Boolean).length;
  }

  async clear(prefix: string): Promise<number> {
    const { lower, upper } = rangeOf(prefix);
    // Locks first: otherwise what was locked before could be stored where it was cleared already.
    await this.#removeAll(({ endAnyLock, endLockInRange }) =>
      prefix === '' ? endAnyLock() : endLockInRange(lower, upper),
    );
    return this.#removeAll(
      ({ removeAny, removeInRange }, now) => (prefix === '' ? removeAny(now) : removeInRange(lower, upper, now)),
      ({ isLive }) => isLive === 1,
    );
  }

  async touchMany(touches: readonly BackendTouch[]): Promise<void> {
    await this.#file.storeEach(touches, ({ key, ttlMs }, now) =>
      this.#file.statements.prolong(now + ttlMs, key, now, now + ttlMs),
    );
  }

  async ping(): Promise<void> {
    await this.#file.read(() => this.#file.statements.totalBytes());
    if (this.#file.damage) throw this.#file.damage;
  }

  /** No step of the sweep is begun any more. */
  stopSweep(): void {
    this.#sweep.stop();
  }

  async close(): Promise<void> {
    this.stopSweep();
    await this.#sweep.ended();
    const limit = performance.now() + CLOSE_LIMIT;
    try {
      let isMore: boolean | undefined;
      do isMore = await this.#file.storeIfFree((hasTimeLeft) => !storeUses(this.#file, this.#uses, hasTimeLeft));
      while (isMore && performance.now() < limit);
    } catch {
      // Eviction is a little less exact. Calls have rejected with whatever is wrong.
    }
    this.#file.close();
  }

  async #sweepStep(): Promise<boolean> {
    const isMore = await this.#file.storeIfFree((hasTimeLeft) => {
      const result = sweepSome(this.#file, this.#uses, hasTimeLeft);
      this.#records.learnOldestUse();
      return result;
    });
    await this.#file.settle();
    return isMore ?? false;
  }

  /**
   * Removes in steps until `removeOne` finds nothing more, and returns how many of its rows count.
   */
  async #removeAll<Row>(
    removeOne: (statements: SqliteStatements, now: number) => Row | undefined,
    counts: (row: Row) => boolean = () => true,
  ): Promise<number> {
    let count = 0;
    for (let isDone = false; !isDone; ) {
      const step = await this.#file.remove((hasTimeLeft) => {
        const now = Date.now();
        let [counted, row]: [number, Row | undefined] = [0, undefined];
        do {
          row = removeOne(this.#file.statements, now);
          if (row !== undefined && counts(row)) counted += 1;
        } while (row !== undefined && hasTimeLeft());
        return { counted, isLast: row === undefined };
      });
      count += step.counted;
      isDone = step.isLast;
    }
    return count;
  }
}
