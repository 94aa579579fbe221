import { LRUCache } from 'lru-cache';
import * as v from 'valibot';
import { copyOfBytes, copyOfText } from '../../copies.js';
import { bytesSchema, checkOptions, ttlSchema } from '../../options.js';
import type { Ttl } from '../../ttl.js';
import type { BackendEntry, BackendLeases, BackendLocks, BackendTouch, CacheBackend } from '../backend.js';
import { DefinedBackend } from '../shell/define-backend.js';
import type { RawStore } from '../shell/raw-store.js';
import { MemoryLeases } from './leases.js';
import { MemoryLocks } from './locks.js';

export interface MemoryBackendOptions {
  /**
   * The most that all entries together may take, in bytes: values, keys and what holds them.
   * @default 268_435_456 (256 MiB)
   */
  maxBytes?: number | undefined;
  /**
   * The TTL of entries that bring no own.
   * @default none: they stay until they are the least recently used
   */
  ttl?: Ttl | undefined;
}

const optionsSchema = v.strictObject({ maxBytes: v.optional(bytesSchema, 256 * 2 ** 20), ttl: v.optional(ttlSchema) });

/**
 * What an entry costs beside its key's characters and its value: the slots of the LRU lists and the
 * map, the typed array and its buffer. Resident memory of 200,000 entries on Node 20 grew by 590 to
 * 780 bytes an entry beside the value, of which a 54-character key is 110 as it is counted below.
 */
const ENTRY_OVERHEAD = 640;

/**
 * A record. lru-cache's own TTLs are not used: it lengthens one only as if the record were written
 * anew, which is a use of it.
 */
interface Held {
  value: Uint8Array;
  /** By the monotonic clock, in milliseconds. */
  end: number;
}

/**
 * Keeps records in this process, bounded in bytes: the least recently used go first. An entry that
 * is larger than the bound is not stored, and the older value under its key is gone. TTLs and
 * leases are measured by the monotonic clock. A longer TTL is no use of a record: it goes as early
 * as before where there is no room.
 *
 * Throws `InvalidOptionError` for options it does not take.
 */
export class MemoryBackend extends DefinedBackend {
  declare readonly leases: BackendLeases;
  declare readonly locks: BackendLocks;
  declare readonly touchMany: NonNullable<CacheBackend['touchMany']>;
  readonly #store: MemoryStore;

  constructor(options: MemoryBackendOptions = {}) {
    const { maxBytes, ttl } = checkOptions(optionsSchema, options, 'MemoryBackend options');
    const store = new MemoryStore(maxBytes);
    super(store, { name: 'MemoryBackend', ttl, ordered: false, takesDuplicates: true });
    this.#store = store;
  }

  /**
   * How many entries are held, those included whose time is over and that nobody asked for since.
   */
  get size(): number {
    return this.#store.records.size;
  }

  /** How many bytes the entries take, as `maxBytes` counts them. */
  get bytes(): number {
    return this.#store.records.calculatedSize;
  }
}

/** Answers at once: a batch is done when its call returns. */
class MemoryStore implements RawStore {
  readonly records: LRUCache<string, Held>;
  readonly leases = new MemoryLeases();
  readonly locks = new MemoryLocks((entries) => this.setMany(entries));

  constructor(maxBytes: number) {
    this.records = new LRUCache({ maxSize: maxBytes });
  }

  getMany(keys: readonly string[]): (Uint8Array | undefined)[] {
    const now = performance.now();
    return keys.map((key) => {
      const held = this.records.get(key);
      if (held === undefined || held.end > now) return held?.value;
      this.records.delete(key);
      return undefined;
    });
  }

  /** Ends the locks of the keys. */
  setMany(entries: readonly BackendEntry[]): void {
    const now = performance.now();
    for (const { key, value, ttlMs = Number.POSITIVE_INFINITY } of entries) {
      this.locks.end(key);
      // The value is copied: it may be a view of a socket's or a batch's buffer and would keep all
      // of that alive. A key counts two bytes a character, which holds for every script.
      const size = ENTRY_OVERHEAD + 2 * key.length + value.byteLength;
      this.records.set(copyOfText(key), { value: copyOfBytes(value), end: now + ttlMs }, { size });
    }
  }

  deleteMany(keys: readonly string[]): number {
    const now = performance.now();
    let count = 0;
    for (const key of keys) {
      this.locks.end(key);
      if ((this.records.peek(key)?.end ?? 0) > now) count += 1;
      this.records.delete(key);
    }
    return count;
  }

  clear(prefix: string): number {
    this.locks.endAll(prefix);
    // Read to its end first: it walks the lists that delete() relinks.
    const found = [...this.records.entries()].filter(([key]) => key.startsWith(prefix));
    if (prefix === '') this.records.clear();
    else for (const [key] of found) this.records.delete(key);
    const now = performance.now();
    return found.filter(([, { end }]) => end > now).length;
  }

  touchMany(touches: readonly BackendTouch[]): void {
    const now = performance.now();
    for (const { key, ttlMs } of touches) {
      const held = this.records.peek(key);
      if (held !== undefined && held.end > now) held.end = Math.max(held.end, now + ttlMs);
    }
  }

  ping(): void {}

  close(): void {
    this.records.clear();
    this.leases.clear();
    this.locks.endAll('');
  }
}
