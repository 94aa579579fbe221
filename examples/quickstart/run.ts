import { createHash } from 'node:crypto';
import { createCache, HybridBackend, MemoryBackend } from 'vecstash';
import { RedisBackend } from 'vecstash/redis';
import { SqliteBackend } from 'vecstash/sqlite';
import type { CountedModel } from './model.js';

/** Where the vectors are kept: in a file for SQLite, in a Redis, or with neither in memory alone. */
export interface Storage {
  keyPrefix: string;
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
export function openCache({ keyPrefix, sqlite, redis }: Storage, model: CountedModel) {
  const memory = new MemoryBackend();
  const persistent = redis ? new RedisBackend(redis) : sqlite ? new SqliteBackend({ path: sqlite }) : undefined;
  const cache = createCache({
    backend: persistent ? new HybridBackend(memory, persistent) : memory,
    keyPrefix,
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

/** Why there can be no SQLite here, or undefined where there can. */
export async function sqliteMissing(): Promise<string | undefined> {
  try {
    await new SqliteBackend({ path: ':memory:' }).close();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
