import * as v from 'valibot';
import { BACKEND_EXPECTED, type CacheBackend, isBackend } from '../backends/backend.js';
import type { Compression } from '../codec/modes.js';
import { type Precision, vectorCodecEntries } from '../codec/vectors.js';
import type { Identity } from '../keys/digest.js';
import type { Model } from '../keys/fingerprint.js';
import { isName, NAME_EXPECTED } from '../keys/key.js';
import { type SecretOptions, secretEntries } from '../keys/secrets.js';
import { ttlSchema } from '../options.js';
import { type AdaptiveTtlOptions, adaptiveTtlSchema } from '../policies/adaptive-ttl.js';
import { TTL_EXPECTED, type Ttl } from '../ttl.js';
import { valueCodecEntries } from '../values/codec.js';
import type { RateLimitOptions } from './fill/rate-limit.js';
import { type RetryOptions, retrySchema } from './fill/retries.js';

/** A pino-compatible logger. It is told of failures; never of a text, a key or a vector. */
export interface Logger {
  warn(context: Record<string, unknown>, message: string): void;
}

/** Options of `createCache`. */
export interface CacheOptions extends SecretOptions {
  backend: CacheBackend;
  /** Part of every key: raise it, and all that was stored is out of sight. @default 1 */
  version?: number | undefined;
  /** The first part of every key: 1 to 64 characters of A-Z a-z 0-9 . _ - @default 'vecstash' */
  keyPrefix?: string | undefined;
  /** How long entries live. @default the backend's own, or for ever */
  ttl?: Ttl | undefined;
  /**
   * The longest that the cache may hold up an `embed`, over all it does for it. @default 250
   * (milliseconds)
   */
  readTimeout?: Ttl | undefined;
  logger?: Logger | undefined;
}

/** Computes the vectors of `inputs`, one for each, in order. */
export type EmbedFunction<Input> = (
  inputs: Input[],
  context: {
    /** Aborted when nobody waits for the answer any more. */
    signal: AbortSignal;
    /**
     * Tells the tokens that the call took: for each input, or their sum, which is split by the
     * bytes of the inputs. They are stored with the vectors, and told of each hit.
     */
    usage: (tokens: number | readonly number[]) => void;
  },
) => Promise<ArrayLike<number>[]>;

/** Options of `cache.embeddings`. */
export interface EmbeddingsOptions<Input = string> {
  /** The model's id, or everything that tells its vectors from others. */
  model: string | Model;
  /**
   * The length of every vector, 1 to 65,535. It is part of the keys. @default learned: that of the
   * first vector or record; any other is an `EmbedError` then
   */
  dimensions?: number | undefined;
  /**
   * The dimensions of the model's own vectors, where its training (Matryoshka) lets them be cut
   * short: what is stored and set are those, shared with whoever uses them whole, and what comes
   * out are the first `dimensions` numbers, scaled to length 1. Never guessed: the model's page has
   * to say that it can. @default the vectors as they are
   */
  truncateFrom?: number | undefined;
  /** The model. Without it, `embed` is refused and everything else works. */
  embed?: EmbedFunction<Input> | undefined;
  /** @default 'exact', bit for bit */
  precision?: Precision | undefined;
  /** @default 'auto', the smallest that wins */
  compression?: Compression | undefined;
  /**
   * What is known of the dimensions, by `trainProfile` of 'vecstash/codec'. Of several the first is
   * written with, and all are read with: a record that was made with any other is a miss. See
   * `VectorCodecOptions`. @default none
   */
  profile?: Uint8Array | readonly Uint8Array[] | undefined;
  /** What an input is known by. @default the input itself, a string or bytes */
  identify?: ((input: Input) => Identity) | undefined;
  /** @default the cache's */
  ttl?: Ttl | undefined;
  /**
   * Lets entries live by how often they are asked for, instead of `ttl`: 15 minutes at first, an
   * hour at 10 accesses, 6 hours at 100, or by steps of your own. A hit may extend a TTL, also one
   * that a call gave, and never shortens one. Needs a backend with `touchMany`. @default false
   */
  adaptiveTtl?: boolean | AdaptiveTtlOptions | undefined;
  /** The most inputs that one call of `embed` is given. @default 96 */
  batchSize?: number | undefined;
  /** How many calls of `embed` may be under way at once. @default 4 */
  concurrency?: number | undefined;
  /**
   * Calls `embed` again where it failed and that is worth it; `true` for the defaults of
   * `RetryOptions`. Most clients of providers retry by themselves. @default false
   */
  retry?: boolean | RetryOptions | undefined;
  /** How fast `embed` may be called; hits do not count. @default no limit */
  rateLimit?: RateLimitOptions<Input> | undefined;
  /**
   * Calls that come within so much time of one another become one lookup, and share calls of the
   * model: for many callers with few inputs each, 5 to 10 ms. @default 0, none
   */
  gather?: Ttl | undefined;
}

