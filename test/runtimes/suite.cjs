// What a user's tests do, for Jest and Vitest, whose functions are given.
'use strict';

const { job, model } = require('./job.cjs');

/** @param timers `jest` or `vi` */
module.exports = ({ vecstash, RedisBackend, SqliteBackend, test, afterEach, timers }) => {
  const unique = () => `${process.env.NAMESPACE}-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const backends = {
    MemoryBackend: () => new vecstash.MemoryBackend(),
    RedisBackend: () => new RedisBackend(process.env.REDIS_URL),
  };
  if (process.getBuiltinModule('node:module').isBuiltin('node:sqlite'))
    backends.SqliteBackend = () => new SqliteBackend({ path: `${process.env.FOLDER}/${unique()}.db` });

  afterEach(() => {
    if (process.env.ARE_TIMERS_FAKED !== 'yes') timers.useRealTimers();
  });

  for (const [name, open] of Object.entries(backends)) {
    test(`${name}: the main job`, async () => {
      const { engine } = await job(vecstash, open, unique());
      if (engine !== process.env.ENGINE) throw new Error(`the engine is ${engine}`);
    });

    test(`${name}: the main job under fake timers`, async () => {
      const backend = open();
      // ioredis connects by process.nextTick, which Jest fakes.
      await backend.health();
      timers.useFakeTimers();
      await job(vecstash, () => backend, unique());
    });
  }

  for (const name of ['MemoryBackend', 'SqliteBackend'].filter((name) => name in backends)) {
    test(`${name}: fake timers make time pass for TTLs`, async () => {
      timers.useFakeTimers();
      const cache = vecstash.createCache({ backend: backends[name](), readTimeout: '30s' });
      const asked = [];
      const docs = cache.embeddings('docs', model(asked, { ttl: '1h' }));
      await docs.embed(['a']);
      timers.advanceTimersByTime(59 * 60_000);
      await docs.embed(['a']);
      if (asked.length !== 1) throw new Error('it expired early');
      timers.advanceTimersByTime(2 * 60_000);
      await docs.embed(['a']);
      if (asked.length !== 2) throw new Error('it did not expire');
      await cache.close();
    });
  }
};
