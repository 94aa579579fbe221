import * as v from 'valibot';
import type { Cache } from '../../cache/cache.js';
import type { EmbedCallOptions, Embeddings } from '../../cache/embeddings.js';
import { type EmbedFunction, MAX_BATCH_SIZE, MAX_CONCURRENCY } from '../../cache/options.js';
import { kindOf } from '../../describe.js';
import { InvalidInputError, InvalidOptionError } from '../../errors.js';
import type { Model } from '../../keys/fingerprint.js';
import { checkOptions } from '../../options.js';
import { type AdapterOptions, cacheOf, checkTexts, originalOf, refuseOptions } from '../adapted.js';
import { type BaseOptions, baseClassOf } from './base-class.js';
import { type OlderCache, withOlderCache } from './older-cache.js';

/** LangChain's `EmbeddingsInterface`, which every `Embeddings` class has. */
export interface LangChainEmbeddings {
  embedDocuments(documents: string[]): Promise<number[][]>;
  embedQuery(document: string): Promise<number[]>;
}

/**
 * Options of `CachedEmbeddings`. What LangChain's `Embeddings` takes is handed to it; `maxConcurrency`
 * is also the default of `concurrency`.
 */
export interface CachedEmbeddingsOptions extends AdapterOptions, BaseOptions {
  /** What is asked for vectors that the cache does not have. */
  embeddings: LangChainEmbeddings;
  /** The model's id, or everything that tells its vectors from others. */
  model: string | Omit<Model, 'inputType'>;
  /**
   * Whether the model treats queries as it treats documents, as OpenAI's do: then both share
   * entries, and `embedDocuments` is asked for both. @default false: separate entries
   */
  sameForQueries?: boolean | undefined;
  /**
   * The `CacheBackedEmbeddings` that was used before: documents that the cache does not have are
   * taken from its store, checked and stored anew; a store that does not answer within 5 s has
   * none of them. Needs `dimensions`. @default none
   */
  migrate?: LangChainEmbeddings | undefined;
}

/** Options of one call. */
export type CachedCallOptions = Omit<EmbedCallOptions, 'as'>;

const hasMethods = (value: unknown, ...names: string[]) =>
  names.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === 'function');

/** The cache checks what is its own. */
const schema = v.looseObject({
  embeddings: v.custom<LangChainEmbeddings>(
    (value) => hasMethods(value, 'embedDocuments', 'embedQuery'),
    'an object with embedDocuments and embedQuery',
  ),
  sameForQueries: v.optional(v.boolean('true or false'), false),
  migrate: v.optional(
    v.custom<LangChainEmbeddings>(
      (value) => hasMethods((value as Partial<OlderCache> | null)?.documentEmbeddingStore, 'mget'),
      'CacheBackedEmbeddings of LangChain',
    ),
  ),
});

/**
 * LangChain's `Embeddings` over a cache: `embedDocuments` and `embedQuery` of the given class for
 * what the cache does not have. It is an `instanceof` one class `Embeddings`: that which the first
 * given object of the process is made of, since a class can extend only one. Errors are those of the
 * given class; what this class refuses is an `Error` that names the argument or option.
 */
export class CachedEmbeddings implements LangChainEmbeddings {
  /** LangChain's `AsyncCaller`. The given class calls by its own. */
  // biome-ignore lint/suspicious/noExplicitAny: it has protected members, by which TypeScript tells the type of one build from that of another
  declare caller: any;
  /** For `stats()`, `health()` and `close()`. */
  readonly cache: Cache;
  readonly #documents: Embeddings;
  /** The same without what an older cache has. */
  readonly #fresh: Embeddings;
  readonly #queries: Embeddings;

  /** Throws `InvalidOptionError`. */
  constructor(options: CachedEmbeddingsOptions) {
    const {
      embeddings,
      cache,
      backend,
      namespace = 'langchain',
      model,
      sameForQueries,
      migrate,
      maxConcurrency,
      maxRetries,
      onFailedAttempt,
      ...given
    } = checkOptions(schema, options, 'options') as unknown as CachedEmbeddingsOptions;
    refuseOptions(given, 'embed', 'identify');
    const told = embeddings as { dimensions?: unknown; batchSize?: unknown };
    const {
      dimensions = wholeNumber(told.dimensions),
      batchSize = clamped(wholeNumber(told.batchSize), MAX_BATCH_SIZE),
      concurrency = clamped(maxConcurrency, MAX_CONCURRENCY),
    } = given;
    if (migrate && dimensions === undefined)
      throw new InvalidOptionError('dimensions', 'needed beside migrate, to tell the vectors of another model');
    const identity = typeof model === 'string' ? { id: model } : model;
    if (!sameForQueries && (identity as Model | undefined)?.inputType !== undefined)
      throw new InvalidOptionError('model.inputType', 'set here for documents and queries each: leave it out');

    this.cache = cacheOf({ cache, backend });
    const open = (inputType: string, embed: EmbedFunction<string>, size = batchSize) =>
      this.cache.embeddings(namespace, {
        ...given,
        dimensions,
        batchSize: size,
        concurrency,
        model: sameForQueries ? model : { ...identity, inputType },
        embed,
      });
    const ask = (texts: string[]) => embeddings.embedDocuments(texts);
    this.#fresh = open('document', ask);
    this.#documents = migrate
      ? open('document', withOlderCache(migrate as unknown as OlderCache, ask, dimensions as number))
      : this.#fresh;
    this.#queries = sameForQueries
      ? this.#documents
      : // One at a time: so `concurrency` bounds them, and one that fails fails alone.
        open('query', async ([text]) => [await embeddings.embedQuery(text as string)], 1);

    const base = baseClassOf(CachedEmbeddings, embeddings);
    if (base) Object.assign(this, new base({ maxConcurrency, maxRetries, onFailedAttempt }));
  }

  /** The vectors of `documents`, in their order. */
  async embedDocuments(documents: string[], options?: CachedCallOptions): Promise<number[][]> {
    checkTexts(documents, 'documents');
    return this.#embed(this.#documents, documents, options);
  }

  async embedQuery(document: string, options?: CachedCallOptions): Promise<number[]> {
    if (typeof document !== 'string') throw new InvalidInputError('document', 'a string', kindOf(document));
    return (await this.#embed(this.#queries, [document], options))[0] as number[];
  }

  async #embed(embeddings: Embeddings, texts: string[], options: CachedCallOptions | undefined): Promise<number[][]> {
    const isFresh = embeddings === this.#documents && (options?.refresh || options?.bypass);
    try {
      return await (isFresh ? this.#fresh : embeddings).embed(texts, { ...options, as: 'array' });
    } catch (error) {
      throw originalOf(error);
    }
  }
}

/** What LangChain takes and the cache does not is no fault: undefined for what is no count at all. */
function clamped(count: number | undefined, most: number): number | undefined {
  return Number.isFinite(count) && (count as number) >= 1 ? Math.min(Math.floor(count as number), most) : undefined;
}

/** What the given class says of itself, as OpenAI's class does. */
function wholeNumber(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) > 0 ? (value as number) : undefined;
}
