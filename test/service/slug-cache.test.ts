import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { InvalidOptionError } from '../../src/errors.js';
import { SlugCache, type SlugCacheOptions, type SlugSource } from '../../src/service/slug-cache.js';
import { scripted } from '../support/backends.js';
import { rejection } from '../support/rejection.js';

const test = suite('SlugCache');

interface Page {
  title: string;
}

/** A source of truth that counts what it is asked. */
function source(pages: Record<string, SlugSource<Page>>) {
  const asked: string[] = [];
  const load = async (slug: string) => {
    asked.push(slug);
    return pages[slug];
  };
  return { asked, pages, options: { load } };
}

test('memory, then what lies behind it, then the source of truth, warming upwards', async () => {
  const l2 = scripted();
  const truth = source({ cats: { value: { title: 'Cats' } } });
  const open = () => {
    const memory = new MemoryBackend();
    const slugs = new SlugCache(createCache({ backend: new HybridBackend(memory, l2) }), truth.options);
    return { memory, slugs };
  };
  const one = open();
  assert.equal(await one.slugs.get('cats'), { slug: 'cats', value: { title: 'Cats' } });
  assert.equal(await one.slugs.get('cats'), { slug: 'cats', value: { title: 'Cats' } });
  assert.equal(truth.asked, ['cats']);
  assert.is(l2.reads, 1, 'the second time memory has it');
  const other = open();
  await other.slugs.get('cats');
  assert.equal(truth.asked, ['cats'], 'another process finds it behind');
  await other.slugs.get('cats');
  assert.is(l2.reads, 2);
  assert.is(other.memory.size, 1);
});

test('that there is nothing is remembered, and for a shorter time', async () => {
  const lives: (number | undefined)[] = [];
  const backend = scripted({
    setMany: async (entries) => void lives.push(...entries.map(({ ttlMs }) => ttlMs)),
  });
  const slugs = new SlugCache(createCache({ backend }), source({ a: { value: { title: 'A' } } }).options);
  await slugs.get('a');
  await slugs.get('none');
  assert.equal(lives, [3_600_000, 60_000]);

  const truth = source({});
  const kept = new SlugCache(createCache({ backend: new MemoryBackend() }), truth.options);
  assert.is(await kept.get('none'), undefined);
  assert.is(await kept.get('none'), undefined);
  assert.equal(truth.asked, ['none']);
  await kept.set('none', { title: 'Now' });
  assert.equal(await kept.get('none'), { slug: 'none', value: { title: 'Now' } });
});

test('an old slug leads to the new one, over several steps, and in circles to nothing', async () => {
  const truth = source({
    old: { redirect: 'newer' },
    newer: { redirect: 'newest' },
    newest: { value: { title: 'New' } },
    a: { redirect: 'b' },
    b: { redirect: 'a' },
    lost: { redirect: 'nowhere' },
  });
  const slugs = new SlugCache(createCache({ backend: new MemoryBackend() }), truth.options);
  assert.equal(await slugs.get('old'), { slug: 'newest', value: { title: 'New' } });
  assert.is(await slugs.get('a'), undefined);
  assert.is(await slugs.get('lost'), undefined);
  const long = source(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`s${i}`, { redirect: `s${i + 1}` }])));
  assert.is(await new SlugCache(createCache({ backend: new MemoryBackend() }), long.options).get('s0'), undefined);
  assert.ok(long.asked.length < 20);
});

test('renaming, deleting and clearing', async () => {
  const truth = source({ a: { value: { title: 'A' } } });
  const slugs = new SlugCache(createCache({ backend: new MemoryBackend() }), truth.options);
  await slugs.get('a');
  await slugs.get('b');
  await slugs.rename('a', 'b', { title: 'A' });
  assert.equal(await slugs.get('a'), { slug: 'b', value: { title: 'A' } });
  truth.pages.a = undefined;
  assert.ok(await slugs.delete('a'));
  assert.is(await slugs.get('a'), undefined);
  assert.is(await slugs.clear(), 2);
  truth.pages.b = { value: { title: 'B' } };
  assert.equal(await slugs.get('b'), { slug: 'b', value: { title: 'B' } });
});

test('callers at the same time share one question, and a source that fails is not remembered', async () => {
  let isDown = true;
  let asked = 0;
  const slugs = new SlugCache<Page>(createCache({ backend: new MemoryBackend() }), {
    load: async () => {
      asked += 1;
      await new Promise((resolve) => setImmediate(resolve));
      if (isDown) throw new Error('down');
      return { value: { title: 'Up' } };
    },
  });
  const both = await Promise.all([rejection(slugs.get('a')), rejection(slugs.get('a'))]);
  assert.equal(
    both.map(({ message }) => message),
    ['down', 'down'],
  );
  assert.is(asked, 1);
  isDown = false;
  assert.equal(await slugs.get('a'), { slug: 'a', value: { title: 'Up' } });
});

test('options are checked', () => {
  const cache = createCache({ backend: new MemoryBackend() });
  for (const [options, name] of [
    [{}, 'load'],
    [{ load: () => undefined, ttl: -1 }, 'ttl'],
    [{ load: () => undefined, negativ: 1 }, 'negativ'],
  ] as const) {
    assert.throws(
      () => new SlugCache(cache, options as unknown as SlugCacheOptions<Page>),
      (error: unknown) => error instanceof InvalidOptionError && error.option === name,
    );
  }
});

test.run();
