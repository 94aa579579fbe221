import { notAwaited } from '../../async/attempt.js';
import { chunksOf, chunksWithin } from '../../async/chunks.js';
import { BackendError } from '../../errors.js';
import type { BackendEntry, ReadContext } from '../backend.js';
import type { CheckedDefinition } from './definition.js';
import { liveValue, withExpiry } from './expiry.js';
import { fits, splitByLimits } from './limits.js';
import type { RawContext, RawReadContext, RawStore } from './raw-store.js';
import { type Awaitable, map, type OrNothing, type Requests } from './requests.js';

/** Cuts batches into what a store takes at once: distinct keys within its limits, in chunks. */
export class Batches {
  readonly #store: RawStore;
  readonly #definition: CheckedDefinition;
  readonly #requests: Requests;

  constructor(store: RawStore, definition: CheckedDefinition, requests: Requests) {
    this.#store = store;
    this.#definition = definition;
    this.#requests = requests;
  }

  /**
   * A part that failed is told to the caller, where there is another that did not and the caller
   * listens.
   */
  async read(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    const found = new Map<string, Uint8Array | undefined>();
    const chunks = chunksOf(this.#distinct(keys), this.#definition.keysPerRead);
    const readChunk = async (chunk: string[], request: RawReadContext) => {
      const values = await this.#store.getMany(chunk, request);
      if (values.length !== chunk.length) throw this.#error(`${values.length} values for ${chunk.length} keys`);
      chunk.forEach((key, place) => void found.set(key, values[place]));
    };
    // The store would tell parts by the places of other keys.
    const caller = context && { ...context, onPart: undefined };
    const failures = rejected(await this.#requests.sendEach(chunks, readChunk, caller));
    if (failures.length > 0) {
      if (!context || failures.length === chunks.length) throw failures[0];
      context.onPartialFailure(failures[0]);
    }
    if (!this.#definition.keepsExpiry) return keys.map((key) => found.get(key));
    const now = Date.now();
    return keys.map((key) => liveValue(found.get(key), now));
  }

  /**
   * Stores what fits, removes the older values of what does not, and rejects then where anything
   * was not stored.
   */
  async write(entries: readonly BackendEntry[]): Promise<void> {
    const { limits, keepsExpiry, entriesPerWrite, bytesPerWrite, bytesOf } = this.#definition;
    // Of a key that is written twice the last entry counts.
    const last = [...new Map(entries.map((entry) => [entry.key, entry])).values()];
    const { fitting, removed, error } = splitByLimits(last, limits);
    const now = Date.now();
    const stored = keepsExpiry ? fitting.map((entry) => withExpiry(entry, now)) : fitting;
    const max = { count: entriesPerWrite, bytes: bytesPerWrite };
    const chunks = chunksWithin(stored, max, (entry) => ({ count: 1, bytes: notAwaited(bytesOf(entry)) }));
    const writeChunk = (chunk: BackendEntry[], request: RawContext) => this.#store.setMany(chunk, request);
    const outcomes = await this.#requests.sendEach(chunks, writeChunk);
    if (removed.length > 0) await this.#deleteAll(removed);
    this.#throwFailed(outcomes, chunks, stored.length);
    if (error) throw error;
  }

  /** Returns how many of the keys there were. */
  async delete(keys: readonly string[]): Promise<number> {
    const distinct = this.#distinct(keys);
    if (!this.#definition.keepsExpiry) return this.#deleteAll(distinct);
    const [read] = await Promise.allSettled([this.read(distinct)]);
    // What cannot be counted must go too.
    await this.#deleteAll(distinct);
    if (read.status === 'rejected') throw read.reason;
    return read.value.filter((value) => value !== undefined).length;
  }

  /** Deletes page by page what the store lists. Returns how many keys there were. */
  async clear(prefix: string): Promise<number> {
    let count = 0;
    let cursor: string | undefined;
    do {
      const from = cursor;
      const page = await this.#requests.send((request) => this.#list(prefix, from, request));
      count += await this.delete(page.keys.filter((key) => key.startsWith(prefix)));
      cursor = page.cursor;
      if (cursor !== undefined && cursor === from) throw this.#error('a list that does not end');
    } while (cursor !== undefined);
    return count;
  }

  #list(prefix: string, cursor: string | undefined, request: RawContext): ReturnType<NonNullable<RawStore['list']>> {
    if (this.#store.list === undefined) throw this.#error('keys cannot be listed');
    return this.#store.list(prefix, cursor, request);
  }

  /** The keys that the store can hold, each once. */
  #distinct(keys: readonly string[]): string[] {
    return [...new Set(keys)].filter((key) => fits(key, this.#definition.limits));
  }

  /** Deletes what the store takes at once. */
  deleteChunk(keys: readonly string[], request: RawContext): Awaitable<number> {
    return map(this.#store.deleteMany(keys, request), (count) => {
      if (typeof count === 'number') return count;
      if (this.#definition.keepsExpiry) return 0;
      throw this.#error("deleteMany must return how many keys there were, or the definition needs expiry: 'shell'");
    });
  }

  /** The error of a write of which so many entries were not stored. */
  failedWrites(failed: number, total: number, first?: Error): BackendError {
    const reason = first === undefined ? 'not accepted' : this.#requests.reasonOf(first);
    return this.#error(`${failed} of ${total} writes failed: ${reason}`, first?.cause);
  }

  async #deleteAll(keys: readonly string[]): Promise<number> {
    const chunks = chunksOf(keys, this.#definition.keysPerDelete);
    const outcomes = await this.#requests.sendEach(chunks, (chunk, request) => this.deleteChunk(chunk, request));
    return outcomes.reduce((sum, outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return sum + outcome.value;
    }, 0);
  }

  #throwFailed(
    outcomes: readonly PromiseSettledResult<OrNothing<number>>[],
    chunks: readonly (readonly BackendEntry[])[],
    total: number,
  ): void {
    let failed = 0;
    outcomes.forEach((outcome, index) => {
      failed += outcome.status === 'fulfilled' ? (outcome.value ?? 0) : (chunks[index]?.length ?? 0);
    });
    if (failed === 0) return;
    const [first] = rejected(outcomes);
    // What the store says itself of all that it was asked needs no other words.
    if (chunks.length === 1 && first !== undefined && !this.#requests.hasMade(first)) throw first;
    throw this.failedWrites(failed, total, first);
  }

  #error(message: string, cause?: unknown): BackendError {
    return new BackendError(`${this.#definition.storeName}: ${message}`, cause === undefined ? undefined : { cause });
  }
}

function rejected(outcomes: readonly PromiseSettledResult<unknown>[]): Error[] {
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
}
