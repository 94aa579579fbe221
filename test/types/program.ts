// What is compiled as by somebody who installed the package and none of its optional peers. Never run.
import {
  type BackendHealth,
  type CacheBackend,
  createCache,
  type Embeddings,
  HybridBackend,
  MemoryBackend,
  VecstashError,
} from 'vecstash';
import { embeddingCache } from 'vecstash/ai-sdk';
import { type DriftReport, watchDrift } from 'vecstash/canary';
import { CloudflareKVBackend } from 'vecstash/cloudflare-kv';
import { createValueCodec, createVectorCodec, trainDictionary } from 'vecstash/codec';
import { createDashboard } from 'vecstash/dashboard';
import { createDynamoDBTable, DynamoDBBackend } from 'vecstash/dynamodb';
import { KeyvStore } from 'vecstash/keyv';
import { CachedEmbeddings } from 'vecstash/langchain';
import { createMetrics, type MetricsRegistry, ObservableCache } from 'vecstash/metrics';
import { logEvents, traceEvents, watchAlerts, withLogContext } from 'vecstash/observability';
import { withEmbeddingCache } from 'vecstash/openai';
import { RedisBackend } from 'vecstash/redis';
import { CacheService, getCacheService, SlugCache } from 'vecstash/service';
import { SqliteBackend } from 'vecstash/sqlite';
import { backendContract } from 'vecstash/testing';
import { UnstorageBackend, type UnstorageDriver } from 'vecstash/unstorage';
import { UpstashBackend, VercelKVBackend } from 'vecstash/upstash';

/** Whatever a setting that may be missing has: every option takes it. */
const no = undefined;

const memory = new MemoryBackend({ maxBytes: no, ttl: no });
export const backends: CacheBackend[] = [
  memory,
  new HybridBackend(memory, memory, { l1Ttl: no, l2Ttl: '1h', writeBehind: { maxBytes: no, maxWait: no }, bus: no }),
  new RedisBackend('redis://x'),
  new RedisBackend({ url: no, client: no, channel: no, ttl: no, connectTimeout: no, commandTimeout: no }),
  new SqliteBackend({ path: 'x', maxBytes: no, ttl: no, sweepInterval: no, driver: no }),
  new UpstashBackend({ url: no, token: no, client: no, ttl: no, requestTimeout: no }),
  new VercelKVBackend(),
  new CloudflareKVBackend({ binding: no, accountId: 'a', namespaceId: 'n', token: 't', baseUrl: no, cacheTtl: no }),
  new DynamoDBBackend({ table: 't', client: no, region: no, endpoint: no, consistentRead: no, concurrency: no }),
];

declare const driver: UnstorageDriver;
backends.push(
  new UnstorageBackend(driver, { base: no, encoding: no, ttl: '1h', concurrency: no, limits: { keyBytes: no } }),
);
const store = new KeyvStore(memory, { keyPrefix: no, namespace: no, throwOnErrors: no, maxValueBytes: no });
export const stored: Promise<boolean> = store.set('key', { any: 'value' }, 1000);

export const table: Promise<void> = createDynamoDBTable({ table: 't', region: no });

/** A backend of one's own that hands another's capabilities on, which may be missing. */
export class Wrapper implements CacheBackend {
  readonly #inner: CacheBackend = memory;
  readonly leases = this.#inner.leases;
  readonly locks = this.#inner.locks;
  readonly limits = this.#inner.limits;
  readonly bus = this.#inner.bus;
  getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#inner.getMany(keys);
  }
  setMany(entries: readonly { key: string; value: Uint8Array; ttlMs?: number | undefined }[]): Promise<void> {
    return this.#inner.setMany(entries);
  }
  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#inner.deleteMany(keys);
  }
  clear(prefix: string): Promise<number> {
    return this.#inner.clear(prefix);
  }
  async health(): Promise<BackendHealth> {
    return { ok: true, latencyMs: 0, detail: no };
  }
  close(): Promise<void> {
    return this.#inner.close();
  }
}
backendContract('mine', { open: () => new Wrapper(), test: no, isExclusive: no, shortestTtl: no, many: no });

