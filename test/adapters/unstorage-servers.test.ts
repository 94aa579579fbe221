import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createStorage } from 'unstorage';
import http from 'unstorage/drivers/http';
import redisDriver from 'unstorage/drivers/redis';
import { createStorageServer } from 'unstorage/server';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UnstorageBackend } from '../../src/adapters/unstorage.js';
import { backendContract } from '../contract/backend-contract.js';
import { startRedis } from '../support/redis-server.js';

// Drivers whose store is a process of its own, or behind a socket.
const test = suite('unstorage over servers');
const bytes = (...values: number[]) => Uint8Array.from(values);

const redis = await startRedis();
const driver = redisDriver({ url: redis.url, base: 'app' });
const client = driver.getInstance?.() as { disconnect(): void } & Record<
  string,
  (...args: unknown[]) => Promise<never>
>;

async function listen(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close().closeAllConnections() };
}

const stored = createStorage();
const server = await listen(createStorageServer(stored).handle);

test('Redis reads a batch by one MGET, and ends what has a TTL', async () => {
  const backend = new UnstorageBackend(createStorage({ driver }), { base: 'reads' });
  const keys = Array.from({ length: 256 }, (_, index) => `k${index}`);
  await backend.setMany(keys.map((key, index) => ({ key, value: bytes(index) })));
  await backend.setMany([{ key: 'short', value: bytes(1), ttlMs: 3_600_000 }]);
  const before = String(await client.info?.('commandstats'));
  assert.equal(
    (await backend.getMany(keys)).map((value) => value?.[0]),
    keys.map((_, index) => index),
  );
  const after = String(await client.info?.('commandstats'));
  const calls = (text: string, name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(text)?.[1] ?? 0);
  assert.is(calls(after, 'mget') - calls(before, 'mget'), 2);
  assert.is(calls(after, 'get') - calls(before, 'get'), 0);
  assert.is(await client.ttl?.('app:reads:short_'), 3601);
  assert.is(await client.ttl?.('app:reads:k1_'), -1);
  assert.is(await backend.clear(''), 257);
  await backend.close();
  // Who made the storage closes it.
  assert.is(await client.ping?.(), 'PONG');
});

test.run();

const none = { capabilities: [] };
const options = { requestTimeout: '60s' } as const;
backendContract('unstorage: redis-server', {
  open: () => new UnstorageBackend(createStorage({ driver }), options),
  many: 1000,
  ...none,
});
backendContract('unstorage: its HTTP server', {
  open: () => new UnstorageBackend(createStorage({ driver: http({ base: server.url }) }), options),
  many: 300,
  ...none,
  after: async () => {
    await client.quit?.();
    server.close();
    await redis.stop();
  },
});
