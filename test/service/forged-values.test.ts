import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { legacyVector } from '../../src/service/legacy.js';
import { POPULAR_QUERIES } from '../../src/service/popular-queries.js';
import { CacheService } from '../../src/service/service.js';
import { SlugCache } from '../../src/service/slug-cache.js';
import { prf } from '../support/prf.js';

// Sound records of values that nothing of vecstash has written: whoever can write to the store can write them.
const test = suite('forged values of a service');
const DIMENSIONS = 8;
const ODD: unknown[] = [
  null,
  0,
  'text',
  [],
  {},
  [1],
  [[]],
  { redirect: 5 },
  { redirect: { toString: 1 } },
  new Uint8Array(3),
];

test('a slug that holds anything else is asked of the source', async () => {
  for (const odd of ODD) {
    const cache = createCache({ backend: new MemoryBackend() });
    const slugs = new SlugCache(cache, { load: async (slug) => ({ value: `the page of ${slug}` }) });
    await cache.values('slugs').set('cats', odd);
    assert.equal(await slugs.get('cats'), { slug: 'cats', value: 'the page of cats' });
  }
});

test('counts of queries that are none are no counts, and those of other users are', async () => {
  const counts = (entries: unknown) => ({ at: Date.now(), counts: entries });
  const odd = [
    ...ODD,
    [['ann']],
    [['ann', null]],
    [['ann', counts('x')]],
    [['ann', counts([['q', Number.NaN]])]],
    [['ann', counts([['q', -1]])]],
    [['ann', counts([[5, 1]])]],
    [['ann', counts([['q'.repeat(5000), 1]])]],
    [['ann', { at: 'now', counts: [['q', 1]] }]],
    [[{}, counts([['q', 1]])]],
  ];
  for (const record of odd) {
    const calls: string[][] = [];
    const backend = new MemoryBackend();
    const service = new CacheService(backend, {
      text: {
        dimensions: DIMENSIONS,
        embed: async (texts) => {
          calls.push(texts);
          return texts.map((text) => prf(text, DIMENSIONS));
        },
      },
      warming: { scheduled: false },
    });
    const stored = createCache({ backend }).values(POPULAR_QUERIES);
    await stored.setMany(Array.from({ length: 16 }, (_, i) => [String(i), record]));
    await service.getSearchResults('bob', 'a query');
    assert.is((await service.warmPopularQueries()).outcome, 'done');
    assert.equal(calls, [['a query']]);
    await service.close();
  }
});

test('an older cache’s value within a hundred thousand others is no vector', () => {
  const deep = `${'{"embedding":'.repeat(100_000)}[1]${'}'.repeat(100_000)}`;
  assert.is(legacyVector(Buffer.from(deep), 1), undefined);
  assert.equal(legacyVector(Buffer.from('{"data":{"embedding":[1]}}'), 1), Float32Array.of(1));
});

test.run();
