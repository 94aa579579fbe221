import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CacheBackend } from '../backends/backend.js';
import { HybridBackend } from '../backends/hybrid/hybrid.js';
import { MemoryBackend } from '../backends/memory/memory.js';
import { RedisBackend } from '../backends/redis/redis.js';
import { SqliteBackend } from '../backends/sqlite/sqlite.js';
import { VercelKVBackend } from '../backends/upstash/upstash.js';
import { CacheService, type CacheServiceOptions } from './service.js';

/**
 * Where the service of this process is kept: a bundle, or ESM beside CJS, can hold this module
 * twice, and both are to have the same. The number is raised where a service of one copy would not
 * do for another: those then have one each.
 */
const SERVICE = Symbol.for('vecstash.service.1');

const shared = globalThis as { [SERVICE]?: CacheService | undefined };

/**
 * The service of this process, made at the first call: memory before what the environment names.
 * `REDIS_URL` is Redis; `KV_REST_API_URL` or `UPSTASH_REDIS_REST_URL`, with its token, is Upstash;
 * else a SQLite file, `VECSTASH_PATH` or `.vecstash/cache.sqlite` in the working directory. Options
 * count at the first call.
 */
export function getCacheService(options?: CacheServiceOptions): CacheService {
  shared[SERVICE] ??= new CacheService(new HybridBackend(new MemoryBackend(), backendOfEnvironment()), options);
  return shared[SERVICE];
}

/**
 * Closes the service of this process: the next `getCacheService` makes another. For tests, and for
 * a clean end.
 */
export async function resetCacheService(): Promise<void> {
  const closing = shared[SERVICE];
  shared[SERVICE] = undefined;
  await closing?.close();
}

function backendOfEnvironment(): CacheBackend {
  const { REDIS_URL, KV_REST_API_URL, UPSTASH_REDIS_REST_URL, VECSTASH_PATH } = process.env;
  if (REDIS_URL) return new RedisBackend(REDIS_URL);
  if (KV_REST_API_URL || UPSTASH_REDIS_REST_URL) return new VercelKVBackend();
  const path = VECSTASH_PATH || join(process.cwd(), '.vecstash', 'cache.sqlite');
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return new SqliteBackend({ path });
}
