import { LRUCache } from 'lru-cache';
import * as v from 'valibot';
import { ClosedError } from '../errors.js';
import { bytesSchema, checkOptions, ttlSchema } from '../options.js';
import { entryTtl, type Ttl } from '../ttl.js';
import type { BackendEntry, BackendHealth, CacheBackend } from './backend.js';
import { checkKeys } from './limits.js';

export interface MemoryBackendOptions {
  /**
   * The most that all entries together may take, in bytes: values, keys and what holds them.
   * @default 268_435_456 (256 MiB)
   */
  maxBytes?: number;
  /**
   * The life of entries that bring no own.
   * @default none: they stay until they are the least recently used
   */
  ttl?: Ttl;
}

const optionsSchema = v.strictObject({ maxBytes: v.optional(bytesSchema, 256 * 2 ** 20), ttl: v.optional(ttlSchema) });

/**
 * What an entry costs beside its key's characters and its value: the slots of the LRU lists and the map, the typed array and
 * its buffer. Resident memory of 200,000 entries on Node 20 grew by 590 to 780 bytes an entry beside the value, of which a
 * 54-character key is 110 as it is counted below.
 */
const ENTRY_OVERHEAD = 640;

/**
 * Keeps records in this process, bounded in bytes: the least recently used go first. An entry that is larger than the bound is
 * not stored, and the older value under its key is gone. Lives are measured by the monotonic clock.
 *
 * Throws `InvalidOptionError` for options it does not take.
 */
export class MemoryBackend implements CacheBackend {
  readonly #records: LRUCache<string, Uint8Array>;
  readonly #ttl: number | undefined;
  #isClosed = false;

  constructor(options: MemoryBackendOptions = {}) {
    const { maxBytes, ttl } = checkOptions(optionsSchema, options, 'MemoryBackend options');
    this.#ttl = ttl;
    // A resolution of 0 asks the clock each time: the default keeps one reading until a timer runs, and a timer does not run
    // while the event loop is blocked.
    this.#records = new LRUCache({ maxSize: maxBytes, ttlResolution: 0 });
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
    return keys.map((key) => this.#records.get(key));
  }

  async setMany(entries: readonly BackendEntry[]): Promise<void> {
    this.#checkOpen();
    checkKeys(entries.map(({ key }) => key));
    for (const { key, value, ttlMs } of entries) {
      const ttl = entryTtl(ttlMs, this.#ttl);
      // The value is copied: it may be a view of a socket's or a batch's buffer and would keep all of that alive.
      // A key counts two bytes a character, which holds for every script.
      const size = ENTRY_OVERHEAD + 2 * key.length + value.byteLength;
      this.#records.set(key, new Uint8Array(value), ttl === undefined ? { size } : { size, ttl });
    }
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    this.#checkOpen();
    checkKeys(keys);
    let count = 0;
    for (const key of keys) {
      if (this.#records.has(key)) count += 1;
      this.#records.delete(key);
    }
    return count;
  }

  async clear(prefix: string): Promise<number> {
    this.#checkOpen();
    checkKeys([prefix]);
    // keys() leaves out what is expired. It is read to its end first: it walks the lists that delete() relinks.
    const keys = [...this.#records.keys()].filter((key) => key.startsWith(prefix));
    if (prefix === '') this.#records.clear();
    else for (const key of keys) this.#records.delete(key);
    return keys.length;
  }

  async health(): Promise<BackendHealth> {
    this.#checkOpen();
    return { ok: true, latencyMs: 0 };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#records.clear();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ClosedError('MemoryBackend');
  }
}
