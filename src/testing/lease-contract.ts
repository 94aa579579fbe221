import assert from 'node:assert/strict';
import type { BackendLeases, CacheBackend } from '../backends/backend.js';
import { type ContractTest, codeOf, within } from './contract-context.js';
import { until } from './until.js';

const HOUR = 3_600_000;

/** Names of the test of large batches: more than stores take in one command or one step. */
const MANY = 300;

const leasesOf = (store: CacheBackend) => store.leases as BackendLeases;

/** Waits until a name is free whose lease is about `ttl` milliseconds, and takes it. */
const free = (leases: BackendLeases, name: string, holder: string, ttl: number) =>
  until(`${name} is free`, async () => (await leases.acquire([name], holder, HOUR))[0] === true, ttl * 20 + 5000);

/** The tests of `leases`. */
export function leaseContract(test: ContractTest, shortestTtl: number): void {
  test('a name has one holder at a time', async ({ store, prefix }) => {
    const leases = leasesOf(store);
    const [a, b, c] = ['a', '{b}', 'é\u{1F600}'].map((name) => prefix + name) as [string, string, string];
    assert.deepStrictEqual(await leases.acquire([a, b], 'one', HOUR), [true, true]);
    assert.deepStrictEqual(await leases.acquire([c, b], 'two', HOUR), [true, false]);
    assert.deepStrictEqual(await leases.acquire([a, c, b, a], 'one', HOUR), [true, false, true, true]);
    assert.deepStrictEqual(await leases.acquire([a, a], 'two', HOUR), [false, false]);
    assert.deepStrictEqual(await leases.acquire([], 'two', HOUR), []);
  });

  test('of many who ask at once exactly one gets a name', async ({ store, prefix }) => {
    const leases = leasesOf(store);
    const names = Array.from({ length: 20 }, (_, index) => `${prefix}${index}`);
    const holders = Array.from({ length: 12 }, (_, index) => `holder ${index}`);
    const answers = await Promise.all(
      holders.map((holder, index) => leases.acquire(index % 2 ? names : [...names].reverse(), holder, HOUR)),
    );
    const inOrder = answers.map((answer, index) => (index % 2 ? answer : [...answer].reverse()));
    for (const [place, name] of names.entries()) {
      assert.strictEqual(inOrder.filter((answer) => answer[place]).length, 1, name);
    }
    // Everybody still has what it was told that it has.
    for (const [index, holder] of holders.entries()) {
      assert.deepStrictEqual(await leases.acquire(names, holder, HOUR), inOrder[index]);
    }
  });

  test('what is given back is free, and nobody gives back what is not his', async ({ store, prefix }) => {
    const leases = leasesOf(store);
    const [a, b, none] = ['a', 'b', 'none'].map((name) => prefix + name) as [string, string, string];
    await leases.acquire([a], 'one', HOUR);
    await leases.acquire([b], 'two', HOUR);
    await leases.release([a, b, none, b], 'two');
    assert.deepStrictEqual(await leases.acquire([a, b], 'three', HOUR), [false, true]);
    await leases.release([a, a], 'one');
    await leases.release([a], 'one');
    await leases.release([], 'one');
    assert.deepStrictEqual(await leases.acquire([a], 'three', HOUR), [true]);
  });

  test('a lease ends by itself, not before its time, and whoever had it has no say then', async ({ store, prefix }) => {
    const leases = leasesOf(store);
    let name = '';
    const ttl = await within(shortestTtl, async (ttlMs, attempt) => {
      name = `${prefix}${attempt}`;
      const start = performance.now();
      assert.deepStrictEqual(await leases.acquire([name], 'one', ttlMs), [true]);
      const [isTaken] = await leases.acquire([name], 'two', HOUR);
      if (performance.now() - start < ttlMs) assert.strictEqual(isTaken, false);
    });
    await free(leases, name, 'two', ttl);
    await leases.release([name], 'one');
    assert.deepStrictEqual(await leases.acquire([name], 'one', HOUR), [false]);
    assert.deepStrictEqual(await leases.acquire([name], 'two', HOUR), [true]);
  });

  test('who has a name already has it for longer, and never for less', async ({ store, prefix }) => {
    const leases = leasesOf(store);
    let names: string[] = [];
    const ttl = await within(shortestTtl, async (ttlMs, attempt) => {
      names = ['longer', 'less', 'witness'].map((name) => `${prefix}${attempt}:${name}`);
      const [longer, less, witness] = names as [string, string, string];
      await leases.acquire([longer], 'one', ttlMs);
      await leases.acquire([less], 'one', HOUR);
      assert.deepStrictEqual(await leases.acquire([longer], 'one', HOUR), [true]);
      assert.deepStrictEqual(await leases.acquire([less], 'one', shortestTtl), [true]);
      await leases.acquire([witness], 'one', ttlMs);
    });
    await free(leases, names[2] as string, 'two', ttl);
    assert.deepStrictEqual(await leases.acquire(names, 'two', HOUR), [false, false, true]);
  });

  test('takes many names at once', async ({ store, prefix }) => {
    const leases = leasesOf(store);
    const names = Array.from({ length: MANY }, (_, index) => `${prefix}${index}`);
    const all = (answer: boolean) => names.map(() => answer);
    assert.deepStrictEqual(await leases.acquire(names, 'one', HOUR), all(true));
    assert.deepStrictEqual(await leases.acquire(names, 'two', HOUR), all(false));
    await leases.release(names, 'one');
    assert.deepStrictEqual(await leases.acquire(names, 'two', HOUR), all(true));
  });

  test('names and records of other keys do not disturb one another', async ({ store, prefix }) => {
    const leases = leasesOf(store);
    await store.setMany([{ key: `${prefix}record`, value: Uint8Array.of(1) }]);
    await leases.acquire([`${prefix}name`], 'one', HOUR);
    assert.strictEqual(await store.deleteMany([`${prefix}record`]), 1);
    assert.deepStrictEqual(await leases.acquire([`${prefix}name`], 'two', HOUR), [false]);
  });

  test('refuses names, holders and times that are none, and takes nothing then', async ({ store, prefix }) => {
    const leases = leasesOf(store);
    const [good, bad] = [`${prefix}a`, `${prefix}\uD800`];
    assert.strictEqual(await codeOf(leases.acquire([good, bad], 'one', HOUR)), 'INVALID_INPUT');
    assert.strictEqual(await codeOf(leases.acquire([good], '\uD800', HOUR)), 'INVALID_INPUT');
    assert.strictEqual(await codeOf(leases.release([bad], 'one')), 'INVALID_INPUT');
    assert.strictEqual(await codeOf(leases.release([good], '\uD800')), 'INVALID_INPUT');
    for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, undefined as unknown as number]) {
      assert.strictEqual(await codeOf(leases.acquire([good], 'one', ttlMs)), 'INVALID_INPUT');
    }
    const longest = store.limits?.keyBytes;
    if (longest !== undefined) {
      const long = `${prefix}${'k'.repeat(longest)}`;
      assert.strictEqual(await codeOf(leases.acquire([good, long], 'one', HOUR)), 'BACKEND_LIMIT');
      await leases.release([long], 'one');
    }
    assert.deepStrictEqual(await leases.acquire([good], 'two', HOUR), [true]);
  });

  test('closing waits for who asks for a lease, and refuses later ones', async ({ store, prefix }) => {
    const leases = leasesOf(store);
    // A short one: nobody can clear it away afterwards.
    const pending = leases.acquire([`${prefix}a`], 'one', shortestTtl);
    const closing = store.close();
    assert.deepStrictEqual(await pending, [true]);
    await closing;
    for (const names of [[`${prefix}a`], []]) {
      assert.strictEqual(await codeOf(leases.acquire(names, 'one', HOUR)), 'CLOSED');
      assert.strictEqual(await codeOf(leases.release(names, 'one')), 'CLOSED');
    }
  });
}
