import { createRequire } from 'node:module';
import { mock } from 'node:test';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { SqliteBackend } from '../../src/backends/sqlite/sqlite.js';
import * as vecstash from '../../src/index.js';
import { startRedis } from '../support/redis-server.js';
import { forEachDriver } from '../support/sqlite-files.js';

const test = suite('fake timers');
const redis = await startRedis();
test.after(() => redis.stop());

const { job, model } = createRequire(import.meta.url)('./job.cjs');

function works(name: string, open: () => vecstash.CacheBackend): void {
  test(`${name} does the main job while node:test's timers stand still`, async () => {
    mock.timers.enable();
    try {
      assert.is((await job(vecstash, open, `fake-timers-${process.pid}`)).asked, 300);
    } finally {
      mock.timers.reset();
    }
  });
}

works('MemoryBackend', () => new MemoryBackend());
works('RedisBackend', () => new RedisBackend(redis.url));
forEachDriver('SqliteBackend under fake timers', (driver) =>
  works(`SqliteBackend (${driver})`, () => new SqliteBackend({ path: ':memory:', driver })),
);

test('a read that hangs is given up in real time, and the faked clock ends TTLs', async () => {
  const backend = new MemoryBackend();
  const asked: string[] = [];
  const cache = vecstash.createCache({ backend, readTimeout: 20 });
  const docs = cache.embeddings('docs', model(asked, { ttl: '1h' }));
  const { now } = performance;
  mock.timers.enable();
  let passed = 0;
  performance.now = () => now.call(performance) + passed;
  try {
    await docs.embed(['a']);
    await docs.embed(['a']);
    assert.equal(asked, ['a']);
    passed = 2 * 3_600_000;
    await docs.embed(['a']);
    assert.equal(asked, ['a', 'a']);
    passed = 0;
    backend.getMany = () => new Promise(() => {});
    performance.now = () => 0;
    await docs.embed(['b']);
    assert.equal(asked, ['a', 'a', 'b']);
  } finally {
    performance.now = now;
    mock.timers.reset();
  }
});

test.run();
