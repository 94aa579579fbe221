import { notAwaited } from '../async/attempt.js';
import { kindOf } from '../describe.js';
import { InvalidInputError } from '../errors.js';
import { valuesFingerprint } from '../keys/fingerprint.js';
import { fingerprintPrefix } from '../keys/key.js';
import { checkOptions } from '../options.js';
import type { Ttl } from '../ttl.js';
import { createValueCodec, type ValueCodec } from '../values/codec.js';
import { Flights } from './fill/flights.js';
import { type Computed, ValueFiller } from './fill/value-filler.js';
import { checkPairs } from './inputs.js';
import { ValueLookup } from './lookup/value-lookup.js';
import { Namespace, type NamespaceContext } from './namespace.js';
import { type ValuesOptions, valuesSchema } from './options.js';

/** Options of one write. */
export interface ValueCallOptions {
  /** @default the namespace's */
  ttl?: Ttl | undefined;
}

/** Options of one computation. */
export interface ComputeOptions<T> {
  /** The TTL of what is computed, or what makes it of the value. @default the namespace's */
  ttl?: (Ttl | ((value: T) => Ttl)) | undefined;
}

/**
 * Values of any kind that msgpack holds, by string keys, under one namespace. Every value that
 * comes out is the caller's to change.
 */
export interface Values<T> {
  get(key: string): Promise<T | undefined>;
  getMany(keys: readonly string[]): Promise<(T | undefined)[]>;
  /**
   * Throws `InvalidInputError` for undefined and for what msgpack cannot hold. A cache that is down
   * costs the entry, not an error.
   */
  set(key: string, value: T, options?: ValueCallOptions): Promise<void>;
  setMany(entries: readonly (readonly [string, T])[], options?: ValueCallOptions): Promise<void>;
  /**
   * The cached value, or what `compute` gives, stored; callers who ask at the same time share one
   * computation and its error.
   */
  getOrCompute(key: string, compute: () => Promise<T> | T, options?: ComputeOptions<T>): Promise<T>;
  has(key: string): Promise<boolean>;
  /** Rejects with `BackendError` where the backend could not delete. */
  delete(key: string): Promise<boolean>;
  deleteMany(keys: readonly string[]): Promise<number>;
  /** Deletes the whole namespace and returns how many entries there were. */
  clear(): Promise<number>;
}

export class ValuesNamespace<T> implements Values<T> {
  readonly #namespace: Namespace<string>;
  readonly #codec: ValueCodec<T>;
  readonly #lookup: ValueLookup<T>;
  readonly #filler: ValueFiller<T>;

  constructor(context: NamespaceContext, given: ValuesOptions) {
    const { compression, dictionary, maxValueBytes, ...expiry } = checkOptions(valuesSchema, given, 'options');
    const prefix = fingerprintPrefix(context.prefix, valuesFingerprint());
    this.#namespace = new Namespace(context, prefix, expiry, checkedKeys);
    this.#codec = createValueCodec<T>({
      ...(compression && { compression }),
      ...(dictionary && { dictionary }),
      ...(maxValueBytes && { maxValueBytes }),
    });
    this.#lookup = new ValueLookup(this.#namespace, this.#codec);
    // What another dictionary made nobody else can read.
    const flights = dictionary ? new Flights<Computed<T>>() : (context.valueFlights as Flights<Computed<T>>);
    this.#filler = new ValueFiller(this.#namespace, this.#codec, this.#lookup, flights);
  }

  async get(key: string): Promise<T | undefined> {
    return (await this.getMany([key]))[0];
  }

  async getMany(keys: readonly string[]): Promise<(T | undefined)[]> {
    const planner = this.#namespace.plannerOf(keys);
    return planner.inputs === 0 ? [] : this.#lookup.run(planner);
  }

  async set(key: string, value: T, options?: ValueCallOptions): Promise<void> {
    await this.setMany([[key, value]], options);
  }

  async setMany(entries: readonly (readonly [string, T])[], options: ValueCallOptions = {}): Promise<void> {
    checkPairs(entries, '[key, value]');
    const keys = this.#namespace.keysOf(entries.map(([key]) => key));
    const values = entries.map(([, value]) => value);
    const ttlMs = this.#namespace.expiry.ofCall(options);
    const records = this.#codec.encodeMany(keys, values);
    await this.#namespace.set(keys, ttlMs, () => records);
  }

  async getOrCompute(key: string, compute: () => Promise<T> | T, options: ComputeOptions<T> = {}): Promise<T> {
    const { ttl } = options;
    const { expiry, store } = this.#namespace;
    const ttlMs = typeof ttl === 'function' ? undefined : expiry.ofCall({ ...(ttl !== undefined && { ttl }) });
    const ttlOf = (value: T) => (typeof ttl === 'function' ? expiry.ofCall({ ttl: notAwaited(ttl(value)) }) : ttlMs);
    const [fullKey] = this.#namespace.keysOf([key]) as [string];
    return store.accept(() => this.#filler.getOrCompute({ key: fullKey, compute, ttlOf }));
  }

  async has(key: string): Promise<boolean> {
    return (await this.get(key)) !== undefined;
  }

  async delete(key: string): Promise<boolean> {
    return (await this.deleteMany([key])) > 0;
  }

  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#namespace.deleteMany(keys);
  }

  clear(): Promise<number> {
    return this.#namespace.clear();
  }
}

function checkedKeys(keys: readonly string[]): readonly string[] {
  if (!Array.isArray(keys)) throw new InvalidInputError('keys', 'an array of strings', typeof keys);
  keys.forEach((key, i) => {
    if (typeof key !== 'string') throw new InvalidInputError(`keys[${i}]`, 'a string', kindOf(key));
  });
  return keys;
}
