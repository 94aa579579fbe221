import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CacheBackend } from '../../src/backends/backend.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { BackendError, InvalidOptionError } from '../../src/errors.js';
import { PopularQueries } from '../../src/service/popular-queries.js';
import { CacheService } from '../../src/service/service.js';
import type { WarmingOptions, WarmingProgress } from '../../src/service/warming.js';
import { until } from '../../src/testing/until.js';
import { prf } from '../support/prf.js';

const test = suite('warming');
const DIMENSIONS = 8;

/** One store that several instances share: closing an instance leaves it open. */
function sharedStore(replace: Partial<CacheBackend> = {}): CacheBackend {
  const memory = new MemoryBackend();
  return {
    getMany: (keys) => memory.getMany(keys),
    setMany: (entries) => memory.setMany(entries),
    deleteMany: (keys) => memory.deleteMany(keys),
    clear: (prefix) => memory.clear(prefix),
    health: () => memory.health(),
    ...(memory.leases && { leases: memory.leases }),
    ...replace,
    close: async () => {},
  };
}

/** An instance of the application whose model's calls are recorded, and wait while `hold` is set. */
function instance(backend: CacheBackend, warming: WarmingOptions = {}) {
  const calls: string[][] = [];
  const model = { hold: undefined as Promise<void> | undefined, fails: false };
  const service = new CacheService(backend, {
    text: {
      dimensions: DIMENSIONS,
      concurrency: 1,
      embed: async (texts) => {
        calls.push(texts);
        await model.hold;
        if (model.fails) throw new Error('no model today');
        return texts.map((text) => prf(text, DIMENSIONS));
      },
    },
    warming: { scheduled: false, ...warming },
  });
  return { service, calls, model };
}

const search = async (service: CacheService, userId: string, query: string, times: number) => {
  for (let i = 0; i < times; i++) await service.getSearchResults(userId, query);
};

test('what each user asks most is embedded, the most popular first; the rest is not', async () => {
  const { service, calls } = instance(sharedStore(), { queries: 2 });
  await search(service, 'ann', 'cats', 5);
  await search(service, 'ann', 'dogs', 3);
  await search(service, 'ann', 'rare', 1);
  await search(service, 'bob', 'cats', 4);
  await search(service, 'bob', 'known', 2);
  await service.setTextEmbedding('known', prf('known', DIMENSIONS));
  const report = await service.warmPopularQueries();
  assert.equal(calls, [['cats', 'dogs']]);
  const { outcome, total, done, known, computed, failed } = report;
  assert.equal(
    { outcome, total, done, known, computed, failed },
    {
      outcome: 'done',
      total: 3,
      done: 3,
      known: 1,
      computed: 2,
      failed: 0,
    },
  );
  // known weighs 2 of 5 + 3 + 4 + 2.
  assert.ok(Math.abs(report.hitRateBefore - 2 / 14) < 1e-3, String(report.hitRateBefore));
  assert.is(report.hitRateAfter, 1);
  assert.ok(await service.getTextEmbedding('cats'));
  assert.is((await service.warmPopularQueries()).hitRateBefore, 1);
  await service.close();
});

test('two instances count together, and one of them warms', async () => {
  const store = sharedStore();
  const [one, other] = [instance(store, { queries: 1 }), instance(store, { queries: 1 })];
  await search(one.service, 'ann', 'a', 2);
  await search(one.service, 'ann', 'b', 3);
  await search(other.service, 'ann', 'a', 2);
  await other.service.close();
  let letGo = () => {};
  one.model.hold = new Promise((resolve) => {
    letGo = resolve;
  });
  const third = instance(store, { queries: 1 });
  const warming = one.service.warmPopularQueries();
  await until('the first one asks its model', () => one.calls.length === 1);
  const elsewhere = await third.service.warmPopularQueries();
  assert.is(elsewhere.outcome, 'elsewhere');
  assert.ok(Number.isNaN(elsewhere.hitRateBefore));
  letGo();
  assert.is((await warming).outcome, 'done');
  assert.equal(one.calls, [['a']], 'a is asked more often by both together');
  assert.equal(third.calls, []);
  await one.service.close();
  await third.service.close();
});

test('live traffic comes before the next step', async () => {
  const { service, calls, model } = instance(sharedStore(), { queries: 40 });
  for (let i = 0; i < 40; i++) await search(service, 'ann', `q${i}`, 1);
  const gates: (() => void)[] = [];
  const hold = () => {
    model.hold = new Promise((resolve) => gates.push(resolve));
  };
  hold();
  const seen: WarmingProgress[] = [];
  const warming = service.warmPopularQueries({ onProgress: (progress) => seen.push(progress) });
  await until('the first step is at the model', () => calls.length === 1);
  const live = service.embedTexts(['live']);
  hold();
  gates[0]?.();
  await until('the live text is at the model', () => calls.length === 2);
  assert.equal(calls[1], ['live']);
  model.hold = undefined;
  gates[1]?.();
  await live;
  assert.is((await warming).outcome, 'done');
  assert.equal(
    calls.map((texts) => texts.length),
    [16, 1, 16, 8],
  );
  assert.equal(
    seen.map(({ done, total }) => [done, total]),
    [
      [16, 40],
      [32, 40],
      [40, 40],
    ],
  );
  await service.close();
});

