import * as v from 'valibot';
import { CallTracker } from '../../async/call-tracker.js';
import { bytesSchema, checkOptions, ttlSchema } from '../../options.js';
import { performance } from '../../runtime.js';
import type { Ttl } from '../../ttl.js';
import type {
  BackendEntry,
  BackendHealth,
  BackendLeases,
  BackendLocks,
  BackendTouch,
  CacheBackend,
  ReadContext,
} from '../backend.js';
import type { Change } from '../change.js';
import { KeyOrder } from '../key-order.js';
import { leasesOver } from '../leases.js';
import { checkKeys } from '../limits.js';
import { livesOf } from '../lives.js';
import { locksOver } from '../locks.js';
import type { SqliteDriver } from './driver.js';
import { SqliteFile } from './file.js';
import { SqliteLeases } from './leases.js';
import { SqliteLocks } from './locks.js';
import { readRecords } from './reads.js';
import { SqliteRecords } from './records.js';
import { rangeOf, type SqliteStatements } from './statements.js';
import { Sweep, storeUses, sweepSome } from './sweep.js';
import { Uses } from './uses.js';

export interface SqliteBackendOptions {
  /** The database file, made where there is none; its folder must exist. `':memory:'` is a database of this backend alone. */
  path: string;
  /**
   * The most that all entries together may take, in bytes: values, keys and a fixed share for each row. The file is larger, by a
   * few percent or by up to two thirds, depending on how many values fill a page of 8 KiB; what is free in it beyond a quarter
   * and 16 MiB is given back to the disk over time.
   * @default 1_073_741_824 (1 GiB)
   */
  maxBytes?: number | undefined;
  /**
   * The life of entries that bring no own.
   * @default none: they stay until they are the least recently used
   */
  ttl?: Ttl | undefined;
  /**
   * How often what is expired is removed, uses are stored and free space is given back, in the background. A sweep that finds
   * another process writing is left out.
   * @default 30_000 (30 s)
   */
  sweepInterval?: Ttl | undefined;
  /**
   * What opens the file.
   * @default better-sqlite3 where it is installed, else node:sqlite where Node has it (22.13 or newer)
   */
  driver?: SqliteDriver | undefined;
}

const optionsSchema = v.strictObject({
  path: v.pipe(v.string('the path of a file'), v.minLength(1, 'the path of a file')),
  maxBytes: v.optional(bytesSchema, 2 ** 30),
  ttl: v.optional(ttlSchema),
  sweepInterval: v.optional(ttlSchema, 30_000),
  driver: v.optional(v.picklist(['better-sqlite3', 'node:sqlite'], "'better-sqlite3' or 'node:sqlite'")),
});

/** How long closing stores uses, in milliseconds: the rest is forgotten. */
const CLOSE_LIMIT = 500;

/**
 * Keeps records in one SQLite file that several processes may share, bounded in bytes: what is expired goes first, then the
 * least recently used. Reads write nothing: uses are noted in memory and stored by the sweep and on close. Lives are
 * measured by the wall clock, because they outlast the process. An entry larger than the bound is not stored, and the older
 * value under its key is gone. A write that other processes hold up for more than a second fails.
 *
 * SQLite is synchronous. Its work is cut into steps of a few milliseconds, with turns of the event loop between them.
 *
 * A process that is killed leaves whole records only, and loses none whose write had resolved. After a power failure the last
 * writes may be missing.
 *
 * Throws `InvalidOptionError` for options it does not take; `BackendError` where no driver is installed, the file cannot be
 * opened or written, is damaged, or belongs to another application or another version of the schema. Such a file is left as it
 * is. Where damage shows only later, the keys that it hits cannot be read, nothing more is stored, and `health` says so.
 */
export class SqliteBackend implements CacheBackend {
  /** Those of all processes that share the file. */
  readonly leases: BackendLeases;
  /** Those of all processes that share the file. */
  readonly locks: BackendLocks;
  readonly #file: SqliteFile;
  readonly #uses = new Uses();
  readonly #sweep: Sweep;
  readonly #records: SqliteRecords;
  /** Of two calls that change the same key the one that came last wins. */
  readonly #order = new KeyOrder();
  readonly #calls = new CallTracker('SqliteBackend');

