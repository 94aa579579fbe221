import type { BackendFill, ReadContext } from '../backends/backend.js';
import { InvalidOptionError } from '../errors.js';
import type { Outcome } from '../events.js';
import type { Identity, KeyMaker } from '../keys/digest.js';
import type { KeyPrefix } from '../keys/key.js';
import type { CheckedAdaptiveTtl } from '../policies/adaptive-ttl.js';
import { parseTtl, type Ttl } from '../ttl.js';
import { AdaptiveLives } from './adaptive.js';
import { atMost } from './deadline.js';
import { LookupPlanner, type MakeKeys } from './lookup-plan.js';
import type { Ledger, Looked } from './stats.js';
import type { ReadAnswer, Store } from './store.js';
import type { Turns, TurnsOptions } from './turns.js';

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
  /** What keeps processes from computing the same key at once, where the backend has leases. */
  turns: (<Result>(read: TurnsOptions<Result>['read']) => Turns<Result>) | undefined;
  /** Whether the backend can lengthen lives. */
  canTouch: boolean;
}

/** How long the entries of a namespace live. */
export interface Lives {
  /** In milliseconds. */
  ttl?: number | undefined;
  adaptiveTtl?: CheckedAdaptiveTtl | undefined;
}

/** What embeddings and values have in common: everything that needs keys and records only. */
export abstract class Namespace<Input> {
  protected readonly context: NamespaceContext;
  readonly #keyPrefix: KeyPrefix;
  readonly #ttlMs: number | undefined;
  readonly #adaptive: AdaptiveLives | undefined;

  /** @param keyPrefix what its keys start with */
  constructor(context: NamespaceContext, keyPrefix: KeyPrefix, { ttl, adaptiveTtl }: Lives) {
    this.context = context;
    this.#keyPrefix = keyPrefix;
    if (adaptiveTtl === undefined) {
      this.#ttlMs = ttl ?? context.ttlMs;
      return;
    }
    if (ttl !== undefined) throw new InvalidOptionError('ttl', 'none beside adaptiveTtl', `${ttl} ms`);
    if (!context.canTouch) {
      throw new InvalidOptionError(
        'adaptiveTtl',
        'a backend whose lives can be lengthened (touchMany)',
        'another backend',
      );
    }
    this.#adaptive = new AdaptiveLives(adaptiveTtl, context.store, context.ledger);
  }

  /** What `inputs` are known by, in order. Throws where the cache is closed or an input is none. */
  protected abstract identitiesOf(inputs: readonly Input[]): readonly Identity[];

  /** The whole keys of `inputs`, in order. Throws as `identitiesOf` does. */
  protected keysOf(inputs: readonly Input[]): string[] {
    return this.context.makeKeys(this.#keyPrefix, this.identitiesOf(inputs));
  }

  /** What makes the keys of `inputs`, each once. Throws as `identitiesOf` does. */
  protected plannerOf(inputs: readonly Input[]): LookupPlanner {
    const makeKeys: MakeKeys = (identities, hashes) => this.context.makeKeys(this.#keyPrefix, identities, hashes);
    return new LookupPlanner(this.identitiesOf(inputs), makeKeys);
  }

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

  /** Enters one lookup in the books. See `Ledger.enterLookup`. */
  protected enterLookup(keys: readonly string[], looked: Looked, outcome: (index: number) => Outcome): void {
    const outcomes = this.context.ledger.enterLookup(keys, looked, outcome);
    this.#adaptive?.enter(keys, outcomes);
  }

  protected read(keys: readonly string[]): Promise<ReadAnswer> {
    return this.context.store.read(keys, this.context.ledger);
  }

  /** Reads what `planner` plans, where the backend can while it is planned. */
  protected readPlanned(planner: LookupPlanner, onPart?: ReadContext['onPart']): Promise<ReadAnswer> {
    return this.context.store.readRuns(planner, this.context.ledger, onPart);
  }

  /** Resolves when the records are written or given up. */
  protected write(
    keys: readonly string[],
    records: readonly Uint8Array[],
    ttlMs: number | undefined,
    fill?: BackendFill,
  ): Promise<void> {
    const entries = records.map((value, i) => {
      const key = keys[i] as string;
      const life = ttlMs ?? this.#adaptive?.lifeOf(key);
      return { key, value, ...(life !== undefined && { ttlMs: life }) };
    });
    return this.context.store.write(entries, this.context.ledger, fill);
  }

  /** The same for a caller who asked for nothing but the write. */
  protected async writeNow(keys: readonly string[], records: readonly Uint8Array[], ttlMs: number | undefined) {
    if (keys.length > 0) await atMost(SET_TIMEOUT, this.write(keys, records, ttlMs));
  }
}
