import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { createCache } from '../../src/cache/cache.js';
import { testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { startRedis } from '../support/redis-server.js';

// SECURITY.md says which rights are enough.
const test = suite('SECURITY.md');
const text = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8');
const redis = await startRedis();
test.after(() => redis.stop());

test('the user of its ACL line can do all that a cache does, and nothing else', async () => {
  const [line] = /^ACL SETUSER .*$/m.exec(text) ?? [''];
  const [, ...words] = line.replace('>PASSWORD', '>a-password').split(' ');
  const admin = new Redis(redis.url);
  await admin.call('ACL', ...words);
  const url = redis.url.replace('redis://', 'redis://vecstash:a-password@');
  for (const backend of [new RedisBackend(url), new HybridBackend(new MemoryBackend(), new RedisBackend(url))]) {
    const model = testModel(8);
    const warnings: unknown[] = [];
    const logger = { warn: (...told: unknown[]) => void warnings.push(told) };
    const cache = createCache({ backend, logger, readTimeout: '5s' });
    const health = await cache.health();
    assert.ok(health.ok, health.detail);
    const docs = cache.embeddings('docs', { model: 'm', dimensions: 8, embed: model.embed, adaptiveTtl: true });
    assert.equal(
      (await docs.embed(['a', 'b'])).map(bytesOf),
      ['a', 'b'].map((each) => bytesOf(prf(each, 8))),
    );
    assert.equal(
      (await docs.embed(['a', 'b'])).map(bytesOf),
      ['a', 'b'].map((each) => bytesOf(prf(each, 8))),
    );
    assert.equal(model.calls, [['a', 'b']]);
    assert.is(await cache.exclusively('job', async () => 'done'), 'done');
    assert.is(await docs.delete('a'), true);
    assert.is(await cache.clear(), 1);
    await cache.close();
    assert.equal(warnings, []);
    assert.is(
      Object.values(cache.stats()).reduce((sum, { errors }) => sum + errors, 0),
      0,
    );
  }
  const user = new Redis(url);
  for (const call of [
    () => user.get('other'),
    () => user.flushdb(),
    () => user.keys('*'),
    () => user.publish('other', 'x'),
  ]) {
    await call().then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, 'NOPERM'),
    );
  }
  user.disconnect();
  admin.disconnect();
});

test.run();
