import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { BackendError } from '../../src/errors.js';
import { emit } from '../../src/events.js';
import { until } from '../../src/testing/until.js';
import { scripted } from '../support/backends.js';
import { prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';
import { check, read, start, stopAll } from './running-metrics.js';

const test = suite('metrics of failures, breakers, tiers and queues');
const DIMENSIONS = 8;

test.after.each(stopAll);

test('failures of the backend and of the model; a breaker that opens and closes', async () => {
  let isDown = true;
  const backend = scripted({
    getMany: async (keys) => {
      if (isDown) throw new BackendError('down');
      return keys.map(() => undefined);
    },
    setMany: async () => Promise.reject(new BackendError('full')),
    clear: async () => Promise.reject(new BackendError('down')),
  });
  const cache = createCache({ backend });
  const docs = cache.embeddings('docs', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: async () => Promise.reject(new Error('no')),
  });
  const metrics = start();
  for (let round = 0; round < 3; round += 1) await docs.getMany(['a']);
  await docs.embed(['a']).catch(() => {});
  await docs.set('a', prf('a', DIMENSIONS));
  await cache.clear().catch(() => {});
  await check(metrics, {
    'cache_breaker_open{what="reads"}': 1,
    'cache_failures_total{namespace="docs",operation="read"}': 4,
    'cache_failures_total{namespace="docs",operation="write"}': 1,
    'cache_failures_total{namespace="*",operation="clear"}': 1,
    'cache_latency_ms_count{namespace="*",operation="clear"}': 1,
    'cache_written_bytes_total{namespace="docs"}': undefined,
    'cache_model_calls_total{namespace="docs",status="error"}': 1,
  });
  isDown = false;
  await until('the breaker closes', async () => {
    await docs.getMany(['a']);
    return (await read(metrics, ['cache_breaker_open{what="reads"}']))[0] === 0;
  });
});

test('breakers of one name are counted together, each by itself', async () => {
  const metrics = start();
  const seen: (number | undefined)[] = [];
  const steps = [
    [7, 'closed'],
    [8, 'open'],
    [8, 'open'],
    [9, 'open'],
    [7, 'closed'],
    [8, 'ended'],
    [9, 'closed'],
  ] as const;
  for (const [id, state] of steps) {
    emit('breaker', () => ({ id, what: 'reads', state }));
    seen.push(...(await read(metrics, ['cache_breaker_open{what="reads"}'])));
  }
  assert.equal(seen, [0, 1, 1, 2, 2, 1, 0]);
});

test('a breaker whose backend is closed while it is open is no longer open', async () => {
  const down = () => Promise.reject(new BackendError('down'));
  const metrics = start();
  const open = async () => {
    const cache = createCache({ backend: scripted({ getMany: down }) });
    const docs = cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS });
    for (let round = 0; round < 3; round += 1) await docs.getMany(['a']);
    return cache;
  };
  const caches = [await open(), await open()];
  const far = scripted({ getMany: down });
  const hybrid = new HybridBackend(new MemoryBackend(), far);
  for (let round = 0; round < 3; round += 1) await hybrid.getMany(['a']).catch(() => {});
  await check(metrics, { 'cache_breaker_open{what="reads"}': 3 });
  await hybrid.close();
  await check(metrics, { 'cache_breaker_open{what="reads"}': 2 });
  for (const cache of caches) await cache.close();
  await check(metrics, { 'cache_breaker_open{what="reads"}': 0 });
});

test('tiers and the queue between them', async () => {
  const far = new MemoryBackend();
  let open = () => {};
  const isOpen = new Promise<void>((resolve) => {
    open = resolve;
  });
  const l2 = scripted({
    getMany: (keys) => far.getMany(keys),
    setMany: (entries) => isOpen.then(() => far.setMany(entries)),
  });
  const backend = new HybridBackend(new MemoryBackend(), l2, { writeBehind: true });
  const entry = (key: string) => ({ key, value: new Uint8Array(3) });
  await far.setMany([entry('far')]);
  const metrics = start();
  await backend.setMany([entry('near')]);
  await check(metrics, { cache_queue_entries: 1, cache_queue_bytes: 11, cache_queue_limit_bytes: 32 * 2 ** 20 });
  open();
  await until('it is written', () => backend.writeBehind?.written === 1);
  await backend.getMany(['near', 'far', 'none', 'nothing']);
  await check(metrics, {
    'cache_tier_keys_total{tier="l1"}': 1,
    'cache_tier_keys_total{tier="queued"}': 0,
    'cache_tier_keys_total{tier="l2"}': 1,
    'cache_tier_keys_total{tier="missing"}': 2,
    cache_queue_entries: 0,
    cache_queue_bytes: 0,
    cache_queue_dropped_total: 0,
  });
});

test('queues are added up while they are open, and what each of them lost', async () => {
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const queueOf = (setMany: () => Promise<void>, maxBytes: number) =>
    new HybridBackend(new MemoryBackend(), scripted({ setMany }), { writeBehind: { maxBytes, maxWait: 1 } });
  const entries = (keys: string) => [...keys].map((key) => ({ key, value: new Uint8Array(8) }));
  const metrics = start();
  const hangs = queueOf(() => answered, 25);
  const fails = queueOf(() => Promise.reject(new BackendError('full')), 100);
  assert.match((await rejection(hangs.setMany(entries('abcd')))).message, /2 entries not queued/);
  await fails.setMany(entries('abc'));
  await check(metrics, {
    cache_queue_entries: 5,
    cache_queue_bytes: 50,
    cache_queue_limit_bytes: 125,
    cache_queue_dropped_total: 2,
  });
  assert.match((await rejection(fails.setMany(entries('defghijklm')))).message, /3 entries not queued/);
  await check(metrics, { cache_queue_entries: 12, cache_queue_bytes: 120, cache_queue_dropped_total: 5 });
  await fails.close().catch(() => {});
  await check(metrics, {
    cache_queue_entries: 2,
    cache_queue_bytes: 20,
    cache_queue_limit_bytes: 25,
    cache_queue_dropped_total: 15,
  });
  const closing = hangs.close().catch(() => {});
  await until('the queue is given up', async () => (await read(metrics, ['cache_queue_limit_bytes']))[0] === 0);
  // What was under way when it was given up says nothing any more.
  answer();
  await closing;
  await new Promise((resolve) => setImmediate(resolve));
  await check(metrics, { cache_queue_entries: 0, cache_queue_limit_bytes: 0, cache_queue_dropped_total: 17 });
});

test.run();
