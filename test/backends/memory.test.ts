import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryLeases } from '../../src/backends/memory/leases.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { InvalidOptionError } from '../../src/errors.js';
import { backendContract } from '../contract/backend-contract.js';
import { used } from '../support/heap.js';

const MIB = 2 ** 20;
const test = suite('MemoryBackend');
const entry = (key: string, length: number) => ({ key, value: new Uint8Array(length) });
const held = async (backend: MemoryBackend, keys: string[]) =>
  (await backend.getMany(keys)).flatMap((value, index) => (value ? [keys[index]] : []));

test('the bound holds whatever is written', async () => {
  const backend = new MemoryBackend({ maxBytes: MIB });
  for (let index = 0; index < 3000; index += 1) {
    await backend.setMany([entry(`key ${index}`, (index * 37) % 5000)]);
    assert.ok(backend.bytes <= MIB);
  }
  assert.ok(backend.bytes > MIB * 0.9, 'the bound is used');
  for (let index = 0; index < 5000; index += 1) await backend.setMany([entry(`empty ${index}`, 0)]);
  assert.ok(backend.bytes <= MIB);
  assert.ok(backend.size < 5000, 'empty values cost something');
});

test('the least recently used goes first, and reading is a use', async () => {
  const backend = new MemoryBackend({ maxBytes: 40_000 });
  for (const key of ['a', 'b', 'c']) await backend.setMany([entry(key, 10_000)]);
  await backend.getMany(['a']);
  await backend.setMany([entry('d', 10_000)]);
  assert.equal(await held(backend, ['a', 'b', 'c', 'd']), ['a', 'c', 'd']);
});

test('a key that stays keeps nothing of the batch that it came with', async () => {
  const backend = new MemoryBackend();
  const before = used();
  for (let batch = 0; batch < 50; batch++) {
    // What the keys of 4096 inputs are cut from.
    const joined = Buffer.alloc(256 * 1024, `batch ${batch} `).toString('latin1');
    await backend.setMany([{ key: joined.substring(100, 160), value: new Uint8Array(8) }]);
  }
  const bytes = used() - before;
  assert.is(backend.size, 50);
  assert.ok(bytes < 50 * 16 * 1024, `${bytes} bytes for 50 keys`);
});

test('an entry larger than the bound is not stored, and the older value is gone', async () => {
  const backend = new MemoryBackend({ maxBytes: 10_000 });
  await backend.setMany([entry('a', 100), entry('b', 100)]);
  await backend.setMany([entry('a', 10_000)]);
  assert.equal(await held(backend, ['a', 'b']), ['b']);
  assert.ok(backend.bytes < 2000);
});

test('it does not keep the buffer alive that a value is a view of', async () => {
  const backend = new MemoryBackend();
  await backend.setMany([{ key: 'a', value: Buffer.alloc(MIB).subarray(0, 10) }]);
  const [value] = await backend.getMany(['a']);
  assert.is(value?.buffer.byteLength, 10);
});

test('returns its own stored bytes', async () => {
  const backend = new MemoryBackend();
  await backend.setMany([entry('a', 10)]);
  const [[first], [second]] = [await backend.getMany(['a']), await backend.getMany(['a'])];
  assert.is(first, second);
});

test('the default TTL, and a wall clock that jumps', async () => {
  const backend = new MemoryBackend({ ttl: '1h' });
  await backend.setMany([entry('a', 1)]);
  const { now } = Date;
  try {
    Date.now = () => now() + 7_200_000;
    assert.equal(await held(backend, ['a']), ['a']);
  } finally {
    Date.now = now;
  }
  const { performance } = globalThis;
  const later = performance.now() + 3_600_001;
  const original = performance.now;
  try {
    performance.now = () => later;
    assert.equal(await held(backend, ['a']), []);
  } finally {
    performance.now = original;
  }
});

test('a TTL is over at once, also while the event loop is blocked', async () => {
  const backend = new MemoryBackend();
  await backend.setMany([{ ...entry('a', 1), ttlMs: 5 }]);
  await backend.getMany(['a']);
  for (const start = performance.now(); performance.now() - start < 10; );
  assert.equal(await held(backend, ['a']), []);
});

test('a longer TTL is no use, and takes no copy', async () => {
  const backend = new MemoryBackend({ maxBytes: 40_000 });
  for (const key of ['a', 'b', 'c']) await backend.setMany([{ ...entry(key, 10_000), ttlMs: 60_000 }]);
  const [before] = await backend.getMany(['b']);
  const { bytes } = backend;
  await backend.touchMany([{ key: 'a', ttlMs: 120_000 }]);
  await backend.touchMany([{ key: 'b', ttlMs: 120_000 }]);
  assert.is(backend.bytes, bytes);
  await backend.setMany([entry('d', 10_000)]);
  assert.equal(await held(backend, ['a', 'b', 'c', 'd']), ['b', 'c', 'd']);
  assert.is((await backend.getMany(['b']))[0], before);
});

test('leases that ended are not kept for ever', async () => {
  const leases = new MemoryLeases();
  await leases.acquire(['kept'], 'one', 3_600_000);
  for (let round = 0; round < 20; round += 1) {
    const names = Array.from({ length: 1000 }, (_, index) => `${round}:${index}`);
    await leases.acquire(names, 'one', 1e-6);
  }
  assert.ok(leases.size < 4000, `${leases.size} leases`);
  assert.equal(await leases.acquire(['kept'], 'two', 1000), [false]);
});

test('a wall clock that jumps ends no lease', async () => {
  const { leases } = new MemoryBackend();
  await leases.acquire(['a'], 'one', 60_000);
  const { now } = Date;
  try {
    Date.now = () => now() + 7_200_000;
    assert.equal(await leases.acquire(['a'], 'two', 60_000), [false]);
  } finally {
    Date.now = now;
  }
});

test('options are checked', () => {
  const cases: [object, string][] = [
    [{ maxBytes: 0 }, 'maxBytes'],
    [{ maxBytes: 1.5 }, 'maxBytes'],
    [{ maxBytes: '1' }, 'maxBytes'],
    [{ ttl: '5 minutes' }, 'ttl'],
    [{ ttl: 0 }, 'ttl'],
    [{ maxSize: 1 }, 'maxSize'],
  ];
  for (const [options, name] of cases) {
    assert.throws(
      () => new MemoryBackend(options),
      (error: unknown) => error instanceof InvalidOptionError && error.option === name,
      JSON.stringify(options),
    );
  }
});

test.run();
backendContract('MemoryBackend: itself', { open: () => new MemoryBackend() });