const cache = createCache({
  backend: memory,
  version: no,
  keyPrefix: no,
  ttl: no,
  readTimeout: no,
  secret: no,
  keySecret: no,
  encrypt: no,
  logger: no,
});
const watch = watchDrift(cache, 'docs', { model: 'm', embed: async () => [], texts: no, every: no, onDrift: no });
export const report: Promise<DriftReport> = watch.check();
export const watched: Embeddings = watch.embeddings;
const docs: Embeddings = cache.embeddings('docs', {
  truncateFrom: no,
  model: { id: 'm', provider: no, revision: no, inputType: no, normalized: no },
  dimensions: 3,
  embed: async (texts) => texts.map(() => [1, 2, 3]),
  precision: no,
  compression: no,
  profile: no,
  identify: no,
  ttl: no,
  adaptiveTtl: { steps: no, keys: no },
  batchSize: no,
  concurrency: no,
});
export const vectors: Promise<Float32Array[]> = docs.embed(['a'], { signal: no, ttl: no, onLookup: no });
const values = cache.values<number>('values', { compression: no, maxValueBytes: no, dictionary: no, ttl: no });
export const value: Promise<number> = values.getOrCompute('a', () => 1, { ttl: no });
export const written: Promise<void> = values.set('a', 1, { ttl: no });
/** A client of the shape of OpenAI's. */
const client = { baseURL: 'x', embeddings: { create: async (_: { input: string }) => ({ data: [] }) } };
export const cachedClient: typeof client = withEmbeddingCache(client, {
  cache,
  backend: no,
  namespace: no,
  provider: no,
  precision: no,
  compression: no,
  ttl: no,
  adaptiveTtl: no,
  gather: no,
  dimensions: no,
  matryoshka: no,
});
// @ts-expect-error no client
withEmbeddingCache({}, { cache });
// @ts-expect-error a time without a unit is no time
createCache({ backend: memory, ttl: '5' });
// @ts-expect-error no such option
createCache({ backend: memory, timeToLive: 5 });

export const engine: 'native' | 'portable' = createVectorCodec({ dimensions: 3, precision: no, profile: no }).engine;
export const records: Uint8Array[] = createValueCodec<number>({ compression: no, dictionary: no }).encodeMany(
  ['a'],
  [1],
);
export const dictionary: Uint8Array = trainDictionary([1], { bytes: no });
export const code = (error: unknown) => (error instanceof VecstashError ? error.code : undefined);

export const page: Promise<Response> = createDashboard(cache, {
  title: no,
  price: no,
  currency: no,
  actions: no,
}).fetch({
  method: no,
  url: '/',
  headers: {},
});

const metrics = createMetrics({ registry: no, prefix: no, money: no, sizes: no, maxNamespaces: no });
export const registry: MetricsRegistry = metrics.registry;
export const text: Promise<string> = metrics.registry.metrics();
const silent = { debug() {}, warn() {}, error() {} };
logEvents(silent, { keyHashes: no });
traceEvents({ startSpan: () => ({ setStatus() {}, end() {} }) }, { system: no, provider: no });
watchAlerts({ webhook: no, onAlert: (alert) => alert.text, thresholds: { hitRate: no }, window: no, repeat: no });
withLogContext({ userId: no, query: no }, () => 1);

const service = new CacheService(memory, { text: { model: no, dimensions: no }, image: no, migrate: no, warming: no });
export const results: Promise<void> = service.setSearchResults('user', 'query', {}, { ttl: no });
export const observed = new ObservableCache(getCacheService(), { metrics: no, snippets: no });
export const slugs = new SlugCache<string>(cache, { load: () => undefined, namespace: no, ttl: no, negativeTtl: no });

const adapted = { cache, backend: no, namespace: no, dimensions: no, batchSize: no, rateLimit: no, gather: no };
const embeddings = {
  embedDocuments: async (texts: string[]) => texts.map(() => [1]),
  embedQuery: async () => [1],
};
const cached = new CachedEmbeddings({
  ...adapted,
  embeddings,
  model: { id: 'm', revision: no },
  sameForQueries: no,
  migrate: no,
  maxConcurrency: no,
});
export const found: Promise<number[][]> = cached.embedDocuments(['a'], { signal: no });
export const middleware: 'v3' = embeddingCache({ ...adapted }).specificationVersion;
// @ts-expect-error no such option
embeddingCache({ cache, model: 'm' });
