import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BackendLocks, CacheBackend } from '../../src/backends/backend.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { createCache } from '../../src/cache/cache.js';
import { BackendError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { countLosses } from '../support/chaos-events.js';
import { bytesOf, prf } from '../support/prf.js';
import { startRedis } from '../support/redis-server.js';
import { rejection } from '../support/rejection.js';

const test = suite('one process at a time');
const DIMENSIONS = 8;
const redis = await startRedis();
test.after(() => redis.stop());

/**
 * A process: its own cache over a store, with a model that is held up while `gate` is. The store has all the time it needs, so
 * that a stall of the machine sends nobody on without it.
 */
function processOver(backend: CacheBackend, readTimeout = 10_000) {
  const cache = createCache({ backend, readTimeout });
  const calls: string[][] = [];
  const model = { gate: undefined as Promise<void> | undefined, fails: false };
  const embeddings = cache.embeddings('texts', {
    model: 'm',
    dimensions: DIMENSIONS,
    batchSize: 1000,
    embed: async (texts) => {
      calls.push(texts);
      await model.gate;
      if (model.fails) throw new Error('no model today');
      return texts.map((text) => prf(text, DIMENSIONS));
    },
  });
  const embed = async (texts: string[], options?: { signal: AbortSignal }) => {
    const vectors = await embeddings.embed(texts, options);
    assert.equal(
      vectors.map(bytesOf),
      texts.map((text) => bytesOf(prf(text, DIMENSIONS))),
    );
  };
  return { cache, calls, model, embed, keyOf: (text: string) => embeddings.keyOf(text) };
}

function gate() {
  let open = () => {};
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { closed, open: () => open() };
}

/** A store that several processes share, with locks that a test may replace. */
function shared(replace: Partial<BackendLocks> = {}, written = Promise.resolve()) {
  const memory = new MemoryBackend();
  const released: string[] = [];
  const backend: CacheBackend & { released: string[] } = {
    released,
    getMany: (keys) => memory.getMany(keys),
    setMany: (entries) => written.then(() => memory.setMany(entries)),
    deleteMany: (keys) => memory.deleteMany(keys),
    clear: (prefix) => memory.clear(prefix),
    health: () => memory.health(),
    close: async () => {},
    locks: {
      acquire: (keys, holder, ttlMs, options) => memory.locks.acquire(keys, holder, ttlMs, options),
      renew: (keys, holder, ttlMs) => memory.locks.renew(keys, holder, ttlMs),
      setMany: (entries, holder) => written.then(() => memory.locks.setMany(entries, holder)),
      release: (keys, holder) => {
        released.push(...keys);
        return memory.locks.release(keys, holder);
      },
      ...replace,
    },
  };
  return backend;
}

for (const [name, open] of [
  ['Redis', () => () => new RedisBackend(redis.url)],
  [
    'memory',
    () => {
      const store = shared();
      return () => store;
    },
  ],
] as const) {
  test(`${name}: what another process is computing is waited for, and the rest is computed here`, async () => {
    const backend = open();
    const [one, other] = [processOver(backend()), processOver(backend())];
    const { closed, open: letGo } = gate();
    one.model.gate = closed;
    const first = one.embed(['a', 'b']);
    await until('the first one asks its model', () => one.calls.length === 1);
    const second = other.embed(['c', 'b', 'a']);
    await until('the second one asks its model', () => other.calls.length === 1);
    letGo();
    await Promise.all([first, second]);
    assert.equal(one.calls, [['a', 'b']]);
    assert.equal(other.calls, [['c']]);
    await other.embed(['d']);
    assert.is(other.calls.length, 2);
    await one.cache.clear();
    await one.cache.close();
    await other.cache.close();
  });
}

test('where the other one fails, this one asks', async () => {
  const store = shared();
  const [one, other] = [processOver(store), processOver(store)];
  const { closed, open: letGo } = gate();
  one.model.gate = closed;
  one.model.fails = true;
  const first = rejection(one.embed(['a']));
  await until('the first one asks its model', () => one.calls.length === 1);
  const second = other.embed(['a']);
  assert.equal(store.released, []);
  letGo();
  await first;
  assert.is(store.released.length, 1, 'nobody has to wait for the end of its lock');
  await second;
  assert.equal(other.calls, [['a']]);
});

test('what is computed is waited for until it is stored', async () => {
  const { closed, open: letGo } = gate();
  const store = shared({}, closed);
  // The first one holds its answer back for a moment only, so that it is out before it is stored.
  const [one, other] = [processOver(store, 20), processOver(store)];
  await one.embed(['a']);
  let asked = 0;
  const { acquire } = store.locks as BackendLocks;
  (store.locks as { acquire: BackendLocks['acquire'] }).acquire = (...args) => {
    asked += 1;
    return acquire(...args);
  };
  const second = other.embed(['a']);
  await until('the second one has asked twice', () => asked >= 2);
  letGo();
  await second;
  assert.equal(other.calls, []);
});

test('what another one stored between the lookup and the lock is not paid for again', async () => {
  const store = shared();
  const [one, other] = [processOver(store), processOver(store)];
  const { getMany } = store;
  const { closed, open: letGo } = gate();
  let isHeldUp = false;
  store.getMany = async (keys) => {
    const found = await getMany(keys);
    if (isHeldUp) return found;
    isHeldUp = true;
    await closed;
    return found;
  };
  const second = other.embed(['a']);
  await until('the second one has looked', () => isHeldUp);
  await one.embed(['a']);
  letGo();
  await second;
  assert.equal([one.calls, other.calls], [[['a']], []]);
});

test('what is stored late, after another process removed or wrote the key, is refused', async () => {
  const store = shared();
  const [one, other] = [processOver(store), processOver(store)];
  const late = one.cache.values<string>('v');
  const { closed, open: letGo } = gate();
  let computing = 0;
  const early = ['removed', 'written', 'cleared'].map((key) =>
    late.getOrCompute(key, async () => {
      computing += 1;
      await closed;
      return 'old';
    }),
  );
  await until('all are computed', () => computing === 3);
  const values = other.cache.values<string>('v');
  await values.clear();
  await values.delete('removed');
  await values.set('written', 'new');
  letGo();
  await Promise.all(early);
  assert.equal(await values.getMany(['removed', 'written', 'cleared']), [undefined, 'new', undefined]);
});

test('a set that another process takes over is answered when that one is stored', async () => {
  const first = gate();
  const second = gate();
  const holds: string[] = [];
  let looks = 0;
  const backend = shared();
  const { locks } = backend as { locks: BackendLocks };
  const slow: BackendLocks = {
    ...locks,
    acquire: (keys, holder, ttlMs, options) => {
      if (options?.force) holds.push(holder);
      else looks += 1;
      return locks.acquire(keys, holder, ttlMs, options);
    },
    setMany: async (entries, holder) => {
      await (holder === holds[0] ? first : second).closed;
      return locks.setMany(entries, holder);
    },
  };
  const [one, other] = [0, 1].map(() => createCache({ backend: { ...backend, locks: slow } }).values<number>('v'));
  const events: string[] = [];
  const setting = one?.set('a', 1).then(() => events.push('first answered'));
  await until('the first has its lock', () => holds.length === 1);
  const taking = other?.set('a', 2).then(() => events.push('second answered'));
  await until('the second has it', () => holds.length === 2);
  first.open();
  await until('the first looks whether the second is done', () => looks > 0);
  events.push('second stored');
  second.open();
  await Promise.all([setting, taking]);
  assert.is(events[0], 'second stored');
  assert.is(await one?.get('a'), 2);
});

test('where the key was removed meanwhile, whoever waits for it asks at once', async () => {
  const store = shared();
  const [one, other] = [processOver(store), processOver(store)];
  const { closed, open: letGo } = gate();
  one.model.gate = closed;
  const first = one.embed(['a']);
  await until('the first one asks its model', () => one.calls.length === 1);
  const second = other.embed(['a']);
  await one.cache.clear();
  await second;
  assert.equal(other.calls, [['a']]);
  letGo();
  await first;
});

test('a store that does not say who is at what keeps nobody waiting', async () => {
  const answers: BackendLocks['acquire'][] = [
    () => Promise.reject(new BackendError('no locks')),
    () => new Promise(() => {}),
    () => {
      throw new Error('not even a promise');
    },
  ];
  for (const acquire of answers) {
    const { embed, calls } = processOver(shared({ acquire, release: () => Promise.reject(new Error('no')) }), 50);
    await embed(['a', 'b']);
    assert.equal(calls, [['a', 'b']]);
  }
});

test('a store that answers for some keys in time stores those; the others are counted, and given back', async () => {
  const memory = shared();
  const late = gate();
  let asked = 0;
  const backend = shared({
    // The first answer comes, the others do not until everything is over.
    acquire: async (...given) => {
      asked += 1;
      if (asked > 1) await late.closed;
      return (memory.locks as BackendLocks).acquire(...given);
    },
    setMany: (...given) => (memory.locks as BackendLocks).setMany(...given),
  });
  const { cache, calls, embed, keyOf } = processOver(backend, 10);
  const texts = Array.from({ length: 600 }, (_, i) => `text ${i}`);
  const losses = countLosses();
  await embed(texts);
  const notStored = losses.told;
  losses.stop();
  assert.is(cache.stats().texts?.fills, 600);
  assert.ok(notStored > 0 && notStored < 600, `${notStored} are not stored`);
  const found = async () => (await memory.getMany(texts.map(keyOf))).filter(Boolean).length;
  await until('the others are stored', async () => (await found()) === 600 - notStored);
  assert.is(calls.flat().length, 600, 'nothing is paid twice');
  late.open();
  await until('what came late is given back', async () => new Set(backend.released).size === notStored);
  assert.is(await found(), 600 - notStored);
  await cache.close();
});

test('whoever stops waiting stops', async () => {
  const store = shared();
  const [one, other] = [processOver(store), processOver(store)];
  const { closed, open: letGo } = gate();
  one.model.gate = closed;
  const first = one.embed(['a']);
  await until('the first one asks its model', () => one.calls.length === 1);
  const controller = new AbortController();
  const second = rejection(other.embed(['a'], { signal: controller.signal }));
  controller.abort(new Error('enough'));
  assert.is(((await second) as Error).message, 'enough');
  letGo();
  await first;
  await other.embed(['a']);
  assert.equal(other.calls, []);
});

test('a model that goes on although nobody waits holds nobody up', async () => {
  const store = shared();
  const [one, other] = [processOver(store), processOver(store)];
  one.model.gate = new Promise(() => {});
  const controller = new AbortController();
  const first = rejection(one.embed(['a'], { signal: controller.signal }));
  await until('the first one asks its model', () => one.calls.length === 1);
  controller.abort(new Error('enough'));
  await first;
  assert.is(store.released.length, 1);
  await other.embed(['a']);
});

test('however many stop waiting at once, all locks are given back, a few at a time', async () => {
  const COUNT = 300;
  const memory = new MemoryBackend();
  let [telling, most, failures, freed] = [0, 0, 0, 0];
  const backend = shared({
    acquire: (keys, holder, ttlMs, options) => memory.locks.acquire(keys, holder, ttlMs, options),
    release: async (keys, holder) => {
      telling += 1;
      most = Math.max(most, telling);
      await new Promise(setImmediate);
      telling -= 1;
      // Each fails once, and is told of again.
      if (failures++ < COUNT) throw new BackendError('not now');
      await memory.locks.release(keys, holder);
      freed += keys.length;
    },
  });
  const embed = () => new Promise<never>(() => {});
  const embeddings = createCache({ backend, readTimeout: 10_000 }).embeddings('texts', {
    model: 'm',
    dimensions: DIMENSIONS,
    concurrency: COUNT,
    embed,
  });
  const controller = new AbortController();
  const texts = Array.from({ length: COUNT }, (_, i) => `text ${i}`);
  const keys = texts.map((text) => embeddings.keyOf(text));
  const calls = texts.map((text) => rejection(embeddings.embed([text], { signal: controller.signal })));
  const areFree = async (text: string) => {
    const free = await memory.locks.acquire(keys, text, 1, {});
    return free.filter(Boolean).length;
  };
  await until('all are locked', async () => (await areFree('before')) === 0);
  controller.abort(new Error('enough'));
  await Promise.all(calls);
  await until('all are free', async () => (await areFree('after')) === COUNT);
  assert.is(freed, COUNT, 'none ended by itself');
  assert.ok(most <= 64, `${most} at once`);
});

test('a user who may not lock stores without locks', async () => {
  const acquire = () => Promise.reject(new BackendError('Redis: NOPERM'));
  const { cache, embed, calls } = processOver(shared({ acquire }));
  await embed(['a']);
  await cache.values<number>('v').set('b', 1);
  await embed(['c']);
  await embed(['a', 'c']);
  assert.is(await cache.values<number>('v').get('b'), 1);
  assert.equal(calls.flat(), ['a', 'c']);
});

test.run();
