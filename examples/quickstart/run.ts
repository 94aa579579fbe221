import { createHash } from 'node:crypto';
import { createCache, HybridBackend, MemoryBackend } from 'vecstash';
import { RedisBackend } from 'vecstash/redis';
import { SqliteBackend } from 'vecstash/sqlite';
import type { CountedModel } from './model.js';

/** Where the vectors are kept. */
export interface Storage {
  keyPrefix: string;
  /** A file for SQLite, or the URL of a Redis. */
  sqlite?: string;
  redis?: string;
}

/** What one batch came to. */
export interface Outcome {
  inputs: number;
  hits: number;
  modelCalls: number;
  modelTexts: number;
  milliseconds: number;
  /** SHA-256 over all bytes of all vectors, in order. */
  digest: string;
}

export type QuickstartCache = ReturnType<typeof openCache>;

/** Memory over what survives a restart. */
export function openCache(storage: Storage, model: CountedModel) {
  const persistent =
    storage.redis === undefined
      ? new SqliteBackend({ path: storage.sqlite as string })
      : new RedisBackend(storage.redis);
  const cache = createCache({
    backend: new HybridBackend(new MemoryBackend(), persistent),
    keyPrefix: storage.keyPrefix,
    // A demonstration that shows misses because a laptop was busy would demonstrate nothing.
    readTimeout: '5s',
  });
  const embeddings = cache.embeddings('documents', {
    model: model.identity,
    dimensions: model.dimensions,
    embed: (texts: string[], context) => model.embed(texts, context),
  });
  return { cache, embeddings, model };
}

/** Embeds `texts` and tells what it took. */
export async function runBatch({ cache, embeddings, model }: QuickstartCache, texts: string[]): Promise<Outcome> {
  const before = { hits: cache.stats().documents?.hits ?? 0, calls: model.calls, texts: model.texts };
  const started = performance.now();
  const vectors = await embeddings.embed(texts);
  const milliseconds = performance.now() - started;
  return {
    inputs: texts.length,
    hits: (cache.stats().documents?.hits ?? 0) - before.hits,
    modelCalls: model.calls - before.calls,
    modelTexts: model.texts - before.texts,
    milliseconds,
    digest: digestOf(vectors),
  };
}

/** The same for vectors that lie anywhere. */
export function digestOf(vectors: Float32Array[]): string {
  const hash = createHash('sha256');
  for (const vector of vectors) hash.update(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
  return hash.digest('hex');
}
