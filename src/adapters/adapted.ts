import type { CacheBackend } from '../backends/backend.js';
import { type Cache, checkCache, createCache } from '../cache/cache.js';
import type { EmbeddingsOptions } from '../cache/options.js';
import { kindOf } from '../describe.js';
import { EmbedError, InvalidInputError, InvalidOptionError } from '../errors.js';

/** Where an adapter caches. */
export interface CacheOrBackend {
  /** A cache with options of its own, such as `secret` and `encrypt`. */
  cache?: Cache | undefined;
  /** What a cache is made over, with the defaults of `createCache`, where none is given. */
  backend?: CacheBackend | undefined;
}

/** What an adapter takes of the options of `cache.embeddings`: all that its framework does not tell. */
export interface AdapterOptions extends CacheOrBackend, Omit<EmbeddingsOptions, 'model' | 'embed' | 'identify'> {
  /** The namespace in the cache. @default the adapter's name, such as 'langchain' */
  namespace?: string | undefined;
}

/** Throws `InvalidOptionError` unless there is one of the two. */
export function cacheOf({ cache, backend }: CacheOrBackend): Cache {
  // That names what a backend is, also where there is none.
  if (cache === undefined) return createCache({ backend: backend as CacheBackend });
  checkCache(cache);
  if (backend !== undefined)
    throw new InvalidOptionError('backend', 'a cache has a backend already: give one of the two');
  return cache;
}

/** Throws `InvalidOptionError` for options of `cache.embeddings` that the adapter itself sets. */
export function refuseOptions(given: object, ...names: string[]): void {
  const name = names.find((name) => (given as Record<string, unknown>)[name] !== undefined);
  if (name !== undefined) throw new InvalidOptionError(name, 'set by the adapter: leave it out');
}

/** What a framework's users know: what the model itself threw, where it threw. */
export function originalOf(error: unknown): unknown {
  return error instanceof EmbedError ? (error.original ?? error) : error;
}

/** Throws `InvalidInputError` unless these are texts: the cache takes bytes too. */
export function checkTexts(texts: unknown, argument: string): asserts texts is string[] {
  if (!Array.isArray(texts)) throw new InvalidInputError(argument, 'an array of strings', kindOf(texts));
  const wrong = texts.findIndex((text) => typeof text !== 'string');
  if (wrong >= 0) throw new InvalidInputError(`${argument}[${wrong}]`, 'a string', kindOf(texts[wrong]));
}

/** JSON with the names of objects in order: equal for what a key must not tell apart. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
