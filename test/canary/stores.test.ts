import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CacheBackend } from '../../src/backends/backend.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { SqliteBackend } from '../../src/backends/sqlite/sqlite.js';
import { createCache } from '../../src/cache/cache.js';
import { watchDrift } from '../../src/canary/watch-drift.js';
import { until } from '../../src/testing/until.js';
import { DIMENSIONS, Provider } from '../support/canary.js';
import { bytesOf } from '../support/prf.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

const test = suite<{ redis: RedisServer; folder: string }>('watchDrift over real stores');

test.before(async (context) => {
  context.redis = await startRedis();
  context.folder = mkdtempSync(join(tmpdir(), 'vecstash-canary-'));
});

test.after(async ({ redis, folder }) => {
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const memory = new MemoryBackend();
const STORES: Record<string, (context: { redis: RedisServer; folder: string }) => CacheBackend> = {
  memory: () => ({ ...memory, ...methodsOf(memory), leases: memory.leases, close: async () => {} }),
  Redis: ({ redis }) => new RedisBackend(redis.url),
  SQLite: ({ folder }) => new SqliteBackend({ path: join(folder, 'cache.db') }),
};

function methodsOf(backend: MemoryBackend) {
  return {
    getMany: backend.getMany.bind(backend),
    setMany: backend.setMany.bind(backend),
    deleteMany: backend.deleteMany.bind(backend),
    clear: backend.clear.bind(backend),
    health: backend.health.bind(backend),
  };
}

for (const [name, open] of Object.entries(STORES)) {
  test(`${name}: two instances at once take one baseline, and begin one epoch`, async (context) => {
    const provider = new Provider();
    const options = { model: 'm', dimensions: DIMENSIONS, embed: provider.embed, onDrift: 'renew' as const };
    const keyPrefix = `canary-${name}`;
    const instances = [0, 1].map(() => {
      const cache = createCache({ backend: open(context), keyPrefix, readTimeout: '5s', ttl: '1m' });
      return { cache, ...watchDrift(cache, 'docs', options) };
    });
    const [a, b] = instances as [(typeof instances)[0], (typeof instances)[0]];
    await until('there is a baseline', async () => (await a.check()).outcome === 'same');
    const rounds = provider.calls.length;
    assert.is((await b.check()).outcome, 'same');
    // Four of the baseline, and one or two checks.
    assert.ok(rounds >= 5 && rounds <= 7, `${rounds} rounds`);
    await a.embeddings.embed(['text']);
    provider.version = 'second';
    await Promise.all([a.check(), b.check()]);
    await until('both are in the new epoch', async () => {
      const reports = [await a.check(), await b.check()];
      return reports.every(({ outcome, epoch }) => outcome === 'same' && epoch === 1);
    });
    assert.is(a.embeddings.keyOf('text'), b.embeddings.keyOf('text'));
    assert.is(await b.embeddings.get('text'), undefined);
    const [vector] = await a.embeddings.embed(['text']);
    assert.is(bytesOf(vector), bytesOf(provider.vectorOf('text')));
    for (const { cache, stop } of instances) {
      await stop();
      await cache.close();
    }
  });
}

test.run();
