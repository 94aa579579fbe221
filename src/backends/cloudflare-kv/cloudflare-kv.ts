import { CallTracker } from '../../async/call-tracker.js';
import { type ChunkSize, chunksOf, chunksWithin } from '../../async/chunks.js';
import { requestWithTimeout } from '../../async/timeout.js';
import { BackendError } from '../../errors.js';
import { entryTtl } from '../../ttl.js';
import type { BackendEntry, BackendHealth, CacheBackend, ReadContext } from '../backend.js';
import type { Change } from '../change.js';
import { KeyOrder } from '../key-order.js';
import { checkKeys, fits, splitByLimits } from '../limits.js';
import { KvFailure, kvError, kvReason } from './error.js';
import { type CloudflareKVBackendOptions, openKv } from './options.js';
import { decodeValue, encodePair, isLive, KV_LIMITS, nameOf } from './record.js';
import { settleParts } from './requests.js';
import { KEYS_PER_READ, type KvPair, type KvRead, type KvStore } from './store.js';

export type { KVBinding } from './binding.js';
export type { CloudflareKVBackendOptions } from './options.js';

/** What one write request carries at most, in bytes: KV takes 100 MB, but hardly in time. */
const BYTES_PER_WRITE = 20_000_000;

/** What a pair takes in a request beside its name and its value, in bytes. */
const PAIR_OVERHEAD = 100;

/**
 * Keeps records in Cloudflare Workers KV, through a Worker's binding or through the REST API. 100 keys are read in one request;
 * a binding writes and removes one key a request, the REST API 1000. Nothing is tried again.
 *
 * KV is eventually consistent: a write or a removal is seen at once where it was made, as a rule, and elsewhere after up to 60 s
 * (or `cacheTtl`, where that is longer). That a key is not there is remembered as long. Counts are of what KV showed. KV takes
 * one write a second to the same key, and refuses others.
 *
 * Keys take up to 511 bytes, values up to 18 MB. Values are stored as base64, which is a third larger. Entries whose life is
 * shorter than KV's shortest, 60 s, are kept there for that long and not returned when their own time is over, by this process's
 * clock. A removal costs a read of the same keys, to count them.
 *
 * KV has no conditional write, so there are neither leases nor locks: calls of one backend take effect in their order, but what
 * another process computed before a removal may be stored after it.
 *
 * Throws `InvalidOptionError` for options it does not take, and where there is neither a binding nor all that the REST API needs.
 */
export class CloudflareKVBackend implements CacheBackend {
  readonly limits = KV_LIMITS;
  readonly #store: KvStore;
  readonly #ttl: number | undefined;
  readonly #requestTimeout: number;
  readonly #concurrency: number;
  readonly #calls = new CallTracker('CloudflareKVBackend');
  readonly #order = new KeyOrder();

