import { setImmediate as nextTurn } from 'node:timers/promises';
import * as v from 'valibot';
import { BackendError, VecstashError } from '../errors.js';
import { bytesSchema, checkOptions, ttlSchema } from '../options.js';
import { entryTtl, type Ttl } from '../ttl.js';
import type { BackendEntry, BackendHealth, CacheBackend } from './backend.js';
import { checkKeys } from './limits.js';
import { OpenCalls } from './open-calls.js';
import { openSqlite, type SqliteDatabase, type SqliteDriver } from './sqlite-driver.js';
import { prepareSchema, transaction } from './sqlite-schema.js';
import { prepareStatements, type SqliteStatements } from './sqlite-statements.js';

export interface SqliteBackendOptions {
  /** The database file, made where there is none; its folder must exist. `':memory:'` is a database of this backend alone. */
  path: string;
  /**
   * The most that all entries together may take, in bytes: values, keys and a fixed share for each row. The file is a little
   * larger, and never shrinks.
   * @default 1_073_741_824 (1 GiB)
   */
  maxBytes?: number;
  /**
   * The life of entries that bring no own.
   * @default none: they stay until they are the least recently used
   */
  ttl?: Ttl;
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
  driver: v.optional(v.picklist(['better-sqlite3', 'node:sqlite'], "'better-sqlite3' or 'node:sqlite'")),
});

/** The row, its places in four indexes and its share of half-filled pages. */
const ROW_OVERHEAD = 160;

/** SQLite is synchronous: what one turn of the event loop does is bounded by rows and, where values are written, by bytes. */
const READ_STEP = 4096;
const WRITE_STEP = 256;
const WRITE_STEP_BYTES = 4 * 2 ** 20;

/** How many reads may wait to be noted as uses. Past it the oldest are forgotten, which only makes eviction less exact. */
const MOST_TOUCHES = 16_384;

/**
 * Keeps records in one SQLite file that several processes may share, bounded in bytes: what is expired goes first, then the
 * least recently used. Reads write nothing: uses are noted in memory and stored with the next write, or on close. Lives are
 * measured by the wall clock, because they outlast the process. An entry larger than the bound is not stored, and the older
 * value under its key is gone. A write that another process holds up for more than 200 ms fails.
 *
 * Throws `InvalidOptionError` for options it does not take; `BackendError` where no driver is installed, the file cannot be
 * opened, or belongs to another application or another version of the schema (it is left as it is).
 */
export class SqliteBackend implements CacheBackend {
  readonly #maxBytes: number;
  readonly #ttl: number | undefined;
  readonly #database: SqliteDatabase;
  readonly #statements: SqliteStatements;
  /** Row ids and when they were read, least recently read first. */
  readonly #touches = new Map<number, number>();
  /** Writes follow one another: steps of two calls never interleave, so the call that came last wins. */
  #writes: Promise<unknown> = Promise.resolve();
  #lastStamp = 0;
  readonly #calls = new OpenCalls('SqliteBackend');

  constructor(options: SqliteBackendOptions) {
    const { path, maxBytes, ttl, driver } = checkOptions(optionsSchema, options, 'SqliteBackend options');
    this.#maxBytes = maxBytes;
    this.#ttl = ttl;
    this.#database = guard(() => openSqlite(path, driver));
    try {
      this.#statements = guard(() => {
        prepareSchema(this.#database);
        return prepareStatements(this.#database);
      });
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#calls.run(async () => {
      checkKeys(keys);
      const values: (Uint8Array | undefined)[] = new Array(keys.length).fill(undefined);
      const stamp = this.#stamp();
      for (let start = 0; start < keys.length; start += READ_STEP) {
        if (start > 0) await nextTurn();
        const step = JSON.stringify(keys.slice(start, start + READ_STEP));
        for (const { place, id, value } of guard(() => this.#statements.read(step, Date.now()))) {
          values[start + place] = value;
          this.#touch(id, stamp);
        }
      }
      return values;
    });
  }

