import { stat } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CacheBackend } from '../../src/backends/backend.js';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import type { NamespaceStats } from '../../src/cache/stats.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { BackendError, ClosedError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { scripted } from '../support/backends.js';
import { deferred, testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';

const DIMENSIONS = 16;
const TEXTS = ['a', 'b', 'c'];
const expected = TEXTS.map((text) => bytesOf(prf(text, DIMENSIONS)));

/** No answer while the tests run; one after them, because a call that is waited for keeps the process alive. */
const over = deferred<never>();
const never = () => over.promise;
test.after(() => over.reject(new Error('the tests are over')));

const open = (backend: CacheBackend, options = {}) => {
  const model = testModel(DIMENSIONS);
  const cache = createCache({ backend, readTimeout: 20, ...options });
  const embeddings = cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, embed: model.embed });
  return { cache, embeddings, model };
};

const failures: Record<string, Partial<CacheBackend>> = {
  rejects: {
    getMany: async () => Promise.reject(new Error('down')),
    setMany: async () => Promise.reject(new Error('down')),
  },
  'throws where it should reject': {
    getMany: () => {
      throw new Error('down');
    },
    setMany: () => {
      throw new Error('down');
    },
  },
  'never answers': { getMany: never, setMany: never },
  'reads, but cannot write': { setMany: async () => Promise.reject(new Error('OOM')) },
  'reads, but writes hang': { setMany: never },
  'answers with too few': { getMany: async (keys) => new Array(keys.length - 1).fill(undefined) },
  'answers with null': { getMany: async (keys) => new Array(keys.length).fill(null) },
  'answers with text': { getMany: async (keys) => keys.map(() => 'record' as never) },
  'answers with no list': { getMany: async () => undefined as never },
  'answers with noise': {
    getMany: async (keys) => keys.map((_, i) => Uint8Array.from({ length: 90 }, (_, k) => k * (i + 3))),
  },
  'answers with nothing in it': { getMany: async (keys) => keys.map(() => new Uint8Array(0)) },
};

for (const [what, replaced] of Object.entries(failures)) {
  test(`a backend that ${what}: the model answers, nothing is rejected, and it is counted`, async () => {
    const { embeddings, cache, model } = open(scripted(replaced));
    for (let round = 1; round <= 5; round++) {
      assert.equal((await embeddings.embed(TEXTS)).map(bytesOf), expected);
    }
    // Not one call for each round: what is still being written is not asked for again.
    assert.ok(model.calls.length >= 1);
    const stats = cache.stats().docs;
    if (what !== 'reads, but writes hang')
      assert.ok((stats?.errors ?? 0) + (stats?.corrupt ?? 0) > 0, JSON.stringify(stats));
    const set = embeddings.set('x', prf('x', DIMENSIONS)); // no exception either
    if (replaced.setMany !== never) await set;
    assert.is(typeof (await cache.health()).ok, 'boolean');
  });
}

test('a record damaged or moved is a miss and counted as corrupt, and the neighbours are hits', async () => {
  const memory = new MemoryBackend();
  const { embeddings, cache, model } = open(memory);
  await embeddings.embed(TEXTS);
  const [a, b, c] = TEXTS.map((text) => embeddings.keyOf(text)) as [string, string, string];
  const damages: (() => Promise<unknown>)[] = [
    async () => {
      const [record] = await memory.getMany([a]);
      await memory.setMany([{ key: a, value: (record as Uint8Array).map((byte, i) => (i === 40 ? byte ^ 4 : byte)) }]);
    },
    async () => {
      const [record] = await memory.getMany([b]);
      await memory.setMany([{ key: b, value: (record as Uint8Array).subarray(0, 50) }]);
    },
    async () => {
      const [record] = await memory.getMany([c]);
      await memory.setMany([{ key: a, value: record as Uint8Array }]);
    },
  ];
  for (const damage of damages) {
    await damage();
    const before = { ...cache.stats().docs };
    model.calls.length = 0;
    assert.equal((await embeddings.embed(TEXTS)).map(bytesOf), expected);
    const after = cache.stats().docs;
    assert.is((after?.corrupt ?? 0) - (before.corrupt ?? 0), 1);
    assert.is((after?.misses ?? 0) - (before.misses ?? 0), 1);
    assert.is((after?.hits ?? 0) - (before.hits ?? 0), 2);
    assert.is(model.calls.flat().length, 1, 'and the damaged one is filled anew');
  }
});

test('an event loop that was blocked past the timeout does not make a healthy backend slow', async () => {
  const memory = new MemoryBackend();
  const answered = scripted({
    // Answers by I/O, as a socket does: the answer waits in the poll phase while the loop is blocked.
    getMany: async (keys) => {
      await stat('.');
      return memory.getMany(keys);
    },
    setMany: (entries) => memory.setMany(entries),
  });
  const { embeddings, cache } = open(answered);
  await embeddings.embed(TEXTS);
  // Under load the first of them may be late in earnest: what counts is the one that was held up here.
  const { errors, hits } = cache.stats().docs as NamespaceStats;
  const call = embeddings.embed(TEXTS);
  await Promise.resolve();
  const until = performance.now() + 60;
  while (performance.now() < until);
  assert.equal((await call).map(bytesOf), expected);
  assert.is(cache.stats().docs?.errors, errors);
  assert.is(cache.stats().docs?.hits, hits + 3);
});

