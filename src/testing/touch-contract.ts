import assert from 'node:assert/strict';
import type { BackendTouch, CacheBackend } from '../backends/backend.js';
import { bytes, type ContractTest, codeOf, gone, plain, within } from './contract-context.js';

const HOUR = 3_600_000;

/** Keys of the test of large batches: more than stores take in one command or one step. */
const MANY = 300;

const touch = (store: CacheBackend, entries: BackendTouch[]) => store.touchMany?.(entries) as Promise<void>;

/** The tests of `touchMany`. */
export function touchContract(test: ContractTest, shortestTtl: number): void {
  test('a touch lengthens TTLs, and changes nothing else', async ({ store, prefix }) => {
    let keys: string[] = [];
    const witness = (attempt: number) => `${prefix}witness:${attempt}`;
    let last = 0;
    const ttl = await within(shortestTtl, async (ttlMs, attempt) => {
      last = attempt;
      keys = Array.from({ length: MANY }, (_, index) => `${prefix}${attempt}:${index}`);
      await store.setMany(keys.map((key, index) => ({ key, value: bytes(index), ttlMs })));
      await touch(
        store,
        keys.map((key, index) => ({ key, ttlMs: HOUR + (index % 3) })),
      );
      await store.setMany([{ key: witness(attempt), value: bytes(1), ttlMs }]);
    });
    await gone(store, witness(last), ttl);
    assert.deepStrictEqual(
      plain(await store.getMany(keys)),
      keys.map((_, index) => bytes(index)),
    );
    assert.strictEqual(await store.deleteMany(keys), MANY);
  });

  test('a touch lets no TTL go on for ever', async ({ store, prefix }) => {
    const [key, ttl] = [`${prefix}a`, Math.max(300, shortestTtl)];
    await store.setMany([{ key, value: bytes(1), ttlMs: shortestTtl }]);
    await touch(store, [{ key, ttlMs: ttl }]);
    await gone(store, key, ttl);
  });

  test('a touch makes no TTL shorter, and gives none an end', async ({ store, prefix }) => {
    const [long, ever, witness] = [`${prefix}long`, `${prefix}ever`, `${prefix}witness`];
    await store.setMany([
      { key: long, value: bytes(1), ttlMs: HOUR },
      { key: ever, value: bytes(2) },
    ]);
    await touch(store, [
      { key: long, ttlMs: shortestTtl },
      { key: ever, ttlMs: shortestTtl },
    ]);
    await store.setMany([{ key: witness, value: bytes(1), ttlMs: shortestTtl * 2 }]);
    await gone(store, witness, shortestTtl * 2);
    assert.deepStrictEqual(plain(await store.getMany([long, ever])), [bytes(1), bytes(2)]);
  });

  test('of a key that is touched twice the longer TTL counts', async ({ store, prefix }) => {
    let keys: string[] = [];
    const ttl = await within(shortestTtl, async (ttlMs, attempt) => {
      keys = ['first', 'last', 'witness'].map((name) => `${prefix}${attempt}:${name}`);
      await store.setMany(keys.map((key) => ({ key, value: bytes(1), ttlMs })));
      const [first, last] = keys as [string, string];
      await touch(store, [
        { key: first, ttlMs: HOUR },
        { key: last, ttlMs: shortestTtl },
        { key: first, ttlMs: shortestTtl },
        { key: last, ttlMs: HOUR },
      ]);
    });
    await gone(store, keys[2] as string, ttl);
    assert.deepStrictEqual(plain(await store.getMany(keys)), [bytes(1), bytes(1), undefined]);
  });

  test('a touch passes over what is not there, and brings back nothing', async ({ store, prefix }) => {
    const [none, over, deleted, witness] = ['none', 'over', 'deleted', 'witness'].map((name) => prefix + name) as [
      string,
      string,
      string,
      string,
    ];
    await store.setMany([
      { key: over, value: bytes(1), ttlMs: shortestTtl },
      { key: deleted, value: bytes(1) },
    ]);
    await store.deleteMany([deleted]);
    await store.setMany([{ key: witness, value: bytes(1), ttlMs: shortestTtl * 2 }]);
    // It is not read itself: a store that forgets only then has not been asked to.
    await gone(store, witness, shortestTtl * 2);
    const longest = store.limits?.keyBytes;
    const tooLong = longest === undefined ? [] : [`${prefix}${'k'.repeat(longest)}`];
    const keys = [none, over, deleted, ...tooLong];
    await touch(
      store,
      keys.map((key) => ({ key, ttlMs: HOUR })),
    );
    assert.deepStrictEqual(
      await store.getMany(keys),
      keys.map(() => undefined),
    );
    assert.strictEqual(await store.deleteMany(keys), 0);
    await touch(store, []);
  });

  test('a touch refuses keys that are no text, and times that are none', async ({ store, prefix }) => {
    const key = `${prefix}a`;
    assert.strictEqual(await codeOf(touch(store, [{ key: `${prefix}\uD800`, ttlMs: HOUR }])), 'INVALID_INPUT');
    for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, undefined as unknown as number]) {
      assert.strictEqual(await codeOf(touch(store, [{ key, ttlMs }])), 'INVALID_INPUT');
    }
  });

  test('closing waits for a touch, and refuses later ones', async ({ store, prefix }) => {
    const entries = [{ key: `${prefix}a`, ttlMs: HOUR }];
    const pending = touch(store, entries);
    const closing = store.close();
    await pending;
    await closing;
    assert.strictEqual(await codeOf(touch(store, entries)), 'CLOSED');
    assert.strictEqual(await codeOf(touch(store, [])), 'CLOSED');
  });
}
