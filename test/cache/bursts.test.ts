import { getEventListeners } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { until } from '../../src/testing/until.js';
import { scripted } from '../support/backends.js';
import { used } from '../support/heap.js';
import { deferred } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('bursts, aborts and deadlines');
const DIMENSIONS = 8;
const expected = (text: string) => bytesOf(prf(text, DIMENSIONS));

test('ten thousand lookups at once are few reads, and each gets its own', async () => {
  const backend = scripted();
  const documents = createCache({ backend }).embeddings('d', { model: 'm', dimensions: DIMENSIONS });
  const texts = Array.from({ length: 500 }, (_, i) => `text ${i}`);
  await documents.setMany(texts.map((text) => [text, prf(text, DIMENSIONS)] as const));
  backend.reads = 0;
  const asked = Array.from({ length: 10_000 }, (_, i) => texts[(i * 7) % 500] as string);
  const found = await Promise.all(asked.map((text) => documents.get(text)));
  found.forEach((vector, i) => {
    assert.is(bytesOf(vector), expected(asked[i] as string));
  });
  assert.ok(backend.reads <= 20, `${backend.reads} reads`);
});

test('reads under way are bounded, and those that wait are not late for it', async () => {
  const gate = deferred();
  let underWay = 0;
  let most = 0;
  const memory = new MemoryBackend();
  const backend = scripted({
    getMany: async (keys) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await gate.promise;
      underWay -= 1;
      return memory.getMany(keys);
    },
  });
  const cache = createCache({ backend, readTimeout: '1h' });
  const documents = cache.embeddings('d', { model: 'm', dimensions: DIMENSIONS });
  const calls = Array.from({ length: 100 }, (_, i) =>
    documents.getMany(Array.from({ length: 100 }, (_, k) => `${i} ${k}`)),
  );
  await until('all places are taken', () => underWay === 16);
  gate.resolve();
  await Promise.all(calls);
  assert.is(most, 16);
  assert.is(cache.stats().d?.errors, 0);
});

test('a busy thread is not a slow backend', async () => {
  const memory = new MemoryBackend();
  const backend = scripted({
    getMany: async (keys) => {
      for (let turn = 0; turn < 3; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        const end = performance.now() + 120;
        while (performance.now() < end);
      }
      return memory.getMany(keys);
    },
    setMany: (entries) => memory.setMany(entries),
  });
  const cache = createCache({ backend, readTimeout: 250 });
  const documents = cache.embeddings('d', { model: 'm', dimensions: DIMENSIONS });
  await documents.set('a', prf('a', DIMENSIONS));
  assert.is(bytesOf(await documents.get('a')), expected('a'));
  assert.is(cache.stats().d?.errors, 0);
});

test('any number of calls with one signal add one listener, and leave none', async () => {
  const gate = deferred();
  const cache = createCache({ backend: new MemoryBackend() });
  const documents = cache.embeddings('d', {
    model: 'm',
    dimensions: DIMENSIONS,
    batchSize: 1,
    concurrency: 50,
    embed: async (texts) => {
      await gate.promise;
      return texts.map((text) => prf(text, DIMENSIONS));
    },
  });
  const { signal } = new AbortController();
  const texts = Array.from({ length: 40 }, (_, i) => `${i}`);
  const calls = [documents.embed(texts, { signal }), ...texts.map((text) => documents.embed([text], { signal }))];
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(getEventListeners(signal, 'abort').length, 1);
  gate.resolve();
  await Promise.all(calls);
  assert.is(getEventListeners(signal, 'abort').length, 0);
});

test('an abort ends a lookup at once, however slow the store is', async () => {
  const gate = deferred();
  const backend = scripted({ getMany: () => gate.promise.then(() => [undefined]) });
  const cache = createCache({ backend, readTimeout: '1h' });
  const documents = cache.embeddings('d', { model: 'm', dimensions: DIMENSIONS, embed: async () => [] });
  const controller = new AbortController();
  const call = rejection(documents.embed(['a'], { signal: controller.signal }));
  await until('it reads', () => backend.reads === 1);
  controller.abort(new Error('enough'));
  assert.is((await call).message, 'enough');
  gate.resolve();
});

test('loggers and callbacks that throw or reject cost nobody an answer', async () => {
  const warnings = [
    () => {
      throw new Error('broken');
    },
    () => Promise.reject(new Error('broken')),
  ];
  for (const warn of warnings) {
    const backend = scripted({ getMany: () => Promise.reject(new Error('down')) });
    const cache = createCache({ backend, logger: { warn } });
    const documents = cache.embeddings('d', {
      model: 'm',
      dimensions: DIMENSIONS,
      embed: async (texts) => texts.map((text) => prf(text, DIMENSIONS)),
    });
    const onLookup = (() => Promise.reject(new Error('broken'))) as () => void;
    assert.equal((await documents.embed(['a'], { onLookup })).map(bytesOf), [expected('a')]);
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test('callers that give up while a model hangs leave nothing, also those that bypass', async () => {
  const cache = createCache({ backend: new MemoryBackend() });
  const embed = () => new Promise<never>(() => {});
  const documents = cache.embeddings('d', { model: 'm', dimensions: DIMENSIONS, concurrency: 1, embed });
  const giveUp = async (from: number) => {
    const controller = new AbortController();
    const { signal } = controller;
    const texts = Array.from({ length: 100 }, (_, i) => Buffer.alloc(20_000, `${from + i} `).toString('latin1'));
    const calls = texts.map((text, i) => rejection(documents.embed([text], { signal, bypass: i % 2 === 0 })));
    await new Promise(setImmediate);
    controller.abort(new Error('enough'));
    for (const { message } of await Promise.all(calls)) assert.is(message, 'enough');
  };
  await giveUp(0);
  const before = used();
  for (let round = 1; round < 20; round += 1) await giveUp(100 * round);
  const bytes = used() - before;
  assert.ok(bytes < 4 * 2 ** 20, `${bytes} bytes`);
});

test.run();
