import * as v from 'valibot';
import type { VecstashError } from '../../errors.js';
import { bytesSchema, checkOptions, ttlSchema } from '../../options.js';
import { entryTtl, type Ttl } from '../../ttl.js';
import type {
  BackendEntry,
  BackendHealth,
  BackendLeases,
  BackendTouch,
  CacheBackend,
  ReadContext,
} from '../backend.js';
import { leasesOver } from '../leases.js';
import { checkKeys } from '../limits.js';
import { livesOf } from '../lives.js';
import { OpenCalls } from '../open-calls.js';
import type { SqliteDriver } from './driver.js';
import { SqliteFile } from './file.js';
import { SqliteLeases } from './leases.js';
import { Sweep, storeUses, sweepSome } from './sweep.js';
import type { GoesOn } from './turns.js';
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
  maxBytes?: number;
  /**
   * The life of entries that bring no own.
   * @default none: they stay until they are the least recently used
   */
  ttl?: Ttl;
  /**
   * How often what is expired is removed, uses are stored and free space is given back, in the background. A sweep that finds
   * another process writing is left out.
   * @default 30_000 (30 s)
   */
  sweepInterval?: Ttl;
  /**
   * What opens the file.
   * @default better-sqlite3 where it is installed, else node:sqlite where Node has it (22.13 or newer)
   */
  driver?: SqliteDriver;
}

const optionsSchema = v.strictObject({
  path: v.pipe(v.string('the path of a file'), v.minLength(1, 'the path of a file')),
  maxBytes: v.optional(bytesSchema, 2 ** 30),
  ttl: v.optional(ttlSchema),
  sweepInterval: v.optional(ttlSchema, 30_000),
  driver: v.optional(v.picklist(['better-sqlite3', 'node:sqlite'], "'better-sqlite3' or 'node:sqlite'")),
});

/** The row, its places in four indexes and its share of half-filled pages. */
const ROW_OVERHEAD = 160;

/** What one step stores at the most, beside its limit of time: a commit takes its time by the byte. One row in any case. */
const STEP_BYTES = 256 * 1024;

/** How long closing stores uses, in milliseconds: the rest is forgotten. */
const CLOSE_LIMIT = 500;