  setMany(entries: readonly BackendEntry[]): Promise<void> {
    return this.#write(async () => {
      checkKeys(entries.map(({ key }) => key));
      for (let start = 0; start < entries.length; ) {
        if (start > 0) await nextTurn();
        const end = stepEnd(entries, start);
        this.#transaction(() => {
          for (let index = start; index < end; index += 1) this.#put(entries[index] as BackendEntry);
          this.#evict();
        });
        start = end;
      }
    });
  }

  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#write(async () => {
      checkKeys(keys);
      let count = 0;
      for (let start = 0; start < keys.length; start += WRITE_STEP) {
        if (start > 0) await nextTurn();
        const step = JSON.stringify(keys.slice(start, start + WRITE_STEP));
        count += this.#transaction(() => this.#remove(this.#statements.findKeys(Date.now(), step))).live;
      }
      return count;
    });
  }

  clear(prefix: string): Promise<number> {
    // Keys are compared as their UTF-8 bytes. No byte of UTF-8 is 255, so the prefix with its last byte raised by one is the
    // first that no longer starts with it.
    const lower = Buffer.from(prefix);
    const upper = Buffer.from(prefix === '' ? [0xff] : lower);
    if (prefix !== '') upper.writeUInt8(lower.readUInt8(lower.length - 1) + 1, lower.length - 1);
    return this.#write(async () => {
      checkKeys([prefix]);
      let count = 0;
      for (;;) {
        const removed = this.#transaction(() =>
          this.#remove(this.#statements.findRange(Date.now(), lower, upper, WRITE_STEP)),
        );
        count += removed.live;
        if (removed.rows < WRITE_STEP) return count;
        await nextTurn();
      }
    });
  }

  health(): Promise<BackendHealth> {
    return this.#calls.run(async () => {
      const start = performance.now();
      try {
        this.#statements.totalBytes();
        return { ok: true, latencyMs: performance.now() - start };
      } catch (error) {
        return { ok: false, latencyMs: Number.NaN, detail: failure(error).message };
      }
    });
  }

  close(): Promise<void> {
    return this.#calls.close(async () => {
      try {
        this.#transaction(() => {});
      } catch {
        // Uses that could not be noted: eviction is a little less exact.
      }
      guard(() => this.#database.close());
    });
  }

  #put({ key, value, ttlMs }: BackendEntry): void {
    const size = ROW_OVERHEAD + Buffer.byteLength(key) + value.byteLength;
    if (size > this.#maxBytes) {
      this.#statements.removeKey(key);
      return;
    }
    const ttl = entryTtl(ttlMs, this.#ttl);
    this.#statements.put(key, value, size, ttl === undefined ? null : Date.now() + ttl, this.#stamp());
  }

  #evict(): void {
    const { totalBytes, findExpired, findLeastRecentlyUsed } = this.#statements;
    // Some expired rows go with each write, so that they do not fill the file up to its bound.
    const now = Date.now();
    do {
      if (this.#remove(findExpired(now, now, WRITE_STEP)).rows === 0) break;
    } while (totalBytes() > this.#maxBytes);
    for (let excess = totalBytes() - this.#maxBytes; excess > 0; ) {
      const rows = findLeastRecentlyUsed(now, WRITE_STEP);
      // Rows that a broken file no longer has are in its sum for ever: better too much than an endless loop.
      if (rows.length === 0) break;
      let count = 0;
      for (; excess > 0 && count < rows.length; count += 1) excess -= (rows[count] as { size: number }).size;
      this.#remove(rows.slice(0, count));
    }
  }

  #remove(rows: readonly { id: number; isLive: 0 | 1 }[]): { rows: number; live: number } {
    if (rows.length > 0) this.#statements.remove(JSON.stringify(rows.map((row) => row.id)));
    return { rows: rows.length, live: rows.filter((row) => row.isLive).length };
  }

  #touch(id: number, stamp: number): void {
    this.#touches.delete(id);
    this.#touches.set(id, stamp);
    if (this.#touches.size > MOST_TOUCHES) this.#touches.delete(this.#touches.keys().next().value as number);
  }

  /** Microseconds of the wall clock, comparable across processes, and always growing in this one. */
  #stamp(): number {
    this.#lastStamp = Math.max(this.#lastStamp + 1, Date.now() * 1000);
    return this.#lastStamp;
  }

  #transaction<T>(work: () => T): T {
    return guard(() => {
      const result = transaction(this.#database, 'BEGIN IMMEDIATE', () => {
        for (const [id, stamp] of this.#touches) this.#statements.touch(stamp, id);
        return work();
      });
      this.#touches.clear();
      return result;
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

function stepEnd(entries: readonly BackendEntry[], start: number): number {
  let bytes = 0;
  let end = start;
  while (end < entries.length && end - start < WRITE_STEP && bytes < WRITE_STEP_BYTES) {
    bytes += (entries[end] as BackendEntry).value.byteLength;
    end += 1;
  }
  return end;
}

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw failure(error);
  }
}

/** SQLite's messages name tables and columns, never what was bound to a statement. */
function failure(error: unknown): VecstashError {
  if (error instanceof VecstashError) return error;
  return new BackendError(`SQLite: ${(error as Error).message}`, { cause: error });
}