/** Options of `cache.values`. */
export interface ValuesOptions {
  /** @default 'auto', zstd where it wins */
  compression?: Compression | undefined;
  /** See `ValueCodecOptions`. @default 16777216 (16 MiB) */
  maxValueBytes?: number | undefined;
  /** What the values have in common: see `ValueCodecOptions`. @default none */
  dictionary?: Uint8Array | readonly Uint8Array[] | undefined;
  /** @default the cache's */
  ttl?: Ttl | undefined;
  /** See `EmbeddingsOptions`. @default false */
  adaptiveTtl?: boolean | AdaptiveTtlOptions | undefined;
}

/** The most that `batchSize` and `concurrency` may be. */
export const MAX_BATCH_SIZE = 100_000;
export const MAX_CONCURRENCY = 10_000;

const count = (most: number) => v.pipe(v.number(), v.integer('a whole number'), v.minValue(1), v.maxValue(most));
const name = v.custom<string>(isName, NAME_EXPECTED);
const fn = <T>(what: string) => v.custom<T>((value) => typeof value === 'function', what);
const backend = v.custom<CacheBackend>(isBackend, BACKEND_EXPECTED);

export const cacheSchema = v.strictObject({
  backend,
  version: v.optional(v.pipe(v.number(), v.integer('a whole number'), v.minValue(0)), 1),
  keyPrefix: v.optional(name, 'vecstash'),
  ttl: v.optional(ttlSchema),
  readTimeout: v.optional(ttlSchema, 250),
  ...secretEntries,
  logger: v.optional(
    v.custom<Logger>((value) => typeof (value as Logger | null)?.warn === 'function', 'a logger with a warn method'),
  ),
});

const modelId = v.pipe(v.string('a model id, or { id, ... }'), v.nonEmpty('a model id, not empty'));
const model = v.strictObject({
  provider: v.optional(v.string()),
  id: modelId,
  revision: v.optional(v.string()),
  inputType: v.optional(v.string()),
  normalized: v.optional(v.boolean()),
});

const perMinute = v.optional(v.pipe(v.number(), v.minValue(1)));
const rateLimit = v.strictObject({
  requests: perMinute,
  tokens: perMinute,
  countTokens: v.optional(fn<(input: never) => number>('a function')),
});

export const embeddingsSchema = v.strictObject({
  ...vectorCodecEntries,
  dimensions: v.optional(vectorCodecEntries.dimensions),
  // Lazy, so that a wrong field of an object is named, and not the object.
  model: v.lazy((value): typeof modelId | typeof model => (typeof value === 'object' ? model : modelId)),
  truncateFrom: v.optional(vectorCodecEntries.dimensions),
  embed: v.optional(fn<EmbedFunction<never>>('a function')),
  identify: v.optional(fn<(input: never) => Identity>('a function')),
  ttl: v.optional(ttlSchema),
  adaptiveTtl: adaptiveTtlSchema,
  batchSize: v.optional(count(MAX_BATCH_SIZE), 96),
  concurrency: v.optional(count(MAX_CONCURRENCY), 4),
  retry: retrySchema,
  rateLimit: v.optional(rateLimit),
  gather: v.optional(v.union([v.literal(0), ttlSchema], TTL_EXPECTED)),
});

export const valuesSchema = v.strictObject({
  ...valueCodecEntries,
  ttl: v.optional(ttlSchema),
  adaptiveTtl: adaptiveTtlSchema,
});