test('a second tier that is down costs misses there alone; the first tier goes on', async () => {
  const { embeddings, cache, model } = open(new HybridBackend(new MemoryBackend(), scripted(failures.rejects)));
  for (let round = 0; round < 10; round++) await embeddings.embed(TEXTS);
  assert.is(model.calls.length, 1);
  assert.is(cache.stats().docs?.hits, 27);
});

test('a second tier that hangs costs the read timeout, not what the first tier has', async () => {
  const l1 = new MemoryBackend();
  const { embeddings, cache, model } = open(new HybridBackend(l1, scripted({ getMany: never, setMany: never })));
  await embeddings.embed(TEXTS.slice(0, 2));
  model.calls.length = 0;
  const before = cache.stats().docs?.hits ?? 0;
  assert.equal((await embeddings.embed(TEXTS)).map(bytesOf), expected);
  assert.equal(model.calls, [['c']]);
  assert.is((cache.stats().docs?.hits ?? 0) - before, 2);
});

test('what the backend says is told to the logger without keys or values', async () => {
  const lines: unknown[] = [];
  const backend = scripted({
    getMany: async (keys) => Promise.reject(new Error(`cannot read ${keys[0]}`)),
    setMany: async () => Promise.reject(new BackendError('Redis: OOM')),
  });
  const { embeddings } = open(backend, {
    logger: { warn: (context: object, message: string) => lines.push(context, message) },
  });
  await embeddings.embed(['a very secret text']);
  await until('the write has failed', () => lines.length >= 4);
  const told = JSON.stringify(lines);
  assert.match(told, 'Redis: OOM');
  assert.not.match(told, 'secret');
  assert.not.match(told, embeddings.keyOf('a very secret text'));
});

test('an invalidation that failed is not kept from the caller', async () => {
  const refuse = async () => Promise.reject(new BackendError('Redis: READONLY'));
  const { embeddings, cache } = open(scripted({ deleteMany: refuse, clear: refuse }));
  for (const call of [embeddings.delete('a'), embeddings.clear(), cache.clear('docs'), cache.clear()]) {
    await call.then(
      () => assert.unreachable(),
      (error) => assert.instance(error, BackendError),
    );
  }
});

test('close flushes what is queued, closes the backend, and ends every later call', async () => {
  const gate = deferred();
  const order: string[] = [];
  const memory = new MemoryBackend();
  const backend = scripted({
    setMany: async (entries) => {
      await gate.promise;
      order.push('written');
      return memory.setMany(entries);
    },
    close: async () => {
      order.push('closed');
    },
  });
  const { embeddings, cache } = open(backend);
  await embeddings.embed(TEXTS); // waits for the write no longer than the read timeout
  assert.equal(order, []);
  const closing = cache.close();
  assert.is(cache.close(), closing);
  gate.resolve();
  await closing;
  assert.equal(order, ['written', 'closed']);
  for (const call of [
    embeddings.embed(['a']),
    embeddings.getMany([]),
    embeddings.set('a', prf('a', DIMENSIONS)),
    cache.clear(),
  ]) {
    await call.then(
      () => assert.unreachable(),
      (error) => assert.instance(error, ClosedError),
    );
  }
  assert.is((await cache.health()).ok, false);
});

test('a backend that stops taking writes holds a bounded number of bytes, and the rest is dropped and counted', async () => {
  const gate = deferred();
  const backend = scripted({
    getMany: async (keys) => new Array(keys.length).fill(undefined),
    setMany: () => gate.promise,
  });
  const cache = createCache({ backend, readTimeout: 1 });
  const values = cache.values<Uint8Array>('blobs', { compression: 'none' });
  const writes = Array.from({ length: 60 }, (_, i) => values.set(`${i}`, new Uint8Array(1024 * 1024)));
  await until('nobody waits for room any more', () => (cache.stats().blobs?.errors ?? 0) >= 28);
  const taken = backend.writes;
  assert.ok(taken >= 30 && taken <= 32, `${taken} MiB`);
  assert.is(cache.stats().blobs?.errors, 60 - taken);
  gate.resolve();
  await Promise.all(writes);
});

test('health and stats tell which build of the core serves', async () => {
  const cache = createCache({ backend: new MemoryBackend() });
  const { engine } = createVectorCodec({ dimensions: 8 });
  cache.values('v');
  assert.is((await cache.health()).engine, engine);
  assert.is(cache.stats().v?.engine, engine);
  await cache.close();
  assert.is((await cache.health()).engine, engine);
});

test.run();