test('close ends a warming and leaves the lease to others', async () => {
  const store = sharedStore();
  const { service, calls, model } = instance(store, { queries: 40 });
  for (let i = 0; i < 40; i++) await search(service, 'ann', `q${i}`, 1);
  model.hold = new Promise(() => {});
  const warming = service.warmPopularQueries();
  await until('it is at the model', () => calls.length === 1);
  await service.close();
  const { outcome, done } = await warming;
  assert.equal({ outcome, done }, { outcome: 'stopped', done: 0 });
  const next = instance(store, { queries: 40 });
  assert.is((await next.service.warmPopularQueries()).computed, 40);
  await next.service.close();
});

test('a model that fails is not asked for everything', async () => {
  const { service, calls, model } = instance(sharedStore(), { queries: 64 });
  for (let i = 0; i < 64; i++) await search(service, 'ann', `q${i}`, 1);
  model.fails = true;
  const { outcome, done, failed, hitRateAfter } = await service.warmPopularQueries();
  assert.equal({ outcome, done, failed, hitRateAfter }, { outcome: 'stopped', done: 48, failed: 48, hitRateAfter: 0 });
  assert.is(calls.length, 3);
  await service.close();
});

test('it begins by itself, once for a deployment and interval', async () => {
  const store = sharedStore();
  const first = instance(store);
  await search(first.service, 'ann', 'a', 1);
  await first.service.close();
  const progressOf = (warming: WarmingOptions) => {
    const seen: WarmingProgress[] = [];
    return { seen, ...instance(store, { scheduled: true, ...warming, onProgress: (progress) => seen.push(progress) }) };
  };
  const one = progressOf({ deployment: 'one' });
  await until('the first deployment warms', () => one.seen.length === 1);
  await one.service.close();
  const two = progressOf({ deployment: 'two' });
  const again = progressOf({ deployment: 'two' });
  await until('the second deployment warms', () => two.seen.length + again.seen.length === 1);
  const often = progressOf({ deployment: 'often', every: 20 });
  await until('an interval later it warms again', () => often.seen.length >= 3);
  assert.is(two.seen.length + again.seen.length, 1, 'one of two instances');
  assert.equal(one.seen[0], { total: 1, done: 1, known: 0, computed: 1, failed: 0 });
  assert.is(often.seen[0]?.known, 1);
  for (const { service } of [two, again, often]) await service.close();
});

test('counts that cannot be shared are kept, and none that could not be read is overwritten', async () => {
  let broken: 'reads' | 'leases' | undefined;
  const memory = new MemoryBackend();
  const store = sharedStore({
    getMany: async (keys) => {
      if (broken === 'reads') throw new BackendError('no reads');
      return memory.getMany(keys);
    },
    setMany: (entries) => memory.setMany(entries),
    leases: {
      acquire: async (names) => {
        if (broken === 'leases') throw new BackendError('no leases');
        return names.map(() => true);
      },
      release: async () => {},
    },
  });
  const cache = createCache({ backend: store });
  const popular = new PopularQueries(cache, { users: 100, halfLife: 3_600_000 });
  popular.count('ann', 'a');
  await popular.share();
  for (broken of ['reads', 'leases'] as const) {
    popular.count('ann', 'a');
    const sharing = popular.share();
    popular.count('ann', 'b');
    await sharing;
  }
  broken = undefined;
  const weights = new Map((await popular.top(5)).map(({ query, weight }) => [query, Math.round(weight)]));
  assert.equal(Object.fromEntries(weights), { a: 3, b: 2 });
  popular.count('ann', 'x'.repeat(1001));
  popular.count('ann', '');
  assert.is((await popular.top(5)).length, 2);
});

test('recent assets are loaded once, 100 at most, a few users at a time', async () => {
  const service = new CacheService(sharedStore());
  let loading = 0;
  let most = 0;
  const load = async (userId: string, { limit }: { limit: number }) => {
    loading += 1;
    most = Math.max(most, loading);
    await new Promise((resolve) => setImmediate(resolve));
    loading -= 1;
    return Array.from({ length: limit + 5 }, (_, id) => ({ id, userId }));
  };
  const users = Array.from({ length: 20 }, (_, i) => `user ${i}`);
  const outcomes = await Promise.all(users.map((userId) => service.preloadRecentAssets(userId, load)));
  assert.ok(outcomes.every((outcome) => outcome === 'loaded'));
  assert.is(most, 4);
  assert.is((await service.getRecentAssets<unknown[]>('user 7'))?.length, 100);
  assert.is(await service.preloadRecentAssets('user 7', load), 'cached');
  const failing = await service.preloadRecentAssets('nobody', async () => {
    throw new Error('no database');
  });
  assert.is(failing, 'failed');
  assert.is(await service.getRecentAssets('nobody'), undefined);
  await service.close();
  assert.is(await service.preloadRecentAssets('late', load), 'dropped');
});

test('close waits for no database that hangs', async () => {
  const service = new CacheService(sharedStore());
  void service.preloadRecentAssets('ann', () => new Promise<never>(() => {}));
  await service.close();
});

test('warming needs a model, and to be asked for', async () => {
  const named = (name: string) => (error: unknown) => error instanceof InvalidOptionError && error.option === name;
  assert.throws(() => new CacheService(new MemoryBackend(), { warming: true }), named('text.embed'));
  const text = { embed: async () => [] };
  const make = (warming: WarmingOptions) => () => new CacheService(new MemoryBackend(), { text, warming });
  assert.throws(make({ queries: 0 }), named('queries'));
  assert.throws(make({ evry: '6h' } as WarmingOptions), named('evry'));
  const refused = await new CacheService(new MemoryBackend()).warmPopularQueries().catch((error) => error);
  assert.ok(named('warming')(refused));
});

test.run();
