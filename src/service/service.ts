import * as v from 'valibot';
import type { CacheBackend } from '../backends/backend.js';
import { type Cache, type CacheHealth, type CacheStats, createCache } from '../cache/cache.js';
import type { EmbedCallOptions } from '../cache/embeddings.js';
import type { Logger } from '../cache/options.js';
import type { Values } from '../cache/values.js';
import { InvalidOptionError } from '../errors.js';
import { quietly } from '../events.js';
import type { SecretOptions } from '../keys/secrets.js';
import { checkOptions, ttlSchema } from '../options.js';
import type { Ttl } from '../ttl.js';
import { DEFAULT_DIMENSIONS, ServiceEmbeddings, type ServiceModel } from './embeddings.js';
import {
  createImageEmbeddingKeys,
  createRecentAssetsKey,
  createSearchResultsKey,
  createTextEmbeddingKeys,
  type ImageEmbeddingKey,
  type TextEmbeddingKey,
} from './keys.js';
import { Migration, type MigrationOptions, type MigrationStats } from './migration.js';
import type { POPULAR_QUERIES } from './popular-queries.js';
import { type LoadRecentAssets, Preloading, type PreloadOutcome } from './preloading.js';
import { Warming, type WarmingCallOptions, type WarmingOptions, type WarmingReport } from './warming.js';

/** The namespaces of a service. */
export type CacheNamespace =
  | 'text-embeddings'
  | 'image-embeddings'
  | 'search-results'
  | 'assets'
  | typeof POPULAR_QUERIES;

export interface CacheServiceOptions extends SecretOptions {
  text?: ServiceModel<string> | undefined;
  image?: ServiceModel<Uint8Array> | undefined;
  /**
   * Part of every key: raise it when a model changes, and everything stored before is out of sight.
   * @default 1
   */
  version?: number | undefined;
  /** @default '15m' */
  searchTtl?: Ttl | undefined;
  /** @default '30m' */
  assetsTtl?: Ttl | undefined;
  /**
   * Counts the queries of searches, and embeds the most popular ones before they are asked: needs
   * `text.embed`. @default not
   */
  warming?: boolean | WarmingOptions | undefined;
  /**
   * Where values of an older cache are, which are read, checked and stored anew as they are asked
   * for.
   */
  migrate?: MigrationOptions | undefined;
  /** See `createCache`. */
  keyPrefix?: string | undefined;
  readTimeout?: Ttl | undefined;
  logger?: Logger | undefined;
}

/** The cache's own options are checked by it. */
const optionsSchema = v.looseObject({
  searchTtl: v.optional(ttlSchema, '15m'),
  assetsTtl: v.optional(ttlSchema, '30m'),
});

/**
 * The cache of an application with text and image embeddings, search results and assets. Another
 * backend is another argument: `new CacheService(new VercelKVBackend())`.
 *
 * Throws `InvalidOptionError` for options it does not take.
 */
export class CacheService {
  readonly #cache: Cache;
  readonly #texts: ServiceEmbeddings<string, TextEmbeddingKey>;
  readonly #images: ServiceEmbeddings<Uint8Array, ImageEmbeddingKey>;
  readonly #searches: Values<unknown>;
  readonly #assets: Values<unknown>;
  readonly #preloading: Preloading;
  readonly #warming: Warming | undefined;
  readonly #migrated: MigrationStats | undefined;