  constructor(options: SqliteBackendOptions) {
    const { path, maxBytes, ttl, sweepInterval, driver } = checkOptions(
      optionsSchema,
      options,
      'SqliteBackend options',
    );
    this.#file = new SqliteFile(path, driver);
    this.#file.onReplaced = () => this.#uses.clear();
    this.#records = new SqliteRecords(this.#file, this.#uses, maxBytes, ttl);
    try {
      this.#records.learnOldestUse();
    } catch (error) {
      this.#file.close();
      throw this.#file.failure(error);
    }
    const run = <T>(call: () => Promise<T>) => this.#calls.run(call);
    this.leases = leasesOver(new SqliteLeases(this.#file), run);
    this.locks = locksOver(new SqliteLocks(this.#file, this.#records, this.#order), run);
    this.#sweep = new Sweep(sweepInterval, () => this.#sweepStep());
  }

  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return this.#calls.run(async () => {
      checkKeys(keys);
      return readRecords(this.#file, this.#uses, keys, context);
    });
  }

  setMany(entries: readonly BackendEntry[]): Promise<void> {
    return this.#change({ keys: entries.map(({ key }) => key) }, async () => {
      await this.#records.put([...new Map(entries.map((entry) => [entry.key, entry])).values()]);
    });
  }

  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#change({ keys }, async () => {
      const removed = await this.#file.removeEach([...new Set(keys)], (key, now) => {
        const { endLock, removeKey } = this.#file.statements;
        endLock(key);
        return removeKey(key, now)?.isLive === 1;
      });
      return removed.filter(Boolean).length;
    });
  }

  clear(prefix: string): Promise<number> {
    return this.#change({ prefix }, async () => {
      const { lower, upper } = rangeOf(prefix);
      // Locks first: otherwise what was locked before could be stored where it was cleared already.
      await this.#removeAll(({ endAnyLock, endLockInRange }) =>
        prefix === '' ? endAnyLock() : endLockInRange(lower, upper),
      );
      return this.#removeAll(
        ({ removeAny, removeInRange }, now) => (prefix === '' ? removeAny(now) : removeInRange(lower, upper, now)),
        ({ isLive }) => isLive === 1,
      );
    });
  }

  touchMany(entries: readonly BackendTouch[]): Promise<void> {
    return this.#change({ keys: entries.map(({ key }) => key) }, async () => {
      await this.#file.storeEach([...livesOf(entries)], ([key, life], now) =>
        this.#file.statements.prolong(now + life, key, now, now + life),
      );
    });
  }

  health(): Promise<BackendHealth> {
    return this.#calls.run(async () => {
      const start = performance.now();
      try {
        await this.#file.read(() => this.#file.statements.totalBytes());
        if (this.#file.damage) throw this.#file.damage;
        return { ok: true, latencyMs: performance.now() - start };
      } catch (error) {
        return { ok: false, latencyMs: Number.NaN, detail: (error as Error).message };
      }
    });
  }

  close(): Promise<void> {
    this.#sweep.stop();
    return this.#calls.close(async () => {
      const limit = performance.now() + CLOSE_LIMIT;
      try {
        let isMore: boolean | undefined;
        do isMore = await this.#file.storeIfFree((goesOn) => !storeUses(this.#file, this.#uses, goesOn));
        while (isMore && performance.now() < limit);
      } catch {
        // Eviction is a little less exact. What is wrong, the calls have told.
      }
      this.#file.close();
    });
  }

  #sweepStep(): Promise<boolean> {
    return this.#calls.run(async () => {
      const isMore = await this.#file.storeIfFree((goesOn) => {
        const result = sweepSome(this.#file, this.#uses, goesOn);
        this.#records.learnOldestUse();
        return result;
      });
      await this.#file.settle();
      return isMore ?? false;
    });
  }

  /** Runs what changes keys, which are checked, after whatever touches the same ones. */
  #change<T>(change: Change, work: () => Promise<T>): Promise<T> {
    return this.#calls.run(async () => {
      checkKeys('prefix' in change ? [change.prefix] : change.keys);
      return this.#order.run(change, work);
    });
  }

  /** Removes in steps until `removeOne` finds nothing more, and tells how many rows of it count. */
  async #removeAll<Row>(
    removeOne: (statements: SqliteStatements, now: number) => Row | undefined,
    counts: (row: Row) => boolean = () => true,
  ) {
    let count = 0;
    for (let isDone = false; !isDone; ) {
      const step = await this.#file.remove((goesOn) => {
        const now = Date.now();
        let [counted, row]: [number, Row | undefined] = [0, undefined];
        do {
          row = removeOne(this.#file.statements, now);
          if (row !== undefined && counts(row)) counted += 1;
        } while (row !== undefined && goesOn());
        return { counted, isLast: row === undefined };
      });
      count += step.counted;
      isDone = step.isLast;
    }
    return count;
  }
}
