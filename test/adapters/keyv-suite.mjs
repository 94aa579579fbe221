// Keyv's own test suite over KeyvStore, in a project that has both installed: run by keyv.check.ts.
import { join } from 'node:path';
import keyvTestSuite from '@keyv/test-suite';
import fsLite from 'unstorage/drivers/fs-lite';
import { HybridBackend, MemoryBackend } from 'vecstash';
import { KeyvStore } from 'vecstash/keyv';
import { RedisBackend } from 'vecstash/redis';
import { SqliteBackend } from 'vecstash/sqlite';
import { UnstorageBackend } from 'vecstash/unstorage';
import * as vitest from 'vitest';

const { KEYV, FOLDER, REDIS_URL } = process.env;
const { default: Keyv } = await import(KEYV);

const BACKENDS = {
  memory: new MemoryBackend(),
  SQLite: new SqliteBackend({ path: join(FOLDER, `${KEYV}.sqlite`) }),
  Redis: new RedisBackend(REDIS_URL),
  'memory before Redis': new HybridBackend(new MemoryBackend(), new RedisBackend(REDIS_URL)),
  files: new UnstorageBackend(fsLite({ base: join(FOLDER, `${KEYV}-files`) })),
};

for (const [name, backend] of Object.entries(BACKENDS)) {
  const open = (options) => new KeyvStore(backend, { keyPrefix: `${KEYV}.${name.replaceAll(' ', '.')}`, ...options });
  vitest.describe(name, () => keyvTestSuite(vitest, Keyv, open));

  vitest.describe(`${name}, beyond the suite`, () => {
    vitest.it('keeps TTLs, namespaces and many keys', async ({ expect }) => {
      const [one, other] = ['one', 'other'].map((namespace) => new Keyv({ store: open(), namespace }));
      const entries = [
        { key: 'a', value: 0 },
        { key: 'b', value: null },
        { key: 'c', value: 'x', ttl: 50 },
        { key: 'd', value: false, ttl: 60_000 },
      ];
      expect(await one.setMany(entries)).toEqual([true, true, true, true]);
      await other.set('a', 'other');
      expect(await one.getMany(['d', 'none', 'b', 'a'])).toEqual([false, undefined, null, 0]);
      expect(await one.hasMany(['a', 'none'])).toEqual([true, false]);
      await vitest.expect.poll(() => one.get('c'), { timeout: 5000 }).toBeUndefined();
      await one.clear();
      expect(await one.getMany(['a', 'd'])).toEqual([undefined, undefined]);
      expect(await other.get('a')).toBe('other');
      await other.clear();
    });
  });
}

const map = Object.assign(new Map(), { opts: {} });
if (KEYV === 'keyv-6') vitest.describe('its own Map', () => keyvTestSuite(vitest, Keyv, () => map));

vitest.describe('a store that is away', () => {
  const open = () => {
    const backend = new MemoryBackend();
    for (const name of ['getMany', 'setMany', 'deleteMany', 'clear'])
      backend[name] = () => Promise.reject(new Error('away'));
    return new Keyv({ store: new KeyvStore(backend) });
  };
  vitest.it('is an event for each call, and a miss', async ({ expect }) => {
    const keyv = open();
    const errors = [];
    keyv.on('error', (error) => errors.push(error.message));
    expect(await keyv.get('a')).toBeUndefined();
    expect(await keyv.getMany(['a', 'b'])).toEqual([undefined, undefined]);
    expect(await keyv.set('a', 1)).toBe(false);
    expect(await keyv.setMany([{ key: 'a', value: 1 }])).toEqual([false]);
    expect(await keyv.has('a')).toBe(false);
    expect(await keyv.delete('a')).toBe(false);
    await keyv.clear();
    expect(errors).toEqual(Array(7).fill('away'));
  });
});

vitest.afterAll(() => Promise.all(Object.values(BACKENDS).map((backend) => backend.close())));
