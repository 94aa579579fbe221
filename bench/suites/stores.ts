import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CacheBackend, HybridBackend, MemoryBackend } from 'vecstash';
import { CloudflareKVBackend } from 'vecstash/cloudflare-kv';
import { createDynamoDBTable, DynamoDBBackend } from 'vecstash/dynamodb';
import { RedisBackend } from 'vecstash/redis';
import { SqliteBackend } from 'vecstash/sqlite';
import { UpstashBackend } from 'vecstash/upstash';
import { startKv } from '../../test/support/cloudflare-kv.js';
import { startKvRest } from '../../test/support/cloudflare-rest.js';
import { startDynamoDB } from '../../test/support/dynamodb.js';
import { startRedis } from '../../test/support/redis-server.js';
import { startUpstash } from '../../test/support/upstash-server.js';

/** A backend on a real server, or on what stands in for it. */
export interface Store {
  name: string;
  backend: CacheBackend;
  /** What the backlog expects of it at most, in milliseconds: for one key, by percentile. */
  expected?: { percentile: 'p95' | 'p99'; most: number };
  /** What a benchmark on one machine leaves out. */
  leavesOut: string;
  stop(): Promise<void>;
}

/** Opens every backend, each with a store of its own. */
export async function openStores(): Promise<Store[]> {
  const redis = await startRedis();
  const redisOfHybrid = await startRedis();
  const upstash = await startUpstash();
  const kv = await startKv();
  const kvOfRest = await startKv();
  const rest = await startKvRest(kvOfRest.binding);
  const dynamodb = await startDynamoDB();
  const client = dynamodb.client();
  await createDynamoDBTable({ table: 'bench', client });
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-bench-'));
  return [
    { name: 'memory', backend: new MemoryBackend(), expected: p99(1), leavesOut: 'nothing', stop: async () => {} },
    {
      name: 'SQLite',
      backend: new SqliteBackend({ path: join(folder, 'bench.sqlite') }),
      leavesOut: 'a disk: the file is in the page cache',
      stop: async () => rmSync(folder, { recursive: true, force: true }),
    },
    {
      name: 'Redis',
      backend: new RedisBackend(redis.url),
      expected: p99(5),
      leavesOut: 'the network: add a round trip',
      stop: () => redis.stop(),
    },
    {
      name: 'hybrid (memory, Redis)',
      backend: new HybridBackend(new MemoryBackend(), new RedisBackend(redisOfHybrid.url)),
      expected: { percentile: 'p95', most: 10 },
      leavesOut: 'the network where memory misses, and for writes',
      stop: () => redisOfHybrid.stop(),
    },
    {
      name: 'Upstash (a stand-in over Redis)',
      backend: new UpstashBackend({ url: upstash.url, token: upstash.token }),
      expected: p99(15),
      leavesOut: 'the network, TLS, and the service itself',
      stop: () => upstash.stop(),
    },
    {
      name: 'Cloudflare KV (binding, workerd)',
      backend: new CloudflareKVBackend({ binding: kv.binding }),
      leavesOut: 'the service itself; here each call crosses from Node to workerd, which a Worker does not',
      stop: () => kv.stop(),
    },
    {
      name: 'Cloudflare KV (REST, a stand-in)',
      backend: new CloudflareKVBackend(rest.access),
      expected: p99(15),
      leavesOut: 'the network, TLS, and the service itself',
      stop: async () => {
        await rest.stop();
        await kvOfRest.stop();
      },
    },
    {
      name: 'DynamoDB (dynalite)',
      backend: new DynamoDBBackend({ table: 'bench', client }),
      expected: p99(15),
      leavesOut: 'the network, TLS, and the service itself: dynalite is slower than it',
      stop: async () => {
        client.destroy();
        await dynamodb.stop();
      },
    },
  ];
}

function p99(most: number): NonNullable<Store['expected']> {
  return { percentile: 'p99', most };
}