  constructor(options: CloudflareKVBackendOptions = {}) {
    const { store, ttl, requestTimeout, concurrency } = openKv(options);
    this.#store = store;
    this.#ttl = ttl;
    this.#requestTimeout = requestTimeout;
    this.#concurrency = concurrency;
  }

  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return this.#call(async () => {
      checkKeys(keys);
      const parts = chunksOf(this.#names(keys), KEYS_PER_READ);
      const outcomes = await this.#each(parts, (names) => this.#read(names, context?.signal));
      const failed = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
      if (failed) {
        if (!context || outcomes.every(({ status }) => status === 'rejected')) throw failed.reason;
        context.onPartialFailure(kvError(failed.reason));
      }
      const now = Date.now();
      const records = new Map<string, Uint8Array | undefined>();
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') continue;
        for (const [name, { value, metadata }] of outcome.value) {
          if (isLive(metadata, now)) records.set(name, decodeValue(value));
        }
      }
      return keys.map((key) => records.get(nameOf(key)));
    });
  }

  setMany(entries: readonly BackendEntry[]): Promise<void> {
    return this.#change({ keys: entries.map(({ key }) => key) }, async () => {
      const { fitting, removed, error } = splitByLimits(entries, KV_LIMITS);
      const pairs = fitting.map((entry) => encodePair(entry, entryTtl(entry.ttlMs, this.#ttl)));
      const parts = chunksWithin(pairs, { count: this.#store.pairsPerWrite, bytes: BYTES_PER_WRITE }, sizeOf);
      const outcomes = await this.#each(parts, (part) => this.#ask((signal) => this.#store.write(part, signal)));
      await this.#remove(removed.map(nameOf));
      let failures = 0;
      let reason = 'not accepted';
      outcomes.forEach((outcome, index) => {
        if (outcome.status === 'fulfilled') failures += outcome.value;
        else {
          failures += (parts[index] as KvPair[]).length;
          reason = kvReason(outcome.reason);
        }
      });
      if (failures > 0) {
        throw new BackendError(`Cloudflare KV: ${failures} of ${pairs.length} writes failed: ${reason}`);
      }
      if (error) throw error;
    });
  }

  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#change({ keys }, async () => {
      const names = this.#names(keys);
      const reads = await this.#each(chunksOf(names, KEYS_PER_READ), (part) => this.#read(part));
      const now = Date.now();
      let count = 0;
      for (const found of fulfilled(reads)) {
        for (const { value, metadata } of found.values()) {
          if (isLive(metadata, now) && decodeValue(value)) count += 1;
        }
      }
      // All of them: that a key is not there may be an old answer.
      await this.#remove(names);
      return count;
    });
  }

  clear(prefix: string): Promise<number> {
    return this.#change({ prefix }, async () => {
      if (!fits(prefix, KV_LIMITS)) return 0;
      const start = nameOf(prefix);
      let count = 0;
      let cursor: string | undefined;
      do {
        const from = cursor;
        const page = await this.#ask((signal) => this.#store.list(start, from, signal));
        const keys = page.keys.filter(({ name }) => name.startsWith(start));
        const now = Date.now();
        count += keys.filter(({ metadata }) => isLive(metadata, now)).length;
        await this.#remove(keys.map(({ name }) => name));
        cursor = page.cursor;
        if (cursor !== undefined && cursor === from) throw new KvFailure('a list that does not end');
      } while (cursor !== undefined);
      return count;
    });
  }

  health(): Promise<BackendHealth> {
    return this.#calls.run(async () => {
      const start = performance.now();
      try {
        await this.#read([nameOf('')]);
        return { ok: true, latencyMs: performance.now() - start };
      } catch (error) {
        return { ok: false, latencyMs: Number.NaN, detail: kvError(error).message };
      }
    });
  }

  close(): Promise<void> {
    return this.#calls.close(async () => {});
  }

  /** The names of the keys that KV can hold, each once. */
  #names(keys: readonly string[]): string[] {
    return [...new Set(keys)].filter((key) => fits(key, KV_LIMITS)).map(nameOf);
  }

  /** Reads up to `KEYS_PER_READ` names, in halves where KV says that they are too much for one answer. */
  async #read(names: string[], signal?: AbortSignal): Promise<Map<string, KvRead>> {
    try {
      return await this.#ask((requestSignal) => this.#store.read(names, requestSignal), signal);
    } catch (error) {
      if (!(error instanceof KvFailure && error.status === 413 && names.length > 1)) throw error;
      const middle = Math.ceil(names.length / 2);
      const first = await this.#read(names.slice(0, middle), signal);
      return new Map([...first, ...(await this.#read(names.slice(middle), signal))]);
    }
  }

  async #remove(names: readonly string[]): Promise<void> {
    const parts = chunksOf(names, this.#store.keysPerRemoval);
    fulfilled(await this.#each(parts, (part) => this.#ask((signal) => this.#store.remove(part, signal))));
  }

  #ask<T>(request: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return requestWithTimeout(request, { timeoutMs: this.#requestTimeout, signal, error: late });
  }

  #each<Part, T>(parts: readonly Part[], work: (part: Part) => Promise<T>): Promise<PromiseSettledResult<T>[]> {
    return settleParts(parts, this.#concurrency, work);
  }

  /** Runs what changes keys, which are checked, after whatever touches the same ones: requests overtake one another. */
  #change<T>(change: Change, work: () => Promise<T>): Promise<T> {
    return this.#call(async () => {
      checkKeys('prefix' in change ? [change.prefix] : change.keys);
      return this.#order.run(change, work);
    });
  }

  #call<T>(work: () => Promise<T>): Promise<T> {
    return this.#calls.run(async () => {
      try {
        return await work();
      } catch (error) {
        throw kvError(error);
      }
    });
  }
}

/** What the parts came to. Throws the failure of the first that failed. */
function fulfilled<T>(outcomes: readonly PromiseSettledResult<T>[]): T[] {
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

/** At most what the pair takes in a request: a key's characters take up to 6 bytes in JSON. */
function sizeOf({ name, value }: KvPair): ChunkSize {
  return { count: 1, bytes: 6 * name.length + value.length + PAIR_OVERHEAD };
}

function late(): KvFailure {
  return new KvFailure('no answer in time', { isLate: true });
}
