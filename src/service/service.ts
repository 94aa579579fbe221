import * as v from 'valibot';
import type { BackendHealth, CacheBackend } from '../backends/backend.js';
import { type Cache, createCache } from '../cache/cache.js';
import type { Embeddings } from '../cache/embeddings.js';
import type { Logger, Model } from '../cache/options.js';
import type { NamespaceStats } from '../cache/stats.js';
import type { Values } from '../cache/values.js';
import type { Precision } from '../codec/vectors.js';
import { checkOptions, ttlSchema } from '../options.js';
import type { Ttl } from '../ttl.js';
import {
  createImageEmbeddingKeys,
  createRecentAssetsKey,
  createSearchResultsKey,
  createTextEmbeddingKeys,
  type ImageEmbeddingKey,
  type TextEmbeddingKey,
} from './keys.js';
import { Migration, type MigrationOptions, type MigrationStats } from './migration.js';

/** The namespaces of a service. */
export type CacheNamespace = 'text-embeddings' | 'image-embeddings' | 'search-results' | 'assets';

/** What makes the vectors of one kind. */
export interface ServiceModel {
  /** @default 'default' */
  model?: string | Model;
  /** @default 768 */
  dimensions?: number;
  /** @default 'exact' */
  precision?: Precision;
  /** @default none */
  ttl?: Ttl;
}

export interface CacheServiceOptions {
  text?: ServiceModel;
  image?: ServiceModel;
  /** Part of every key: raise it when a model changes, and everything stored before is out of sight. @default 1 */
  version?: number;
  /** @default '15m' */
  searchTtl?: Ttl;
  /** @default '30m' */
  assetsTtl?: Ttl;
  /** Where values of an older cache are, which are read, checked and stored anew as they are asked for. */
  migrate?: MigrationOptions;
  /** See `createCache`. */
  keyPrefix?: string;
  readTimeout?: Ttl;
  secret?: string | Uint8Array;
  encrypt?: boolean;
  logger?: Logger;
}

/** The cache's own options are checked by it. */
const optionsSchema = v.looseObject({
  searchTtl: v.optional(ttlSchema, '15m'),
  assetsTtl: v.optional(ttlSchema, '30m'),
});

/**
 * The cache of an application with text and image embeddings, search results and assets. Another backend is another argument:
 * `new CacheService(new VercelKVBackend())`.
 *
 * Throws `InvalidOptionError` for options it does not take.
 */
export class CacheService {
  readonly #cache: Cache;
  readonly #texts: Embeddings<TextEmbeddingKey>;
  readonly #images: Embeddings<ImageEmbeddingKey>;
  readonly #searches: Values<unknown>;
  readonly #assets: Values<unknown>;
  readonly #migration: Migration | undefined;

  constructor(backend: CacheBackend, options: CacheServiceOptions = {}) {
    const { searchTtl, assetsTtl } = checkOptions(optionsSchema, options, 'CacheService options');
    const { text = {}, image = {}, searchTtl: _search, assetsTtl: _assets, migrate, ...rest } = options;
    this.#cache = createCache({ backend, ...rest });
    const model = { model: 'default', dimensions: 768 };
    this.#texts = this.#cache.embeddings<TextEmbeddingKey>('text-embeddings', { ...model, ...text });
    this.#images = this.#cache.embeddings<ImageEmbeddingKey>('image-embeddings', { ...model, ...image });
    this.#searches = this.#cache.values('search-results', { ttl: searchTtl });
    this.#assets = this.#cache.values('assets', { ttl: assetsTtl });
    if (migrate) {
      const dimensions = { text: text.dimensions ?? model.dimensions, image: image.dimensions ?? model.dimensions };
      this.#migration = new Migration(migrate, dimensions);
    }
  }

  async getTextEmbedding(text: string): Promise<Float32Array | undefined> {
    return (await this.getTextEmbeddings([text])).get(text);
  }

  /** What is there, in the order of `texts`; one round trip. */
  async getTextEmbeddings(texts: readonly string[]): Promise<Map<string, Float32Array>> {
    const unique = [...new Set(texts)];
    const keys = createTextEmbeddingKeys(unique);
    const vectors = await this.#texts.getMany(keys);
    await this.#migration?.fill('text', unique, keys, vectors, this.#texts);
    return found(unique, vectors);
  }

