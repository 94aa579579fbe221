// What is compiled as by somebody who gives the package clients of the optional peers. Never run.
import { createServer } from 'node:http';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Redis as UpstashRedis } from '@upstash/redis';
import { Redis as WorkerRedis } from '@upstash/redis/cloudflare';
import { Cluster, Redis } from 'ioredis';
import { Counter, type OpenMetricsContentType, Registry } from 'prom-client';
import { type Cache, createCache, MemoryBackend } from 'vecstash';
import { createDashboard } from 'vecstash/dashboard';
import { DynamoDBBackend } from 'vecstash/dynamodb';
import { createMetrics } from 'vecstash/observability';
import { RedisBackend } from 'vecstash/redis';
import { UpstashBackend } from 'vecstash/upstash';

const node = { host: 'x', port: 1 };
const client = { table: 't', client: new DynamoDBClient({}) };
const upstash = new UpstashRedis({ url: 'x', token: 'x' });
export const caches: Cache[] = [
  new RedisBackend(new Redis('redis://x')),
  new RedisBackend({ client: new Cluster([node]) }),
  new UpstashBackend({ client: upstash }),
  new UpstashBackend({ client: new WorkerRedis({ url: 'x', token: 'x' }) }),
  new DynamoDBBackend(client),
].map((backend) => createCache({ backend }));
// With the peers there, their types are known.
// @ts-expect-error another package's client
new RedisBackend({ client: upstash });
// @ts-expect-error no client
new DynamoDBBackend({ table: 't', client: 1 });
// @ts-expect-error another package's client
new UpstashBackend({ client: new Redis('redis://x') });

const metrics = createMetrics({ registry: new Registry() });
createMetrics({ registry: new Registry<OpenMetricsContentType>() });
metrics.registry.registerMetric(new Counter({ name: 'own_total', help: 'own' }));
// @ts-expect-error no registry
createMetrics({ registry: new Map() });
createServer(metrics.handler);
createServer(createDashboard(createCache({ backend: new MemoryBackend() })).handler);
