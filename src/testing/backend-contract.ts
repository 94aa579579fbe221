/** 'vecstash/testing': what holds for every backend, for whoever writes one. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test as nodeTest } from 'node:test';
import type { CacheBackend } from '../backends/backend.js';
import { isUint8Array } from '../realms.js';
import { checkAgainstModel } from './backend-model.js';
import { bytes, type ContractContext, type ContractTest, codeOf, gone, plain } from './contract-context.js';
import { leaseContract } from './lease-contract.js';
import { lockContract } from './lock-contract.js';
import { touchContract } from './touch-contract.js';

/** What a backend may have beside what every backend has. */
export const CAPABILITIES = ['touchMany', 'leases', 'locks'] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** How the suite gets a backend. */
export interface BackendUnderTest {
  /**
   * Opens a backend that may share its store with earlier ones. It must hold at least 64 MiB, and
   * may be under load from other tests. The suite closes it.
   */
  open: () => CacheBackend | Promise<CacheBackend>;
  /** Registers one test with your runner. @default the `test` of node:test */
  test?: ((name: string, run: () => Promise<void>) => unknown) | undefined;
  /** Whether the store is the suite's alone, so that every key may be cleared. @default true */
  isExclusive?: boolean | undefined;
  /** The shortest TTL in milliseconds that tests wait for. @default 20 */
  shortestTtl?: number | undefined;
  /** The size of the "many keys" tests. @default 5000 */
  many?: number | undefined;
  /**
   * Which of the optional capabilities the backend must have: these and no others.
   * @default whichever it shows, so that one it should have and has not goes unseen
   */
  capabilities?: readonly Capability[] | undefined;
}

/** What a value may be at most in a test, where the backend declares no limit: 1 MiB. */
const LARGE_VALUE = 2 ** 20;

/** How long the longest key of a test is, where the backend declares no limit. */
const LONG_KEY = 1024;

/**
 * Registers the tests that hold a backend to the rules of `CacheBackend`, with node:test or with
 * any runner that has a function of name and test: `backendContract('MyBackend', { open: () => new
 * MyBackend(), test })`. Needs the package fast-check. A failing random test tells its seed;
 * VECSTASH_SEED runs it again.
 */
