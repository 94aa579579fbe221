import { atMost } from '../async/deadline.js';
import type { BackendEntry } from '../backends/backend.js';
import type { Outcome } from '../events.js';
import type { Identity, KeyMaker } from '../keys/digest.js';
import type { KeyPrefix } from '../keys/key.js';
import type { CheckedAdaptiveTtl } from '../policies/adaptive-ttl.js';
import { type AdaptiveExpiry, Expiry, type ExpiryOptions } from './expiry.js';
import type { Flights } from './fill/flights.js';
import type { VectorFlights } from './fill/vector-flights.js';
import { LookupPlanner } from './lookup/plan.js';
import type { LookedUp, StatsRecorder } from './stats.js';
import type { Store } from './store/store.js';

/**
 * How long an explicit `set` waits for the backend, in milliseconds; `embed` waits within its read
 * timeout.
 */
const SET_TIMEOUT = 5_000;

/** What the cache lends to a namespace. */
export interface NamespaceContext {
  store: Store;
  makeKeys: KeyMaker;
  prefix: KeyPrefix;
  recorder: StatsRecorder;
  /** The cache's default TTL, in milliseconds. */
  ttlMs: number | undefined;
  /**
   * Flights of vectors, shared by all who ask for the same precision: others may have read what is
   * too coarse for them.
   */
  flightsOf: (precision: unknown) => VectorFlights;
  /** Flights of values. */
  valueFlights: Flights<unknown>;
  /** Makes TTLs that follow use; undefined where the backend cannot extend TTLs. */
  adaptive: ((options: CheckedAdaptiveTtl) => AdaptiveExpiry) | undefined;
}

/**
 * What embeddings and values have in common: the keys of inputs, TTLs, writes on purpose and
 * removals.
 */
export class Namespace<Input> {
  readonly store: Store;
  readonly recorder: StatsRecorder;
  readonly expiry: Expiry;
  readonly #context: NamespaceContext;
  readonly #keyPrefix: KeyPrefix;
  readonly #identitiesOf: (inputs: readonly Input[]) => readonly Identity[];

  /**
   * @param keyPrefix what its keys start with
   * @param identitiesOf what `inputs` are hashed by, in order; throws where an input is none
   */
  constructor(
    context: NamespaceContext,
    keyPrefix: KeyPrefix,
    expiry: ExpiryOptions,
    identitiesOf: (inputs: readonly Input[]) => readonly Identity[],
  ) {
    this.store = context.store;
    this.recorder = context.recorder;
    this.expiry = new Expiry(expiry, context.ttlMs, context.adaptive);
    this.#context = context;
    this.#keyPrefix = keyPrefix;
    this.#identitiesOf = identitiesOf;
  }

  /**
   * The whole keys of `inputs`, in order. Throws where the cache is closed, and as `identitiesOf`
   * does.
   */
  keysOf(inputs: readonly Input[]): string[] {
    this.store.assertOpen();
    return this.acceptedKeysOf(inputs);
  }

  /** The same for a call that was accepted before the cache was closed. */
  acceptedKeysOf(inputs: readonly Input[]): string[] {
    return this.#context.makeKeys(this.#keyPrefix, this.#identitiesOf(inputs));
  }

  /** What makes the keys of `inputs`, each once. Throws as `keysOf` does. */
  plannerOf(inputs: readonly Input[]): LookupPlanner {
    this.store.assertOpen();
    return this.acceptedPlannerOf(inputs);
  }

  /** The same for a call that was accepted before the cache was closed. */
  acceptedPlannerOf(inputs: readonly Input[]): LookupPlanner {
    const makeKeys = this.#context.makeKeys;
    const prefix = this.#keyPrefix;
    return new LookupPlanner(this.#identitiesOf(inputs), (identities, hashes) => makeKeys(prefix, identities, hashes));
  }

  /** Counts what a lookup brought: see `StatsRecorder.recordLookup`. */
  recordLookup(keys: readonly string[], lookedUp: LookedUp, outcome: (index: number) => Outcome): void {
    this.expiry.record(keys, this.recorder.recordLookup(keys, lookedUp, outcome));
  }

  /** The entries that store `records`. */
  entriesOf(keys: readonly string[], records: readonly Uint8Array[], ttlMs: number | undefined): BackendEntry[] {
    return records.map((value, i) => {
      const key = keys[i] as string;
      const ttl = this.expiry.ofWrite(key, ttlMs);
      return { key, value, ...(ttl !== undefined && { ttlMs: ttl }) };
    });
  }

  /**
   * Stores what `encode` makes, on purpose: what was computed before is not stored after it.
   * Rejects where `encode` does.
   */
  async set(
    keys: readonly string[],
    ttlMs: number | undefined,
    encode: () => Promise<Uint8Array[]> | Uint8Array[],
  ): Promise<void> {
    if (keys.length === 0) return;
    // It has its place from here on, however long it takes to encode.
    const write = this.store.writes.planSet(keys, this.recorder);
    const written = this.store.accept(async () => {
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

  /** Rejects where the backend does. */
  async deleteMany(inputs: readonly Input[]): Promise<number> {
    const keys = this.keysOf(inputs);
    return keys.length === 0 ? 0 : this.store.delete(keys, this.recorder);
  }

  /** Rejects where the backend does. */
  async clear(): Promise<number> {
    return this.store.clear(this.#context.prefix, this.recorder);
  }
}
