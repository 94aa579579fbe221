import { chunksOf } from '../../async/chunks.js';
import { requestWithTimeout } from '../../async/timeout.js';
import type { BackendEntry } from '../backend.js';
import type { RawContext, RawStore } from '../shell/raw-store.js';
import { isTimeoutError, settleEach } from '../shell/settle-each.js';
import { KvFailure, timeoutFailure } from './error.js';
import { KEYS_PER_READ, type KvNamespace, type KvRead } from './namespace.js';
import { decodeValue, encodePair, isLive, nameOf } from './record.js';

export interface KvStoreOptions {
  /** How long one request may take, in milliseconds. */
  requestTimeout: number;
  /** How many requests of one call are under way at once. */
  concurrency: number;
}

/**
 * Records in a namespace. KV's own TTL is too coarse, so each record's exact end is checked here.
 */
export class KvStore implements RawStore {
  readonly #namespace: KvNamespace;
  readonly #requestTimeout: number;
  readonly #concurrency: number;

  constructor(namespace: KvNamespace, { requestTimeout, concurrency }: KvStoreOptions) {
    this.#namespace = namespace;
    this.#requestTimeout = requestTimeout;
    this.#concurrency = concurrency;
  }

  async getMany(keys: readonly string[], { signal }: RawContext): Promise<(Uint8Array | undefined)[]> {
    const found = await this.#read(keys.map(nameOf), signal);
    const now = Date.now();
    return keys.map((key) => {
      const read = found.get(nameOf(key));
      return read && isLive(read.metadata, now) ? decodeValue(read.value) : undefined;
    });
  }

  setMany(entries: readonly BackendEntry[]): Promise<number> {
    const pairs = entries.map(encodePair);
    return this.#ask((signal) => this.#namespace.write(pairs, signal));
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    const names = keys.map(nameOf);
    const reads = await this.#each(chunksOf(names, KEYS_PER_READ), (chunk) => this.#read(chunk));
    const failed = reads.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
    // All of them are removed: that a key is not there may be an old answer, and what cannot be
    // counted must go too.
    if (!isTimeoutError(failed?.reason)) await this.#remove(names);
    const now = Date.now();
    let count = 0;
    for (const found of fulfilled(reads)) {
      for (const { value, metadata } of found.values()) {
        if (isLive(metadata, now) && decodeValue(value)) count += 1;
      }
    }
    return count;
  }

  /** Counts what the list shows, without a read. */
  async clear(prefix: string): Promise<number> {
    const start = nameOf(prefix);
    let count = 0;
    let cursor: string | undefined;
    do {
      const from = cursor;
      const page = await this.#ask((signal) => this.#namespace.list(start, from, signal));
      const keys = page.keys.filter(({ name }) => name.startsWith(start));
      const now = Date.now();
      count += keys.filter(({ metadata }) => isLive(metadata, now)).length;
      await this.#remove(keys.map(({ name }) => name));
      cursor = page.cursor;
      if (cursor !== undefined && cursor === from) throw new KvFailure('a list that does not end');
    } while (cursor !== undefined);
    return count;
  }

  /**
   * Reads up to `KEYS_PER_READ` names, in halves where KV says that they are too much for one
   * answer.
   */
  async #read(names: string[], signal?: AbortSignal): Promise<Map<string, KvRead>> {
    try {
      return await this.#ask((requestSignal) => this.#namespace.read(names, requestSignal), signal);
    } catch (error) {
      if (!(error instanceof KvFailure && error.status === 413 && names.length > 1)) throw error;
      const middle = Math.ceil(names.length / 2);
      const first = await this.#read(names.slice(0, middle), signal);
      return new Map([...first, ...(await this.#read(names.slice(middle), signal))]);
    }
  }

  async #remove(names: readonly string[]): Promise<void> {
    const chunks = chunksOf(names, this.#namespace.keysPerRemoval);
    fulfilled(await this.#each(chunks, (chunk) => this.#ask((signal) => this.#namespace.remove(chunk, signal))));
  }

  #ask<T>(request: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return requestWithTimeout(request, { timeoutMs: this.#requestTimeout, signal, error: timeoutFailure });
  }

  #each<Chunk, T>(chunks: readonly Chunk[], work: (chunk: Chunk) => Promise<T>): Promise<PromiseSettledResult<T>[]> {
    return settleEach(chunks, this.#concurrency, work);
  }
}

/** What the chunks came to. Throws the failure of the first that failed. */
function fulfilled<T>(outcomes: readonly PromiseSettledResult<T>[]): T[] {
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}
