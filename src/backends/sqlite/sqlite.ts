import * as v from 'valibot';
import { bytesSchema, checkOptions, ttlSchema } from '../../options.js';
import type { Ttl } from '../../ttl.js';
import type { BackendLeases, BackendLocks, CacheBackend } from '../backend.js';
import { DefinedBackend } from '../shell/define-backend.js';
import type { SqliteDriver } from './driver/driver.js';
import { SqliteStore } from './store.js';

export interface SqliteBackendOptions {
  /**
   * The database file, made where there is none; its folder must exist. `':memory:'` is a database
   * of this backend alone.
   */
  path: string;
  /**
   * The most that all entries together may take, in bytes: values, keys and a fixed share for each
   * row. The file is larger, by a few percent or by up to two thirds, depending on how many values
   * fill a page of 8 KiB; what is free in it beyond a quarter and 16 MiB is given back to the disk
   * over time.
   * @default 1_073_741_824 (1 GiB)
   */
  maxBytes?: number | undefined;
  /**
   * The TTL of entries that bring no own.
   * @default none: they stay until they are the least recently used
   */
  ttl?: Ttl | undefined;
  /**
   * How often what is expired is removed, uses are stored and free space is given back, in the
   * background. A sweep that finds another process writing is left out.
   * @default 30_000 (30 s)
   */
  sweepInterval?: Ttl | undefined;
  /**
   * What opens the file.
   * @default better-sqlite3 where it is installed, else node:sqlite where Node has it (22.13 or
   * newer)
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

/**
 * Keeps records in one SQLite file that several processes may share, bounded in bytes: what is
 * expired goes first, then the least recently used. Reads write nothing: uses are noted in memory
 * and stored by the sweep and on close. TTLs are measured by the wall clock, because they outlast
 * the process. An entry larger than the bound is not stored, and the older value under its key is
 * gone. A write that other processes hold up for more than a second fails.
 *
 * SQLite is synchronous. Its work is cut into steps of a few milliseconds, with turns of the event
 * loop between them.
 *
 * A process that is killed leaves whole records only, and loses none whose write had resolved.
 * After a power failure the last writes may be missing.
 *
 * Throws `InvalidOptionError` for options it does not take; `BackendError` where no driver is
 * installed, the file cannot be opened or written, is damaged, or belongs to another application or
 * another version of the schema. Such a file is left as it is. Where damage shows only later, the
 * keys that it hits cannot be read, nothing more is stored, and `health` says so.
 */
export class SqliteBackend extends DefinedBackend {
  /** Those of all processes that share the file. */
  declare readonly leases: BackendLeases;
  /** Those of all processes that share the file. */
  declare readonly locks: BackendLocks;
  declare readonly touchMany: NonNullable<CacheBackend['touchMany']>;
  readonly #store: SqliteStore;

  constructor(options: SqliteBackendOptions) {
    const { ttl, ...rest } = checkOptions(optionsSchema, options, 'SqliteBackend options');
    const store = new SqliteStore(rest);
    super(store, { name: 'SqliteBackend', storeName: 'SQLite', ttl });
    this.#store = store;
  }

  override close(): Promise<void> {
    this.#store.stopSweep();
    return super.close();
  }
}