  constructor(backend: CacheBackend, options: CacheServiceOptions = {}) {
    const { searchTtl, assetsTtl } = checkOptions(optionsSchema, options, 'CacheService options');
    const { text = {}, image = {}, searchTtl: _search, assetsTtl: _assets, migrate, warming, ...rest } = options;
    if (warming && !text.embed) throw new InvalidOptionError('text.embed', 'a function, for warming', 'undefined');
    const cache = createCache({ backend, ...rest });
    const stats: MigrationStats = { asked: 0, migrated: 0, refused: 0, errors: 0 };
    const onMissing = (message: string) => {
      if (stats.missing === undefined) quietly(() => options.logger?.warn({ what: 'migrate' }, message));
      stats.missing = message;
    };
    const from = <Input>(model: ServiceModel<Input>, keyOf: ((input: Input) => string) | undefined) =>
      migrate && keyOf && new Migration(migrate.from, keyOf, model.dimensions ?? DEFAULT_DIMENSIONS, stats, onMissing);
    this.#cache = cache;
    this.#texts = new ServiceEmbeddings(
      cache,
      'text-embeddings',
      text,
      createTextEmbeddingKeys,
      from(text, migrate?.textKey),
    );
    this.#images = new ServiceEmbeddings(
      cache,
      'image-embeddings',
      image,
      createImageEmbeddingKeys,
      from(image, migrate?.imageKey),
    );
    this.#searches = cache.values('search-results', { ttl: searchTtl });
    this.#assets = cache.values('assets', { ttl: assetsTtl });
    this.#preloading = new Preloading(this.#assets);
    this.#migrated = migrate && stats;
    if (warming) {
      const embed = this.#texts.embedMany.bind(this.#texts);
      this.#warming = new Warming(cache, embed, warming === true ? {} : warming);
    }
  }

  /**
   * The embeddings of `texts`, in their order: in one round trip what the cache has, from the model
   * the rest, each distinct text once. Throws `EmbedError` naming the positions that have no vector
   * (the others are stored), never because of the cache.
   */
  embedTexts(texts: readonly string[], options?: EmbedCallOptions): Promise<Float32Array[]> {
    return this.#texts.embedMany(texts, options);
  }

  async getTextEmbedding(text: string): Promise<Float32Array | undefined> {
    return (await this.#texts.getMany([text])).get(text);
  }

  /** What is there, in the order of `texts`; one round trip. */
  getTextEmbeddings(texts: readonly string[]): Promise<Map<string, Float32Array>> {
    return this.#texts.getMany(texts);
  }

  /**
   * Throws `InvalidInputError` for what is no vector of the right length. A cache that is down
   * costs the entry, not an error.
   */
  setTextEmbedding(text: string, vector: ArrayLike<number>): Promise<void> {
    return this.#texts.setMany([[text, vector]]);
  }

  setTextEmbeddings(entries: Iterable<readonly [string, ArrayLike<number>]>): Promise<void> {
    return this.#texts.setMany(entries);
  }

  /** By a key that was made before, such as one that stands in a job. */
  getTextEmbeddingByKey(key: TextEmbeddingKey): Promise<Float32Array | undefined> {
    return this.#texts.getByKey(key);
  }

  /** The same for images, known by their bytes. */
  embedImages(images: readonly Uint8Array[], options?: EmbedCallOptions): Promise<Float32Array[]> {
    return this.#images.embedMany(images, options);
  }

  async getImageEmbedding(image: Uint8Array): Promise<Float32Array | undefined> {
    return (await this.#images.getMany([image])).get(image);
  }

  /** The keys of the map are the objects that were given, in their order. */
  getImageEmbeddings(images: readonly Uint8Array[]): Promise<Map<Uint8Array, Float32Array>> {
    return this.#images.getMany(images);
  }

  setImageEmbedding(image: Uint8Array, vector: ArrayLike<number>): Promise<void> {
    return this.#images.setMany([[image, vector]]);
  }

  setImageEmbeddings(entries: Iterable<readonly [Uint8Array, ArrayLike<number>]>): Promise<void> {
    return this.#images.setMany(entries);
  }

  getImageEmbeddingByKey(key: ImageEmbeddingKey): Promise<Float32Array | undefined> {
    return this.#images.getByKey(key);
  }

  /** With `warming` the query is counted as one that the user asked. */
  async getSearchResults<T>(userId: string, query: string): Promise<T | undefined> {
    this.#warming?.count(userId, query);
    return (await this.#searches.get(createSearchResultsKey(userId, query))) as T | undefined;
  }

  async setSearchResults<T>(
    userId: string,
    query: string,
    results: T,
    options?: { ttl?: Ttl | undefined },
  ): Promise<void> {
    await this.#searches.set(createSearchResultsKey(userId, query), results, options);
  }

  async getRecentAssets<T>(userId: string): Promise<T | undefined> {
    return (await this.#assets.get(createRecentAssetsKey(userId))) as T | undefined;
  }

  async setRecentAssets<T>(userId: string, assets: T, options?: { ttl?: Ttl | undefined }): Promise<void> {
    await this.#assets.set(createRecentAssetsKey(userId), assets, options);
  }

  /** After a user's assets changed. */
  async deleteRecentAssets(userId: string): Promise<boolean> {
    return this.#assets.delete(createRecentAssetsKey(userId));
  }

  /**
   * At a login, in the background: has a user's most recent assets, 100 at most, loaded into the
   * cache for `assetsTtl`, unless they are there. Four are loaded at a time and 1000 wait. Never
   * rejects.
   */
  preloadRecentAssets<T>(userId: string, load: LoadRecentAssets<T>): Promise<PreloadOutcome> {
    return this.#preloading.preload(createRecentAssetsKey(userId), userId, load);
  }

  /**
   * Embeds now the queries that each user asks most, 16 at a time with a pause as long as each step
   * took, unless another instance is at it. With `warming` this also happens by itself. Rejects
   * with `BackendError` where the backend could not tell who is at it.
   */
  async warmPopularQueries(options?: WarmingCallOptions): Promise<WarmingReport> {
    if (!this.#warming) throw new InvalidOptionError('warming', 'true or options, to count queries', 'undefined');
    return this.#warming.warm(options);
  }

  /**
   * Deletes one namespace or all of them; returns how many entries there were. Rejects with
   * `BackendError` where it could not.
   */
  clear(namespace?: CacheNamespace): Promise<number> {
    return this.#cache.clear(namespace);
  }

  stats(): Record<string, CacheStats> {
    return this.#cache.stats();
  }

  /** What became of an older cache's values; undefined without `migrate`. */
  migration(): MigrationStats | undefined {
    return this.#migrated;
  }

  health(): Promise<CacheHealth> {
    return this.#cache.health();
  }

  /** Ends warming and preloading, waits for what is queued, and closes the backend. */
  async close(): Promise<void> {
    await Promise.all([this.#preloading.close(), this.#warming?.close()]);
    await this.#cache.close();
  }
}
