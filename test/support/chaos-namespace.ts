import { setImmediate as immediate } from 'node:timers/promises';
import { type Cache, createCache } from '../../src/cache/cache.js';
import type { Embeddings } from '../../src/cache/embeddings.js';
import type { CacheOptions, EmbeddingsOptions } from '../../src/cache/options.js';
import { prf } from './prf.js';

/** What the callers of a namespace saw. */
export interface Tally {
  /** Vectors that came back. */
  vectors: number;
  /** Vectors that are not those of their texts. */
  wrong: number;
  /** Calls that rejected. */
  rejected: number;
  /** Texts that the model was asked for. */
  paid: number;
  /** Calls of the model. */
  calls: number;
}

/** A namespace whose answers are checked. */
export interface Checked {
  cache: Cache;
  embeddings: Embeddings<string>;
  tally: Tally;
  /** Embeds, checks each vector, and returns them; a call that rejects is counted, and returns none. */
  embed(texts: string[]): Promise<Float32Array[]>;
  /** Those of the texts that the cache has. The model is not asked; wrong vectors are counted. */
  found(texts: string[]): Promise<string[]>;
}

export interface CheckedOptions extends Omit<Partial<EmbeddingsOptions>, 'embed' | 'dimensions'> {
  dimensions?: number;
  cache: CacheOptions;
  /** How long the model takes, as a promise for each of its calls. */
  think?: (texts: string[]) => Promise<unknown>;
}

/** Opens a namespace over a model that answers with `prf`, and counts. */
export function openChecked({ cache: cacheOptions, think, dimensions = 64, ...options }: CheckedOptions): Checked {
  const tally: Tally = { vectors: 0, wrong: 0, rejected: 0, paid: 0, calls: 0 };
  const cache = createCache(cacheOptions);
  const embed = async (texts: string[]) => {
    tally.paid += texts.length;
    tally.calls += 1;
    // No model answers in the turn that it is asked in: who asks in a loop would keep the event loop from everybody else.
    await (think ? think(texts) : immediate());
    return texts.map((text) => prf(text, dimensions));
  };
  const embeddings = cache.embeddings('chaos', { model: 'prf', dimensions, embed, ...options });
  const check = (text: string, vector: Float32Array) => {
    tally.vectors += 1;
    if (!isOf(text, vector, dimensions)) tally.wrong += 1;
  };
  return {
    cache,
    embeddings,
    tally,
    async embed(texts) {
      const vectors = await embeddings.embed(texts).catch(() => undefined);
      if (vectors === undefined) tally.rejected += 1;
      for (const [index, vector] of vectors?.entries() ?? []) check(texts[index] as string, vector);
      return vectors ?? [];
    },
    async found(texts) {
      const vectors = await embeddings.getMany(texts);
      const found = texts.filter((_, index) => vectors[index] !== undefined);
      for (const text of found) check(text, vectors[texts.indexOf(text)] as Float32Array);
      return found;
    },
  };
}

/** Whether a vector is the one of a text, bit for bit. */
export function isOf(text: string, vector: Float32Array | undefined, dimensions: number): boolean {
  if (!(vector instanceof Float32Array) || vector.length !== dimensions) return false;
  return prf(text, dimensions).every((element, index) => Object.is(element, vector[index]));
}

/** `count` texts that begin with a name. */
export const textsOf = (name: string, count: number, first = 0) =>
  Array.from({ length: count }, (_, index) => `${name} ${first + index}`);

/** Cuts a list into parts of at most `size`. */
export function partsOf<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let first = 0; first < items.length; first += size) parts.push(items.slice(first, first + size));
  return parts;
}

/** Stores the vectors of all texts, as another process would have before, and waits until they lie in the store. */
export async function store(options: CacheOptions, texts: string[], dimensions: number): Promise<void> {
  const { cache, embeddings } = openChecked({ cache: { readTimeout: '30s', ...options }, dimensions });
  for (const part of partsOf(texts, 200)) {
    await embeddings.setMany(part.map((text): [string, Float32Array] => [text, prf(text, dimensions)]));
  }
  await cache.close();
}
