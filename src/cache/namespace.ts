import { atMost } from '../async/deadline.js';
import type { BackendEntry, ReadContext } from '../backends/backend.js';
import { InvalidOptionError } from '../errors.js';
import type { Outcome } from '../events.js';
import type { Identity, KeyMaker } from '../keys/digest.js';
import type { KeyPrefix } from '../keys/key.js';
import type { CheckedAdaptiveTtl } from '../policies/adaptive-ttl.js';
import { parseTtl, type Ttl } from '../ttl.js';
import type { AdaptiveLives } from './expiry.js';
import type { Answer } from './fill/filler.js';
import type { Flights } from './fill/flights.js';
import { LookupPlanner, type MakeKeys } from './lookup/plan.js';
import type { Ledger, Looked } from './stats.js';
import type { ReadAnswer } from './store/reads.js';
import type { Store } from './store/store.js';

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
  /** Vectors under way, for all who ask for the same precision: others may have read what is too coarse for them. */
  flightsOf: (precision: unknown) => Flights<Answer>;
  /** Values under way. */
  valueFlights: Flights<unknown>;
  /** What lets this namespace's entries live by their use; undefined where the backend cannot lengthen lives. */
  adaptive: ((options: CheckedAdaptiveTtl) => AdaptiveLives) | undefined;
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
    if (context.adaptive === undefined) {
      throw new InvalidOptionError(
        'adaptiveTtl',
        'a backend whose lives can be lengthened (touchMany)',
        'another backend',
      );
    }
    this.#adaptive = context.adaptive(adaptiveTtl);
  }

  /** What `inputs` are known by, in order. Throws where an input is none. */
  protected abstract identitiesOf(inputs: readonly Input[]): readonly Identity[];

  /** The whole keys of `inputs`, in order. Throws where the cache is closed, and as `identitiesOf` does. */
  protected keysOf(inputs: readonly Input[]): string[] {
    this.context.store.assertOpen();
    return this.acceptedKeysOf(inputs);
  }

  /** The same for a call that was accepted before the cache was closed. */
  protected acceptedKeysOf(inputs: readonly Input[]): string[] {
    return this.context.makeKeys(this.#keyPrefix, this.identitiesOf(inputs));
  }

  /** What makes the keys of `inputs`, each once. Throws as `keysOf` does. */
  protected plannerOf(inputs: readonly Input[]): LookupPlanner {
    this.context.store.assertOpen();
    return this.acceptedPlannerOf(inputs);
  }

  /** The same for a call that was accepted before the cache was closed. */
  protected acceptedPlannerOf(inputs: readonly Input[]): LookupPlanner {
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
  protected ttlOf(call: { ttl?: Ttl | undefined }): number | undefined {
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

  /** Reads keys again that were missed, under their locks. */
  protected readAgain(keys: readonly string[]): Promise<ReadAnswer> {
    return this.context.store.readAgain(keys, this.context.ledger);
  }

  /** Reads what `planner` plans, where the backend can while it is planned. */
  protected readPlanned(planner: LookupPlanner, onPart?: ReadContext['onPart']): Promise<ReadAnswer> {
    return this.context.store.readRuns(planner, this.context.ledger, onPart);
  }

  /** The entries that store `records`. */
  protected entriesOf(
    keys: readonly string[],
    records: readonly Uint8Array[],
    ttlMs: number | undefined,
  ): BackendEntry[] {
    return records.map((value, i) => {
      const key = keys[i] as string;
      const life = ttlMs ?? this.#adaptive?.lifeOf(key);
      return { key, value, ...(life !== undefined && { ttlMs: life }) };
    });
  }

  /** Stores what `encode` makes for a caller who asked for nothing but the write. Rejects where `encode` does. */
  protected async writeNow(
    keys: readonly string[],
    ttlMs: number | undefined,
    encode: () => Promise<Uint8Array[]> | Uint8Array[],
  ): Promise<void> {
    if (keys.length === 0) return;
    const { store, ledger } = this.context;
    // It has its place from here on, however long it takes to encode.
    const write = store.planWrite(keys, ledger);
    const written = store.accept(async () => {
      let entries: BackendEntry[];
      try {
        entries = this.entriesOf(keys, await encode(), ttlMs);
      } catch (error) {
        write.giveUp();
        throw error;
      }
      await write.store(entries);
    });
    await atMost(SET_TIMEOUT, written);
  }
}