  /** Throws `InvalidInputError` for what is no vector of the right length. A cache that is down costs the entry, not an error. */
  async setTextEmbedding(text: string, vector: ArrayLike<number>): Promise<void> {
    await this.setTextEmbeddings([[text, vector]]);
  }

  async setTextEmbeddings(entries: Iterable<readonly [string, ArrayLike<number>]>): Promise<void> {
    const all = [...entries];
    const keys = createTextEmbeddingKeys(all.map(([text]) => text));
    await this.#texts.setMany(all.map(([, vector], i) => [keys[i] as TextEmbeddingKey, vector] as const));
  }

  /** By a key that was made before, such as one that stands in a job. */
  async getTextEmbeddingByKey(key: TextEmbeddingKey): Promise<Float32Array | undefined> {
    return this.#texts.get(key);
  }

  async getImageEmbedding(image: Uint8Array): Promise<Float32Array | undefined> {
    return (await this.getImageEmbeddings([image])).get(image);
  }

  /** The same for images, known by their bytes: the keys of the map are the objects that were given, in their order. */
  async getImageEmbeddings(images: readonly Uint8Array[]): Promise<Map<Uint8Array, Float32Array>> {
    const unique = [...new Set(images)];
    const keys = createImageEmbeddingKeys(unique);
    const vectors = await this.#images.getMany(keys);
    await this.#migration?.fill('image', unique, keys, vectors, this.#images);
    return found(unique, vectors);
  }

  async setImageEmbedding(image: Uint8Array, vector: ArrayLike<number>): Promise<void> {
    await this.setImageEmbeddings([[image, vector]]);
  }

  async setImageEmbeddings(entries: Iterable<readonly [Uint8Array, ArrayLike<number>]>): Promise<void> {
    const all = [...entries];
    const keys = createImageEmbeddingKeys(all.map(([image]) => image));
    await this.#images.setMany(all.map(([, vector], i) => [keys[i] as ImageEmbeddingKey, vector] as const));
  }

  async getImageEmbeddingByKey(key: ImageEmbeddingKey): Promise<Float32Array | undefined> {
    return this.#images.get(key);
  }

  async getSearchResults<T>(userId: string, query: string): Promise<T | undefined> {
    return (await this.#searches.get(createSearchResultsKey(userId, query))) as T | undefined;
  }

  async setSearchResults<T>(userId: string, query: string, results: T, options?: { ttl?: Ttl }): Promise<void> {
    await this.#searches.set(createSearchResultsKey(userId, query), results, options);
  }

  async getRecentAssets<T>(userId: string): Promise<T | undefined> {
    return (await this.#assets.get(createRecentAssetsKey(userId))) as T | undefined;
  }

  async setRecentAssets<T>(userId: string, assets: T, options?: { ttl?: Ttl }): Promise<void> {
    await this.#assets.set(createRecentAssetsKey(userId), assets, options);
  }

  /** After a user's assets changed. */
  async deleteRecentAssets(userId: string): Promise<boolean> {
    return this.#assets.delete(createRecentAssetsKey(userId));
  }

  /** Deletes one namespace or all of them; returns how many entries there were. Rejects with `BackendError` where it could not. */
  clear(namespace?: CacheNamespace): Promise<number> {
    return this.#cache.clear(namespace);
  }

  stats(): Record<string, NamespaceStats> {
    return this.#cache.stats();
  }

  /** What became of an older cache's values; undefined without `migrate`. */
  migration(): MigrationStats | undefined {
    return this.#migration?.stats;
  }

  health(): Promise<BackendHealth> {
    return this.#cache.health();
  }

  close(): Promise<void> {
    return this.#cache.close();
  }
}

function found<Input>(
  inputs: readonly Input[],
  vectors: readonly (Float32Array | undefined)[],
): Map<Input, Float32Array> {
  return new Map(inputs.flatMap((input, i) => (vectors[i] ? [[input, vectors[i]] as const] : [])));
}