/** An entry as it is to be stored. */
interface Row {
  key: string;
  value: Uint8Array;
  size: number;
  ttl: number | undefined;
}

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
  readonly #maxBytes: number;
  readonly #ttl: number | undefined;
  readonly #file: SqliteFile;
  readonly #uses = new Uses();
  readonly #sweep: Sweep;
  /** Writes follow one another: steps of two calls never interleave, so the call that came last wins. */
  #writes: Promise<unknown> = Promise.resolve();
  readonly #calls = new OpenCalls('SqliteBackend');

  constructor(options: SqliteBackendOptions) {
    const { path, maxBytes, ttl, sweepInterval, driver } = checkOptions(
      optionsSchema,
      options,
      'SqliteBackend options',
    );
    this.#maxBytes = maxBytes;
    this.#ttl = ttl;
    this.#file = new SqliteFile(path, driver);
    try {
      this.#learnOldestUse();
    } catch (error) {
      this.#file.close();
      throw this.#file.failure(error);
    }
    this.leases = leasesOver(new SqliteLeases(this.#file), (call) => this.#calls.run(call));
    this.#sweep = new Sweep(sweepInterval, () => this.#sweepStep());
  }

  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return this.#calls.run(async () => {
      checkKeys(keys);
      const values: (Uint8Array | undefined)[] = new Array(keys.length).fill(undefined);
      const stamp = this.#uses.stamp();
      let failure: VecstashError | undefined;
      let answered = 0;

      /** Reads from `start` on, until the step is over, and returns where it stopped. */
      const readSome = (start: number, goesOn: GoesOn): number => {
        const now = Date.now();
        let place = start;
        do {
          try {
            const row = this.#file.statements.read(keys[place] as string, now);
            answered += 1;
            // Whatever else is there was not stored by us.
            if (row?.value instanceof Uint8Array) {
              values[place] = row.value;
              this.#uses.note(row.id, row.used, stamp);
            }
          } catch (error) {
            // A damaged page has these keys and no others.
            failure ??= this.#file.readFailure(error);
          }
          place += 1;
        } while (place < keys.length && goesOn());
        return place;
      };

      try {
        for (let next = 0; next < keys.length && !context?.signal.aborted; ) {
          next = await this.#file.read((goesOn) => readSome(next, goesOn));
        }
      } catch (error) {
        failure ??= error as VecstashError;
      }
      if (failure === undefined) return values;
      if (!context || answered === 0) throw failure;
      context.onPartialFailure(failure);
      return values;
    });
  }

  setMany(entries: readonly BackendEntry[]): Promise<void> {
    return this.#write(async () => {
      checkKeys(entries.map(({ key }) => key));
      const rows = [...new Map(entries.map((entry) => [entry.key, entry])).values()].map((entry) => this.#row(entry));
      for (let next = 0; next < rows.length; ) {
        next = await this.#file.store((goesOn) => this.#putSome(rows, next, goesOn));
      }
    });
  }

  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#write(async () => {
      checkKeys(keys);
      const left = [...new Set(keys)];
      const { removeKey } = this.#file.statements;
      let count = 0;
      while (left.length > 0) {
        count += await this.#file.remove((goesOn) => {
          const now = Date.now();
          let live = 0;
          do live += removeKey(left.pop() as string, now)?.isLive ?? 0;
          while (left.length > 0 && goesOn());
          return live;
        });
      }
      return count;
    });
  }

  clear(prefix: string): Promise<number> {
    // Keys are compared as their UTF-8 bytes. No byte of UTF-8 is 255, so the prefix with its last byte raised by one is the
    // first that no longer starts with it.
    const lower = Buffer.from(prefix);
    const upper = Buffer.from(lower);
    if (prefix !== '') upper.writeUInt8(lower.readUInt8(lower.length - 1) + 1, lower.length - 1);
    return this.#write(async () => {
      checkKeys([prefix]);
      const { removeAny, removeInRange } = this.#file.statements;
      const removeOne = (now: number) => (prefix === '' ? removeAny(now) : removeInRange(lower, upper, now));
      let count = 0;
      for (let isDone = false; !isDone; ) {
        count += await this.#file.remove((goesOn) => {
          const now = Date.now();
          let live = 0;
          do {
            const row = removeOne(now);
            live += row?.isLive ?? 0;
            isDone = row === undefined;
          } while (!isDone && goesOn());
          return live;
        });
      }
      return count;
    });
  }

  touchMany(entries: readonly BackendTouch[]): Promise<void> {
    return this.#write(async () => {
      const left = [...livesOf(entries)];
      while (left.length > 0) {
        await this.#file.store((goesOn) => {
          const now = Date.now();
          do {
            const [key, life] = left.pop() as [string, number];
            this.#file.statements.prolong(now + life, key, now, now + life);
          } while (left.length > 0 && goesOn());
        });
      }
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

  #row({ key, value, ttlMs }: BackendEntry): Row {
    const size = ROW_OVERHEAD + Buffer.byteLength(key) + value.byteLength;
    return { key, value, size, ttl: entryTtl(ttlMs, this.#ttl) };
  }

  /** Stores some of the rows from `start` on, after room was made for them, and returns where it stopped. */
  #putSome(rows: readonly Row[], start: number, goesOn: GoesOn): number {
    const { put, removeKey, totalBytes } = this.#file.statements;
    const end = stepEnd(rows, start);
    const now = Date.now();
    if (!this.#makeRoom(rows.slice(start, end), now, goesOn)) return start;
    let next = start;
    do {
      const { key, value, size, ttl } = rows[next] as Row;
      if (size > this.#maxBytes) removeKey(key, now);
      else put(key, value, size, ttl === undefined ? null : now + ttl, this.#uses.stamp());
      next += 1;
    } while (next < end && goesOn());
    // Where what was evicted was to be overwritten, its bytes were counted twice.
    while (totalBytes() > this.#maxBytes && this.#evictOne(now) !== undefined);
    this.#learnOldestUse();
    return next;
  }

  /** Evicts until `rows` fit. False: the step is over, and there is still more to evict. */
  #makeRoom(rows: readonly Row[], now: number, goesOn: GoesOn): boolean {
    const { sizeOf, totalBytes } = this.#file.statements;
    const fitting = rows.filter(({ size }) => size <= this.#maxBytes);
    let excess = fitting.reduce((sum, { size }) => sum + size, totalBytes() - this.#maxBytes);
    if (excess <= 0) return true;
    for (const { key } of fitting) excess -= sizeOf(key) ?? 0;
    while (excess > 0) {
      const freed = this.#evictOne(now);
      // Rows that a broken file no longer has are in its sum for ever: better too much than an endless loop.
      if (freed === undefined) return true;
      excess -= freed;
      if (!goesOn() && excess > 0) return false;
    }
    return true;
  }

  /** How many bytes were freed: none where the row turned out to be used since. Undefined where there is no row. */
  #evictOne(now: number): number | undefined {
    const { leastRecentlyUsed, removeExpired, removeId, touch } = this.#file.statements;
    const expired = removeExpired(now, now);
    if (expired) return expired.size;
    const row = leastRecentlyUsed();
    if (!row) return undefined;
    const used = this.#uses.of(row.id, row.used);
    if (used === undefined) return removeId(row.id, now)?.size;
    touch(used, row.id, used);
    return 0;
  }

  #learnOldestUse(): void {
    this.#uses.setOldest(this.#file.statements.leastRecentlyUsed()?.used ?? this.#uses.stamp());
  }

  /** Each step waits for its turn among the writes, so that none waits for a whole sweep. */
  #sweepStep(): Promise<boolean> {
    return this.#write(async () => {
      const isMore = await this.#file.storeIfFree((goesOn) => {
        const result = sweepSome(this.#file, this.#uses, goesOn);
        this.#learnOldestUse();
        return result;
      });
      await this.#file.trim();
      return isMore ?? false;
    });
  }

  #write<T>(work: () => Promise<T>): Promise<T> {
    return this.#calls.run(() => {
      const result = this.#writes.then(work);
      this.#writes = result.catch(() => {});
      return result;
    });
  }
}

function stepEnd(rows: readonly Row[], start: number): number {
  let bytes = 0;
  let end = start;
  while (end < rows.length && bytes < STEP_BYTES) {
    bytes += (rows[end] as Row).size;
    end += 1;
  }
  return end;
}
