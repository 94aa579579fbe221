import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BackendLeases, CacheBackend } from '../../src/backends/backend.js';
import { MemoryBackend } from '../../src/backends/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { createCache } from '../../src/cache/cache.js';
import { BackendError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
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
  return { cache, calls, model, embed };
}

function gate() {
  let open = () => {};
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { closed, open: () => open() };
}

/** A store that several processes share, with leases that a test may replace. */
function shared(replace: Partial<BackendLeases> = {}, written = Promise.resolve()) {
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
    leases: {
      acquire: (names, holder, ttlMs) => memory.leases.acquire(names, holder, ttlMs),
      release: (names, holder) => {
        released.push(...names);
        return memory.leases.release(names, holder);
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
  assert.is(store.released.length, 1, 'nobody has to wait for the end of its lease');
  await second;
  assert.equal(other.calls, [['a']]);
});

test('keys are given back when what was computed is stored', async () => {
  const { closed, open: letGo } = gate();
  const store = shared({}, closed);
  // The first one holds its answer back for a moment only, so that it is out before it is stored.
  const [one, other] = [processOver(store, 20), processOver(store)];
  await one.embed(['a']);
  let looks = 0;
  const { getMany } = store;
  store.getMany = (keys) => {
    looks += 1;
    return getMany(keys);
  };
  const second = other.embed(['a']);
  await until('the second one has looked twice', () => looks >= 2);
  letGo();
  await second;
  assert.equal(other.calls, []);
});

test('where nothing was stored, because the key was removed meanwhile, this one asks', async () => {
  const store = shared();
  const [one, other] = [processOver(store), processOver(store)];
  const { closed, open: letGo } = gate();
  one.model.gate = closed;
  const first = one.embed(['a']);
  await until('the first one asks its model', () => one.calls.length === 1);
  const second = other.embed(['a']);
  await one.cache.clear();
  letGo();
  await Promise.all([first, second]);
  assert.equal(other.calls, [['a']]);
});

test('a store that does not say who is at what keeps nobody waiting', async () => {
  const answers: BackendLeases['acquire'][] = [
    () => Promise.reject(new BackendError('no leases')),
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

test('a store that lies, and says for ever that others are at it, is believed for a while', async () => {
  const { embed, calls } = processOver(shared({ acquire: async (names) => names.map(() => false) }));
  await embed(['a']);
  assert.equal(calls, [['a']]);
});

test.run();
