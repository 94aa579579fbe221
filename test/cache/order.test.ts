import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { ChangeOrder } from '../../src/cache/store/change-order.js';
import { BackendError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { scripted } from '../support/backends.js';
import { deferred } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('what is newer wins, and what was accepted is kept');
const DIMENSIONS = 8;

for (const [name, open] of [
  ['with locks', () => new MemoryBackend()],
  ['without locks', () => scripted()],
] as const) {
  test(`${name}: what was computed before a set is neither stored nor joined after it`, async () => {
    const cache = createCache({ backend: open() });
    const values = cache.values<string>('v');
    const gate = deferred();
    let isComputing = false;
    const early = values.getOrCompute('k', async () => {
      isComputing = true;
      await gate.promise;
      return 'old';
    });
    await until('it computes', () => isComputing);
    // Others begin and end meanwhile.
    await values.getOrCompute('other', () => 'other');
    await values.set('k', 'new');
    await values.getOrCompute('another', () => 'another');
    assert.is(await values.getOrCompute('k', () => 'computed'), 'new');
    gate.resolve();
    assert.is(await early, 'old', 'who asked before gets what there was');
    assert.is(await values.get('k'), 'new');
  });

  test(`${name}: calls that are not awaited take effect in their order`, async () => {
    const cache = createCache({ backend: open() });
    const documents = cache.embeddings('d', { model: 'm', dimensions: 3072 });
    // So many that they are encoded in turns.
    const texts = Array.from({ length: 400 }, (_, i) => `text ${i}`);
    const old = texts.map((text) => [text, prf(`old ${text}`, 3072)] as const);
    const setting = documents.setMany(old);
    const deleting = documents.deleteMany(texts.slice(0, 200));
    const again = documents.set('text 0', prf('new', 3072));
    const over = documents.set('text 300', prf('new', 3072));
    await Promise.all([setting, deleting, again, over]);
    const found = await documents.getMany(texts);
    found.forEach((vector, i) => {
      const wanted = i === 0 || i === 300 ? 'new' : i < 200 ? undefined : `old text ${i}`;
      assert.is(bytesOf(vector), bytesOf(wanted === undefined ? undefined : prf(wanted, 3072)), `text ${i}`);
    });
  });
}

test('a set that gives way to a later one is answered when that is stored', async () => {
  const memory = new MemoryBackend();
  const gates = [deferred(), deferred()];
  let writes = 0;
  const backend = scripted({
    getMany: (keys) => memory.getMany(keys),
    setMany: async (entries) => {
      const gate = gates[writes++];
      await gate?.promise;
      await memory.setMany(entries);
    },
  });
  const values = createCache({ backend }).values<string>('v');
  const first = values.set('k', 'first');
  await until('the first is being stored', () => writes === 1);
  let isAnswered = false;
  const second = values.set('k', 'second').then(() => {
    isAnswered = true;
  });
  const third = values.set('k', 'third');
  gates[0]?.resolve();
  await first;
  await until('the third is being stored', () => writes === 2);
  assert.is(isAnswered, false, 'what is in the store is older than the second');
  assert.is(await values.get('k'), 'first');
  gates[1]?.resolve();
  await Promise.all([second, third]);
  assert.is(await values.get('k'), 'third');
});

test('a write that is given up lets nobody pass those ahead of it', async () => {
  const order = new ChangeOrder();
  const first = order.enterChange({ keys: ['a'] });
  const second = order.enterChange({ keys: ['a'] });
  const third = order.enterChange({ prefix: 'a' });
  let isTurn = false;
  void third.before?.then(() => {
    isTurn = true;
  });
  void second.before?.then(() => second.end());
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(isTurn, false);
  assert.is(first.isLast('a'), false);
  first.end();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(isTurn, true);
});

test('close waits for what was accepted, the model included', async () => {
  const gate = deferred();
  const backend = scripted({ close: async () => {} });
  const cache = createCache({ backend });
  const documents = cache.embeddings<{ text: string }>('d', {
    model: 'm',
    dimensions: DIMENSIONS,
    identify: ({ text }) => text,
    embed: async (inputs) => {
      await gate.promise;
      return inputs.map(({ text }) => prf(text, DIMENSIONS));
    },
  });
  const embedding = documents.embed([{ text: 'a' }, { text: 'b' }]);
  const closing = cache.close();
  gate.resolve();
  assert.is((await embedding).length, 2);
  await closing;
  assert.is(backend.stored.size, 2);
});

test('close names what could not be kept', async () => {
  const gate = deferred();
  let isWriting = false;
  const backend = scripted({
    setMany: async () => {
      isWriting = true;
      await gate.promise;
      throw new BackendError('full');
    },
  });
  const cache = createCache({ backend, readTimeout: 1 });
  const documents = cache.embeddings('d', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: async (texts) => texts.map((text) => prf(text, DIMENSIONS)),
  });
  await documents.embed(['a', 'b', 'c']);
  await until('it writes', () => isWriting);
  const closing = rejection(cache.close());
  gate.resolve();
  assert.match((await closing).message, /3 entries could not be stored/);
});

test('callers who join a computation whose lock others have compute it once', async () => {
  const store = new MemoryBackend();
  const view = () => Object.assign(Object.create(store) as MemoryBackend, { close: async () => {} });
  for (const method of ['getMany', 'setMany', 'deleteMany', 'clear', 'health'] as const) {
    Object.assign(store, { [method]: store[method].bind(store) });
  }
  const gate = deferred();
  let computing = 0;
  const one = createCache({ backend: view() }).values<string>('v');
  const first = one.getOrCompute('k', async () => {
    computing += 1;
    await gate.promise;
    return 'first';
  });
  await until('the first one computes', () => computing === 1);
  const two = createCache({ backend: view() }).values<string>('v');
  const second = Array.from({ length: 10 }, () =>
    two.getOrCompute('k', async () => {
      computing += 1;
      await new Promise((resolve) => setImmediate(resolve));
      return 'second';
    }),
  );
  assert.equal(new Set(await Promise.all(second)), new Set(['second']));
  assert.is(computing, 2);
  gate.resolve();
  assert.is(await first, 'first');
});

test.run();
