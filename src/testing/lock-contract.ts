import assert from 'node:assert/strict';
import type { BackendLocks, CacheBackend } from '../backends/backend.js';
import { bytes, type ContractTest, codeOf, plain, within } from './contract-context.js';
import { until } from './until.js';

const HOUR = 3_600_000;

/** Keys of the test of large batches: more than stores take in one command or one step. */
const MANY = 300;

const locksOf = (store: CacheBackend) => store.locks as BackendLocks;

/** The tests of `locks`. */
export function lockContract(test: ContractTest, shortestTtl: number): void {
  test('a key is locked by one holder at a time, and by force by the last', async ({ store, prefix }) => {
    const locks = locksOf(store);
    const [a, b, c] = ['a', '{b}', 'é\u{1F600}'].map((name) => prefix + name) as [string, string, string];
    assert.deepStrictEqual(await locks.acquire([a, b, a], 'one', HOUR), [true, true, true]);
    assert.deepStrictEqual(await locks.acquire([c, b], 'two', HOUR), [true, false]);
    assert.deepStrictEqual(await locks.acquire([b], 'two', HOUR, { force: true }), [true]);
    assert.deepStrictEqual(await locks.acquire([a, b, c], 'one', HOUR), [true, false, false]);
    assert.deepStrictEqual(await locks.renew([a, b, c], 'one', HOUR), [true, false, false]);
    await locks.release([a, b, c], 'one');
    assert.deepStrictEqual(await locks.acquire([a, b, c], 'three', HOUR), [true, false, false]);
    assert.deepStrictEqual(await locks.acquire([], 'one', HOUR), []);
  });

  test('what is stored under a lock is stored once, and unlocks', async ({ store, prefix }) => {
    const locks = locksOf(store);
    const [a, b] = [`${prefix}a`, `${prefix}b`];
    await locks.acquire([a], 'one', HOUR);
    const entries = [
      { key: a, value: bytes(1), ttlMs: HOUR },
      { key: b, value: bytes(2) },
    ];
    assert.deepStrictEqual(await locks.setMany(entries, 'one'), [true, false]);
    assert.deepStrictEqual(plain(await store.getMany([a, b])), [bytes(1), undefined]);
    assert.deepStrictEqual(await locks.setMany([{ key: a, value: bytes(9) }], 'one'), [false]);
    assert.deepStrictEqual(await locks.setMany([], 'one'), []);
    assert.deepStrictEqual(plain(await store.getMany([a])), [bytes(1)]);
    assert.deepStrictEqual(await locks.acquire([a], 'two', HOUR), [true]);
  });

  test('what was locked before a write, a removal or a clear is not stored after it', async ({ store, prefix }) => {
    const locks = locksOf(store);
    const keys = ['written', 'removed', 'taken', 'cleared:a', 'cleared:b', 'kept'].map((name) => prefix + name);
    const [written, removed, taken, ...others] = keys as [string, string, string, ...string[]];
    const kept = others.at(-1) as string;
    assert.deepStrictEqual(
      await locks.acquire(keys, 'one', HOUR),
      keys.map(() => true),
    );
    await store.setMany([{ key: written, value: bytes(7) }]);
    assert.strictEqual(await store.deleteMany([removed]), 0);
    await locks.acquire([taken], 'two', HOUR, { force: true });
    assert.strictEqual(await store.clear(`${prefix}cleared:`), 0);
    const entries = keys.map((key) => ({ key, value: bytes(1) }));
    const answers = keys.map((key) => key === kept);
    assert.deepStrictEqual(await locks.renew(keys, 'one', HOUR), answers);
    assert.deepStrictEqual(await locks.setMany(entries, 'one'), answers);
    const expected = keys.map((key) => (key === written ? bytes(7) : key === kept ? bytes(1) : undefined));
    assert.deepStrictEqual(plain(await store.getMany(keys)), expected);
    assert.deepStrictEqual(await locks.setMany([{ key: taken, value: bytes(2) }], 'two'), [true]);
  });

  test('a lock is no record', async ({ store, prefix }) => {
    const locks = locksOf(store);
    const keys = ['a', 'b', 'c'].map((name) => prefix + name) as [string, string, string];
    await locks.acquire(keys, 'one', HOUR);
    assert.deepStrictEqual(await store.getMany(keys), [undefined, undefined, undefined]);
    assert.strictEqual(await store.deleteMany([keys[0]]), 0);
    await store.setMany([{ key: keys[1], value: bytes(1) }]);
    await locks.acquire([keys[1]], 'one', HOUR);
    assert.deepStrictEqual(plain(await store.getMany(keys)), [undefined, bytes(1), undefined]);
    assert.strictEqual(await store.clear(prefix), 1);
  });

  test('a lock that is over may be taken over, and until then its holder may store', async ({ store, prefix }) => {
    const locks = locksOf(store);
    let [late, lost]: [string, string] = ['', ''];
    const ttl = await within(shortestTtl, async (ttlMs, attempt) => {
      [late, lost] = [`${prefix}${attempt}:late`, `${prefix}${attempt}:lost`];
      const start = performance.now();
      await locks.acquire([late, lost], 'one', ttlMs);
      const [isTaken] = await locks.acquire([lost], 'two', HOUR);
      if (performance.now() - start < ttlMs) assert.strictEqual(isTaken, false);
    });
    await until('a lock is over', async () => (await locks.acquire([lost], 'two', HOUR))[0] === true, ttl * 20 + 5000);
    const entries = [late, lost].map((key) => ({ key, value: bytes(1) }));
    assert.deepStrictEqual(await locks.setMany(entries, 'one'), [true, false]);
    assert.deepStrictEqual(plain(await store.getMany([late, lost])), [bytes(1), undefined]);
  });

  test('locks and stores many keys at once', async ({ store, prefix }) => {
    const locks = locksOf(store);
    const keys = Array.from({ length: MANY }, (_, index) => `${prefix}${index}`);
    const all = (answer: boolean) => keys.map(() => answer);
    assert.deepStrictEqual(await locks.acquire(keys, 'one', HOUR), all(true));
    assert.deepStrictEqual(await locks.acquire(keys, 'two', HOUR), all(false));
    const half = keys.filter((_, index) => index % 2 === 0);
    await store.deleteMany(half);
    const entries = keys.map((key, index) => ({ key, value: bytes(index % 256, 1) }));
    const stored = keys.map((_, index) => index % 2 === 1);
    assert.deepStrictEqual(await locks.setMany(entries, 'one'), stored);
    const found = plain(await store.getMany(keys));
    assert.deepStrictEqual(
      found,
      entries.map(({ value }, index) => (stored[index] ? value : undefined)),
    );
    await locks.release(keys, 'one');
    assert.deepStrictEqual(await locks.acquire(keys, 'two', HOUR), all(true));
  });

  test('refuses keys, holders and times that are none, and locks nothing then', async ({ store, prefix }) => {
    const locks = locksOf(store);
    const [good, bad] = [`${prefix}a`, `${prefix}\uD800`];
    assert.strictEqual(await codeOf(locks.acquire([good, bad], 'one', HOUR)), 'INVALID_INPUT');
    assert.strictEqual(await codeOf(locks.acquire([good], '\uD800', HOUR)), 'INVALID_INPUT');
    assert.strictEqual(await codeOf(locks.renew([bad], 'one', HOUR)), 'INVALID_INPUT');
    assert.strictEqual(await codeOf(locks.setMany([{ key: bad, value: bytes(1) }], 'one')), 'INVALID_INPUT');
    assert.strictEqual(await codeOf(locks.release([bad], 'one')), 'INVALID_INPUT');
    for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.strictEqual(await codeOf(locks.acquire([good], 'one', ttlMs)), 'INVALID_INPUT');
    }
    assert.deepStrictEqual(await locks.acquire([good], 'two', HOUR), [true]);
  });

  test('closing waits for who stores under a lock, and refuses later ones', async ({ store, prefix }) => {
    const locks = locksOf(store);
    const key = `${prefix}a`;
    await locks.acquire([key], 'one', shortestTtl);
    const pending = locks.setMany([{ key, value: bytes(1), ttlMs: shortestTtl }], 'one');
    const closing = store.close();
    assert.deepStrictEqual(await pending, [true]);
    await closing;
    assert.strictEqual(await codeOf(locks.acquire([key], 'one', HOUR)), 'CLOSED');
    assert.strictEqual(await codeOf(locks.setMany([{ key, value: bytes(1) }], 'one')), 'CLOSED');
  });
}