export function backendContract(name: string, backend: BackendUnderTest): void {
  const { open, isExclusive = true, shortestTtl = 20, many = 5000, capabilities } = backend;
  const register = backend.test ?? nodeTest;

  const test: ContractTest = (title: string, run: (context: ContractContext) => Promise<void>) =>
    register(`contract of ${name}: ${title}`, async () => {
      const store = await open();
      const prefix = `contract-${randomBytes(6).toString('hex')}:`;
      try {
        await run({ store, prefix });
      } finally {
        // A test that failed on its way leaves keys behind.
        await store.clear(prefix).catch(() => {});
        await store.close();
      }
    });

  test('answers in the order asked, misses included', async ({ store, prefix }) => {
    const keys = Array.from({ length: 50 }, (_, index) => `${prefix}${index}`);
    await store.setMany(keys.filter((_, index) => index % 3).map((key, index) => ({ key, value: bytes(index) })));
    const shuffled = [...keys].reverse();
    const expected = shuffled.map((key) => {
      const index = keys.filter((_, at) => at % 3).indexOf(key);
      return index < 0 ? undefined : bytes(index);
    });
    assert.deepStrictEqual(plain(await store.getMany(shuffled)), expected);
  });

  test('answers runs of keys, where it takes them, as it answers the keys', async ({ store, prefix }) => {
    if (store.getRuns === undefined) return;
    const keys = Array.from({ length: 300 }, (_, index) => `${prefix}${index}`);
    await store.setMany(keys.filter((_, index) => index % 3).map((key, index) => ({ key, value: bytes(index) })));
    const expected = plain(await store.getMany(keys));
    for (const cuts of [[], [0], [1, 1, 129], [64, 192], [299, 300]]) {
      const runs = [0, ...cuts].map((start, index) => keys.slice(start, cuts[index]));
      assert.deepStrictEqual(plain((await store.getRuns(runs)).toArray()), expected);
    }
    assert.deepStrictEqual((await store.getRuns([])).toArray(), []);
    assert.strictEqual(await codeOf(store.getRuns([keys, ['\ud800']])), 'INVALID_INPUT');
  });

  test('answers every place of a key that is asked twice', async ({ store, prefix }) => {
    await store.setMany([{ key: `${prefix}a`, value: bytes(1) }]);
    const keys = [`${prefix}a`, `${prefix}none`, `${prefix}a`, `${prefix}none`];
    assert.deepStrictEqual(plain(await store.getMany(keys)), [bytes(1), undefined, bytes(1), undefined]);
  });

  test('the last write wins, in a batch and after one', async ({ store, prefix }) => {
    const key = `${prefix}a`;
    await store.setMany([1, 2, 3].map((value) => ({ key, value: bytes(value) })));
    assert.deepStrictEqual(plain(await store.getMany([key])), [bytes(3)]);
    await store.setMany([{ key, value: bytes(4, 4) }]);
    assert.deepStrictEqual(plain(await store.getMany([key])), [bytes(4, 4)]);
  });

  test('keeps every byte value, and an empty value', async ({ store, prefix }) => {
    const all = Uint8Array.from({ length: 256 }, (_, value) => value);
    const views = [all, all.subarray(100, 200), new Uint8Array(0), Buffer.from(all).subarray(3), bytes(0)];
    await store.setMany(views.map((value, index) => ({ key: `${prefix}${index}`, value })));
    const keys = views.map((_, index) => `${prefix}${index}`);
    assert.deepStrictEqual(plain(await store.getMany(keys)), plain(views));
    for (const value of await store.getMany(keys)) assert.ok(isUint8Array(value));
  });

  test('takes empty batches', async ({ store }) => {
    assert.deepStrictEqual(await store.getMany([]), []);
    await store.setMany([]);
    assert.strictEqual(await store.deleteMany([]), 0);
  });

  test('takes a batch of many', async ({ store, prefix }) => {
    const keys = Array.from({ length: many }, (_, index) => `${prefix}${index}`);
    const values = keys.map((_, index) => Uint8Array.from(Buffer.from(`value ${index}`)));
    await store.setMany(keys.map((key, index) => ({ key, value: values[index] as Uint8Array })));
    assert.deepStrictEqual(plain(await store.getMany(keys)), values);
    assert.strictEqual(await store.deleteMany(keys), many);
    assert.ok((await store.getMany(keys)).every((value) => value === undefined));
  });

  test('each entry has its own TTL', async ({ store, prefix }) => {
    const [short, long, ever] = [`${prefix}short`, `${prefix}long`, `${prefix}ever`];
    await store.setMany([
      { key: short, value: bytes(1), ttlMs: shortestTtl },
      { key: long, value: bytes(2), ttlMs: 3_600_000 },
      { key: ever, value: bytes(3) },
    ]);
    await gone(store, short, shortestTtl);
    assert.deepStrictEqual(plain(await store.getMany([short, long, ever])), [undefined, bytes(2), bytes(3)]);
    assert.strictEqual(await store.deleteMany([short, long]), 1, 'what is expired is not there to be deleted');
  });

  test('what is expired is not there to be removed', async ({ store, prefix }) => {
    const keys = ['a', 'b', 'c', 'd'].map((key) => `${prefix}x:${key}`);
    await store.setMany(keys.map((key) => ({ key, value: bytes(1), ttlMs: shortestTtl })));
    const witness = `${prefix}witness`;
    await store.setMany([{ key: witness, value: bytes(1), ttlMs: shortestTtl * 2 }]);
    // None of the keys is read: a store that forgets them only then has not been asked to.
    await gone(store, witness, shortestTtl);
    assert.strictEqual(await store.deleteMany(keys.slice(0, 2)), 0);
    assert.strictEqual(await store.clear(`${prefix}x:`), 0);
  });

  test('an entry lives as long as it was given', async ({ store, prefix }) => {
    const [key, ttl] = [`${prefix}a`, Math.max(300, shortestTtl)];
    const start = performance.now();
    await store.setMany([{ key, value: bytes(1), ttlMs: ttl }]);
    const [value] = await store.getMany([key]);
    // A machine that was busy for longer than the TTL has shown nothing.
    if (performance.now() - start < ttl) assert.ok(value);
    await gone(store, key, shortestTtl);
  });

  test('a write sets the whole TTL of its key anew', async ({ store, prefix }) => {
    const [longer, ever, shorter, witness] = ['longer', 'ever', 'shorter', 'witness'].map((key) => prefix + key) as [
      string,
      string,
      string,
      string,
    ];
    await store.setMany([
      { key: longer, value: bytes(1), ttlMs: shortestTtl },
      { key: ever, value: bytes(1), ttlMs: shortestTtl },
      { key: shorter, value: bytes(1), ttlMs: 3_600_000 },
    ]);
    await store.setMany([
      { key: longer, value: bytes(2), ttlMs: 3_600_000 },
      { key: ever, value: bytes(2) },
      { key: shorter, value: bytes(2), ttlMs: shortestTtl },
    ]);
    await store.setMany([{ key: witness, value: bytes(1), ttlMs: shortestTtl * 2 }]);
    await gone(store, witness, shortestTtl);
    await gone(store, shorter, shortestTtl);
    assert.deepStrictEqual(plain(await store.getMany([longer, ever])), [bytes(2), bytes(2)]);
  });

  test('counts deleted keys, each once', async ({ store, prefix }) => {
    const [a, b, c] = [`${prefix}a`, `${prefix}b`, `${prefix}c`];
    await store.setMany([a, b, c].map((key) => ({ key, value: bytes(1) })));
    assert.strictEqual(await store.deleteMany([a, `${prefix}none`, a, b]), 2);
    assert.strictEqual(await store.deleteMany([a, b]), 0);
    assert.deepStrictEqual(plain(await store.getMany([a, b, c])), [undefined, undefined, bytes(1)]);
  });

  test('clears by a prefix that is taken literally', async ({ store, prefix }) => {
    const parts = [
      'a:',
      'ab:',
      'a',
      'A:',
      '*',
      '?',
      '[a-z]',
      '[^a]',
      ']',
      '\\',
      '^',
      '%',
      '_',
      '-',
      'é:',
      'é',
      '\u{1F600}',
      '\u{10FFFF}',
      '\uFFFF',
    ];
    for (const part of parts) {
      const keys = parts.flatMap((each) => [`${prefix}${each}`, `${prefix}${each}1`, `${prefix}${each}\u{10FFFF}`]);
      const unique = [...new Set(keys)];
      await store.setMany(unique.map((key) => ({ key, value: bytes(1) })));
      const under = unique.filter((key) => key.startsWith(prefix + part));
      assert.strictEqual(await store.clear(prefix + part), under.length, `clear ${part}`);
      const values = await store.getMany(unique);
      for (const [index, key] of unique.entries()) {
        assert.strictEqual(values[index] === undefined, key.startsWith(prefix + part), `${key} after clear ${part}`);
      }
    }
    assert.strictEqual(await store.clear(`${prefix}nothing`), 0);
  });

  test('clears many keys, and no others', async ({ store, prefix }) => {
    const keys = Array.from({ length: Math.ceil(many * 0.6) }, (_, index) => `${prefix}many:${index}`);
    await store.setMany([...keys, `${prefix}other`].map((key) => ({ key, value: bytes(1) })));
    assert.strictEqual(await store.clear(`${prefix}many:`), keys.length);
    assert.ok((await store.getMany(keys)).every((value) => value === undefined));
    assert.deepStrictEqual(plain(await store.getMany([`${prefix}other`])), [bytes(1)]);
  });

  if (isExclusive) {
    test("clear('') clears everything", async ({ store, prefix }) => {
      await store.clear('');
      await store.setMany(['a', 'b', '\u{10FFFF}'].map((key) => ({ key: prefix + key, value: bytes(1) })));
      await store.setMany(['', '\u{10FFFF}'].map((key) => ({ key, value: bytes(1) })));
      assert.strictEqual(await store.clear(''), 5);
      assert.deepStrictEqual(await store.getMany([`${prefix}a`, '']), [undefined, undefined]);
    });
  }

  test('keeps strange keys apart', async ({ store, prefix }) => {
    const strange = [
      'é',
      'e\u0301',
      '日本語',
      '\u{1F600}',
      ' ',
      '  ',
      '\n',
      '\r\n',
      '\t',
      '"',
      "'",
      '{a}',
      '\u0000',
      'a\u0000b',
      'a',
    ];
    const longestKey = store.limits?.keyBytes ?? LONG_KEY;
    const long = [
      `${prefix}${'k'.repeat(longestKey - prefix.length)}`,
      `${prefix}${'k'.repeat(longestKey - prefix.length - 1)}`,
    ];
    const keys = [...strange.map((key) => prefix + key), prefix, ...long];
    await store.setMany(keys.map((key, index) => ({ key, value: bytes(index) })));
    assert.deepStrictEqual(
      plain(await store.getMany(keys)),
      keys.map((_, index) => bytes(index)),
    );
    assert.strictEqual(await store.deleteMany(keys), keys.length);
  });

  test('takes a large value', async ({ store, prefix }) => {
    const value = new Uint8Array(randomBytes(Math.min(store.limits?.valueBytes ?? LARGE_VALUE, LARGE_VALUE)));
    await store.setMany([{ key: `${prefix}large`, value }]);
    const [read] = await store.getMany([`${prefix}large`]);
    assert.strictEqual(Buffer.compare(read ?? new Uint8Array(), value), 0);
  });

  test('refuses what is beyond its limits, stores the rest, and keeps no older value', async ({ store, prefix }) => {
    const { keyBytes, valueBytes } = store.limits ?? {};
    const [good, large] = [`${prefix}good`, `${prefix}large`];
    if (valueBytes !== undefined) {
      await store.setMany([{ key: large, value: bytes(1) }]);
      const entries = [
        { key: large, value: new Uint8Array(valueBytes + 1) },
        { key: good, value: bytes(2) },
      ];
      assert.strictEqual(await codeOf(store.setMany(entries)), 'BACKEND_LIMIT');
      assert.deepStrictEqual(plain(await store.getMany([large, good])), [undefined, bytes(2)]);
    }
    if (keyBytes !== undefined) {
      // As many characters as bytes are allowed, but one of them takes two.
      const long = `${prefix}é${'k'.repeat(keyBytes - prefix.length - 1)}`;
      const entries = [long, good].map((key) => ({ key, value: bytes(3) }));
      assert.strictEqual(await codeOf(store.setMany(entries)), 'BACKEND_LIMIT');
      assert.deepStrictEqual(plain(await store.getMany([long, good])), [undefined, bytes(3)]);
      assert.strictEqual(await store.deleteMany([long, good]), 1);
      assert.strictEqual(await store.clear(long), 0);
    }
  });

  test('refuses keys that are no text', async ({ store, prefix }) => {
    const key = `${prefix}\uD800`;
    assert.strictEqual(await codeOf(store.getMany([key])), 'INVALID_INPUT');
    assert.strictEqual(await codeOf(store.setMany([{ key, value: bytes(1) }])), 'INVALID_INPUT');
    assert.strictEqual(await codeOf(store.deleteMany([key])), 'INVALID_INPUT');
    assert.strictEqual(await codeOf(store.clear(key)), 'INVALID_INPUT');
  });

  test('keeps its own copy of what was written', async ({ store, prefix }) => {
    const block = new Uint8Array(64).fill(7);
    const entries = [0, 1].map((index) => ({
      key: prefix + index,
      value: block.subarray(index * 32, index * 32 + 32),
    }));
    await store.setMany(entries);
    block.fill(9);
    const expected = new Uint8Array(32).fill(7);
    assert.deepStrictEqual(plain(await store.getMany(entries.map(({ key }) => key))), [expected, expected]);
  });

  test('serves calls that overlap', async ({ store, prefix }) => {
    const keysOf = (worker: number) => Array.from({ length: 40 }, (_, index) => `${prefix}${worker}:${index}`);
    await Promise.all(
      Array.from({ length: 20 }, async (_, worker) => {
        const keys = keysOf(worker);
        for (let round = 0; round < 5; round += 1) {
          await store.setMany(keys.map((key, index) => ({ key, value: bytes(worker, round, index) })));
          assert.deepStrictEqual(
            plain(await store.getMany(keys)),
            keys.map((_, index) => bytes(worker, round, index)),
          );
        }
        assert.strictEqual(await store.deleteMany(keys.slice(0, 10)), 10);
        assert.strictEqual(await store.clear(`${prefix}${worker}:`), 30);
      }),
    );
  });

  if (capabilities) {
    test('has the optional capabilities that were declared', async ({ store }) => {
      for (const name of CAPABILITIES) assert.strictEqual(store[name] !== undefined, capabilities.includes(name), name);
    });
  }
  const having =
    (name: Capability): ContractTest =>
    (title, run) =>
      test(title, async (context) => {
        if (context.store[name] !== undefined) await run(context);
      });
  if (capabilities?.includes('touchMany') !== false) touchContract(having('touchMany'), shortestTtl);
  if (capabilities?.includes('leases') !== false) leaseContract(having('leases'), shortestTtl);
  if (capabilities?.includes('locks') !== false) lockContract(having('locks'), shortestTtl);

  test('reports its health', async ({ store }) => {
    const health = await store.health();
    assert.ok(health.ok, health.detail);
    assert.ok(health.latencyMs >= 0);
  });

  test('closes after what was asked, twice, and then refuses calls', async ({ store, prefix }) => {
    const key = `${prefix}a`;
    const pending = [store.setMany([{ key, value: bytes(1) }]), store.getMany([key]), store.deleteMany([key])];
    const closing = store.close();
    await Promise.all(pending);
    await Promise.all([closing, store.close()]);
    await store.close();
    const calls = [
      () => store.getMany([key]),
      () => store.getMany([]),
      () => store.getRuns?.([[key]]) ?? store.getMany([key]),
      () => store.setMany([{ key, value: bytes(1) }]),
      () => store.deleteMany([key]),
      () => store.clear(prefix),
      () => store.health(),
    ];
    for (const call of calls) assert.strictEqual(await codeOf(call()), 'CLOSED');
  });

  test('agrees with a map, whatever is asked in whatever order', async ({ store, prefix }) => {
    await checkAgainstModel(store, prefix);
  });
}
