import { LRUCache } from 'lru-cache';
import * as v from 'valibot';
import { ClosedError } from '../errors.js';
import { bytesSchema, checkOptions, ttlSchema } from '../options.js';
import { entryTtl, type Ttl } from '../ttl.js';
import type {
  BackendEntry,
  BackendHealth,
  BackendLeases,
  BackendLocks,
  BackendTouch,
  CacheBackend,
} from './backend.js';
import { leasesOver } from './leases.js';
import { checkKeys } from './limits.js';
import { livesOf } from './lives.js';
import { locksOver } from './locks.js';
import { MemoryLeases } from './memory-leases.js';
import { MemoryLocks } from './memory-locks.js';

export interface MemoryBackendOptions {
  /**
   * The most that all entries together may take, in bytes: values, keys and what holds them.
   * @default 268_435_456 (256 MiB)
   */
  maxBytes?: number | undefined;
  /**
   * The life of entries that bring no own.
   * @default none: they stay until they are the least recently used
   */
  ttl?: Ttl | undefined;
}

const optionsSchema = v.strictObject({ maxBytes: v.optional(bytesSchema, 256 * 2 ** 20), ttl: v.optional(ttlSchema) });

/**
 * What an entry costs beside its key's characters and its value: the slots of the LRU lists and the map, the typed array and
 * its buffer. Resident memory of 200,000 entries on Node 20 grew by 590 to 780 bytes an entry beside the value, of which a
 * 54-character key is 110 as it is counted below.
 */
const ENTRY_OVERHEAD = 640;

/** A record. lru-cache's own lives are not used: it lengthens one only as if the record were written anew, which is a use of it. */
interface Held {
  value: Uint8Array;
  /** By the monotonic clock, in milliseconds. */
  end: number;
}

/**
 * Keeps records in this process, bounded in bytes: the least recently used go first. An entry that is larger than the bound is
 * not stored, and the older value under its key is gone. Lives and leases are measured by the monotonic clock. A longer life is no use
 * of a record: it goes as early as before where there is no room.
 *
 * Throws `InvalidOptionError` for options it does not take.
 */
export class MemoryBackend implements CacheBackend {
  readonly leases: BackendLeases;
  readonly locks: BackendLocks;
  readonly #records: LRUCache<string, Held>;
  readonly #ttl: number | undefined;
  readonly #leases = new MemoryLeases();
  readonly #locks = new MemoryLocks((entries) => this.#store(entries));
  #isClosed = false;

  constructor(options: MemoryBackendOptions = {}) {
    const { maxBytes, ttl } = checkOptions(optionsSchema, options, 'MemoryBackend options');
    this.#ttl = ttl;
    this.#records = new LRUCache({ maxSize: maxBytes });
    const run = async <T>(call: () => Promise<T>) => {
      this.#checkOpen();
      return call();
    };
    this.leases = leasesOver(this.#leases, run);
    this.locks = locksOver(this.#locks, run);
  }

  /** How many entries are held, those included whose time is over and that nobody asked for since. */
  get size(): number {
    return this.#records.size;
  }

  /** How many bytes the entries take, as `maxBytes` counts them. */
  get bytes(): number {
    return this.#records.calculatedSize;
  }

  async getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    this.#checkOpen();
    checkKeys(keys);
    const now = performance.now();
    return keys.map((key) => {
      const held = this.#records.get(key);
      if (held === undefined || held.end > now) return held?.value;
      this.#records.delete(key);
      return undefined;
    });
  }

  async setMany(entries: readonly BackendEntry[]): Promise<void> {
    this.#checkOpen();
    checkKeys(entries.map(({ key }) => key));
    this.#store(entries);
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    this.#checkOpen();
    checkKeys(keys);
    const now = performance.now();
    let count = 0;
    for (const key of keys) {
      this.#locks.end(key);
      if ((this.#records.peek(key)?.end ?? 0) > now) count += 1;
      this.#records.delete(key);
    }
    return count;
  }

  async clear(prefix: string): Promise<number> {
    this.#checkOpen();
    checkKeys([prefix]);
    this.#locks.endAll(prefix);
    // Read to its end first: it walks the lists that delete() relinks.
    const found = [...this.#records.entries()].filter(([key]) => key.startsWith(prefix));
    if (prefix === '') this.#records.clear();
    else for (const [key] of found) this.#records.delete(key);
    const now = performance.now();
    return found.filter(([, { end }]) => end > now).length;
  }

  async touchMany(entries: readonly BackendTouch[]): Promise<void> {
    this.#checkOpen();
    const lives = livesOf(entries);
    const now = performance.now();
    for (const [key, life] of lives) {
      const held = this.#records.peek(key);
      if (held !== undefined && held.end > now) held.end = Math.max(held.end, now + life);
    }
  }

  async health(): Promise<BackendHealth> {
    this.#checkOpen();
    return { ok: true, latencyMs: 0 };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#records.clear();
    this.#leases.clear();
    this.#locks.endAll('');
  }

  /** Stores records, and ends the locks of their keys. */
  #store(entries: readonly BackendEntry[]): void {
    const now = performance.now();
    for (const { key, value, ttlMs } of entries) {
      this.#locks.end(key);
      const end = now + (entryTtl(ttlMs, this.#ttl) ?? Number.POSITIVE_INFINITY);
      // The value is copied: it may be a view of a socket's or a batch's buffer and would keep all of that alive.
      // A key counts two bytes a character, which holds for every script.
      const size = ENTRY_OVERHEAD + 2 * key.length + value.byteLength;
      this.#records.set(key, { value: new Uint8Array(value), end }, { size });
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ClosedError('MemoryBackend');
  }
}
