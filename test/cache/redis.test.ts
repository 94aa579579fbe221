import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { createCache } from '../../src/cache/cache.js';
import { until } from '../../src/testing/until.js';
import { testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { freePort, startRedis } from '../support/redis-server.js';
import { startRespProxy } from '../support/resp-proxy.js';
import { skipped } from '../support/skip.js';

const test = suite('the cache on a Redis that comes and goes');
const DIMENSIONS = 32;
const READ_TIMEOUT = 200;
const TEXTS = Array.from({ length: 300 }, (_, i) => `text ${i}`);
const expected = TEXTS.map((text) => bytesOf(prf(text, DIMENSIONS)));

const prefixOf = () => `test-${process.pid}-${Math.random().toString(36).slice(2)}`;

const open = (url: string, tiers = false, keyPrefix = prefixOf()) => {
  const model = testModel(DIMENSIONS);
  const redis = new RedisBackend(url);
  const cache = createCache({
    backend: tiers ? new HybridBackend(new MemoryBackend(), redis) : redis,
    keyPrefix,
    readTimeout: READ_TIMEOUT,
  });
  const embeddings = cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, embed: model.embed });
  const embed = async () => assert.equal((await embeddings.embed(TEXTS)).map(bytesOf), expected);
  /** Asks until the cache answers all by itself. */
  const isUsed = async () => {
    const before = model.calls.length;
    await embed();
    return model.calls.length === before;
  };
  return { model, cache, embed, isUsed, embeddings };
};

const server = await startRedis();

test('what one cache wrote, another one reads', async () => {
  const one = open(server.url);
  await one.embed();
  await one.embed();
  assert.is(one.model.calls.flat().length, TEXTS.length);
  assert.equal(one.cache.stats().docs?.errors, 0);
  assert.is(await one.cache.clear(), TEXTS.length);
  await one.cache.close();
});

for (const tiers of [false, true]) {
  test(`a process that takes longer to connect than to read pays for nothing${tiers ? ', over Hybrid' : ''}`, async () => {
    const proxy = await startRespProxy(Number(new URL(server.url).port));
    const keyPrefix = `cold-${process.pid}-${tiers}`;
    const warm = open(server.url, tiers, keyPrefix);
    await warm.embed();
    await warm.cache.close();
    // Each answer of the handshake is late; what is asked afterwards is answered at once.
    proxy.rule = ({ command }) =>
      /^(HELLO|AUTH|SELECT|INFO)$/.test(command) ? { delay: 2 * READ_TIMEOUT } : undefined;
    const cold = open(proxy.url, tiers, keyPrefix);
    try {
      await cold.embed();
      assert.equal(cold.model.calls, []);
      assert.is(cold.cache.stats().docs?.errors, 0);
    } finally {
      await cold.cache.close().catch(() => {});
      await proxy.stop();
    }
  });
}

if (server.isPrivate) {
  test('a server that is not there when the process starts, and comes', async () => {
    const port = await freePort();
    const { embed, isUsed, cache } = open(`redis://127.0.0.1:${port}`);
    for (let round = 0; round < 5; round++) await embed();
    assert.is((await cache.health()).ok, false);
    assert.ok((cache.stats().docs?.errors ?? 0) > 0);
    const late = await startRedis({ port });
    await until('the cache is used', isUsed);
    await cache.close();
    await late.stop();
  });

  for (const tiers of [false, true]) {
    test(`a server that dies and returns${tiers ? ', behind memory' : ''}`, async () => {
      const { embed, isUsed, cache, model } = open(server.url, tiers);
      await embed();
      assert.ok(await isUsed());
      await server.kill();
      // Memory forgets what others may have changed, and then serves what was computed since.
      if (tiers) await until('the loss is heard', async () => /not heard/.test((await cache.health()).detail ?? ''));
      await embed();
      const before = model.calls.length;
      for (let round = 0; round < 5; round++) await embed();
      assert.is(model.calls.length === before, tiers, 'memory serves while Redis is away');
      await server.restart();
      await until('the cache is used', isUsed);
      await cache.close();
    });
  }

  test('a server that is frozen costs the read timeout, and is used again', async () => {
    const { embed, isUsed, cache } = open(server.url);
    await embed();
    server.pause();
    try {
      const timer = new Promise((resolve) => setTimeout(resolve, 10 * READ_TIMEOUT, 'too late'));
      const calls = (async () => {
        for (let round = 0; round < 4; round++) await embed();
        return 'in time';
      })();
      assert.is(await Promise.race([calls, timer]), 'in time');
    } finally {
      server.resume();
    }
    await until('the cache is used', isUsed);
    await cache.close();
  });
} else {
  skipped('servers that die: TEST_REDIS_URL is not this test’s to kill');
}

test.after(() => server.stop());
test.run();
