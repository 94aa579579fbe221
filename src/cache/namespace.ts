import type { BackendFill } from '../backends/backend.js';
import type { KeyMaker } from '../keys/digest.js';
import type { KeyPrefix } from '../keys/key.js';
import { parseTtl, type Ttl } from '../ttl.js';
import { atMost } from './deadline.js';
import type { Ledger } from './stats.js';
import type { ReadAnswer, Store } from './store.js';

/** How long an explicit `set` waits for the backend, in milliseconds; `embed` waits within its read timeout. */
const SET_TIMEOUT = 5_000;

/** What the cache lends to a namespace. */
export interface NamespaceContext {
  store: Store;
  makeKeys: KeyMaker;
  prefix: KeyPrefix;
  ledger: Ledger;
  /** The cache's default life of an entry, in milliseconds. */
  ttlMs: number | undefined;
}

/** What embeddings and values have in common: everything that needs keys and records only. */
export abstract class Namespace<Input> {
  protected readonly context: NamespaceContext;
  readonly #ttlMs: number | undefined;

  constructor(context: NamespaceContext, ttlMs: number | undefined) {
    this.context = context;
    this.#ttlMs = ttlMs ?? context.ttlMs;
  }

  /** The whole keys of `inputs`, in order. Throws where the cache is closed or an input is none. */
  protected abstract keysOf(inputs: readonly Input[]): string[];

  async delete(input: Input): Promise<boolean> {
    return (await this.deleteMany([input])) > 0;
  }

  async deleteMany(inputs: readonly Input[]): Promise<number> {
    const keys = this.keysOf(inputs);
    return keys.length === 0 ? 0 : this.context.store.delete(keys, this.context.ledger);
  }

  async clear(): Promise<number> {
    return this.context.store.clear(this.context.prefix, this.context.ledger);
  }

  /** The life of what a call writes, in milliseconds. */
  protected ttlOf(call: { ttl?: Ttl }): number | undefined {
    return call.ttl === undefined ? this.#ttlMs : parseTtl(call.ttl, 'ttl');
  }

  protected read(keys: readonly string[]): Promise<ReadAnswer> {
    return this.context.store.read(keys, this.context.ledger);
  }

  /** Resolves when the records are written or given up. */
  protected write(
    keys: readonly string[],
    records: readonly Uint8Array[],
    ttlMs: number | undefined,
    fill?: BackendFill,
  ): Promise<void> {
    const entries = records.map((value, i) => ({
      key: keys[i] as string,
      value,
      ...(ttlMs !== undefined && { ttlMs }),
    }));
    return this.context.store.write(entries, this.context.ledger, fill);
  }

  /** The same for a caller who asked for nothing but the write. */
  protected async writeNow(keys: readonly string[], records: readonly Uint8Array[], ttlMs: number | undefined) {
    if (keys.length > 0) await atMost(SET_TIMEOUT, this.write(keys, records, ttlMs));
  }
}
