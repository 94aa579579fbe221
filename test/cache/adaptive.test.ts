import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BackendEntry, BackendTouch, CacheBackend } from '../../src/backends/backend.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { BackendError, InvalidOptionError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { prf } from '../support/prf.js';

const test = suite('adaptive lives of a cache');

/** A store in memory that records the lives it is told. */
function observed(fails = { touches: false }) {
  const memory = new MemoryBackend();
  const written: BackendEntry[] = [];
  const touched: (readonly BackendTouch[])[] = [];
  const backend: CacheBackend = {
    getMany: (keys) => memory.getMany(keys),
    setMany: (entries) => {
      written.push(...entries);
      return memory.setMany(entries);
    },
    touchMany: async (entries) => {
      touched.push(entries);
      if (fails.touches) throw new BackendError('no touches');
      await memory.touchMany(entries);
    },
    deleteMany: (keys) => memory.deleteMany(keys),
    clear: (prefix) => memory.clear(prefix),
    health: () => memory.health(),
    close: () => memory.close(),
  };
  return { backend, written, touched, fails };
}

const lives = (written: BackendEntry[]) => written.splice(0).map(({ ttlMs }) => Math.round(ttlMs ?? 0));

test('what is asked for often lives longer, and what is written anew starts with what it had earned', async () => {
  const { backend, written, touched } = observed();
  const cache = createCache({ backend, ttl: '1d' });
  const embeddings = cache.embeddings('texts', {
    model: 'm',
    dimensions: 8,
    adaptiveTtl: {
      steps: [
        [1, '1m'],
        [4, '4m'],
      ],
    },
    embed: async (texts) => texts.map((text) => prf(text, 8)),
  });
  await embeddings.embed(['a', 'b']);
  assert.equal(lives(written), [60_000, 60_000]);
  for (let i = 0; i < 3; i++) await embeddings.embed(['a']);
  await embeddings.embed(['b']);
  await until('lives are lengthened', () => touched.length === 1);
  const ofKey = new Map(touched[0]?.map(({ key, ttlMs }) => [key, ttlMs]));
  assert.ok((ofKey.get(embeddings.keyOf('a')) ?? 0) > 239_000, 'four accesses');
  const ofB = ofKey.get(embeddings.keyOf('b')) ?? 0;
  assert.ok(ofB > 115_000 && ofB <= 120_000, 'two accesses');
  await embeddings.delete('a');
  await embeddings.embed(['a']);
  assert.equal(lives(written), [240_000]);
  await cache.close();
});

test('a life that a call gives stays, values have lives too, and close lengthens what is due', async () => {
  const { backend, written, touched } = observed();
  const cache = createCache({ backend });
  const values = cache.values<number>('numbers', { adaptiveTtl: true });
  await values.set('a', 1, { ttl: 5000 });
  await values.set('b', 2);
  assert.equal(lives(written), [5000, 900_000]);
  await values.getMany(['a', 'b', 'none']);
  await cache.close();
  assert.equal(
    touched.map((batch) => batch.length),
    [1],
    'a alone: b has just been given its life',
  );
});

test('a failure is counted, costs nobody anything, and is tried again at the next hit', async () => {
  const { backend, touched, fails } = observed({ touches: true });
  const cache = createCache({ backend });
  const values = cache.values<number>('numbers', {
    adaptiveTtl: {
      steps: [
        [1, 100_000],
        [1.5, 200_000],
      ],
    },
  });
  await values.set('a', 1);
  const ask = async (times: number) => {
    for (let i = 0; i < times; i++) assert.is(await values.get('a'), 1);
  };
  await ask(3);
  await until('it failed', () => cache.stats().numbers?.errors === 1);
  fails.touches = false;
  await ask(1);
  await until('it is tried again', () => touched.length === 2);
  await ask(1);
  await cache.close();
  assert.is(touched.length, 2);
});

test('the entry really lives longer', async () => {
  const backend = new MemoryBackend();
  const cache = createCache({ backend });
  const values = cache.values<number>('numbers', {
    adaptiveTtl: {
      steps: [
        [1, 1500],
        [1.5, 60_000],
      ],
    },
  });
  await values.setMany([
    ['hot', 1],
    ['cold', 2],
  ]);
  await values.getMany(['hot']);
  await values.getMany(['hot']);
  // Asked through a namespace that is not adaptive: to ask is an access.
  const other = cache.values<number>('numbers');
  await until('the other one is gone', async () => !(await other.has('cold')));
  assert.is(await other.get('hot'), 1);
  await cache.close();
});

test('refused: a life beside it, a backend that cannot, wrong steps', () => {
  const { backend } = observed();
  const { touchMany: _, ...stiff } = backend;
  const named = (name: string) => (error: unknown) => error instanceof InvalidOptionError && error.option === name;
  const make = (given: CacheBackend, options: object) => () => createCache({ backend: given }).values('v', options);
  assert.throws(make(backend, { ttl: '1h', adaptiveTtl: true }), named('ttl'));
  assert.throws(make(stiff, { adaptiveTtl: true }), named('adaptiveTtl'));
  assert.throws(make(backend, { adaptiveTtl: { keys: 0 } }), named('adaptiveTtl.keys'));
  make(stiff, { adaptiveTtl: false })();
});

test.run();
