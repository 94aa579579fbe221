import { createServer } from 'node:http';
import Module from 'node:module';
import type { AddressInfo } from 'node:net';
import { Counter, type OpenMetricsContentType, Registry } from 'prom-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { BackendError, InvalidOptionError, VecstashError } from '../../src/errors.js';
import { tell } from '../../src/events.js';
import { createMetrics, type Metrics, type MetricsOptions, ObservableCache } from '../../src/observe/metrics.js';
import { CacheService } from '../../src/service/service.js';
import { until } from '../../src/testing/until.js';
import { scripted } from '../support/backends.js';
import { prf } from '../support/prf.js';

const test = suite('metrics');
const DIMENSIONS = 8;
const running: Metrics[] = [];

/** Stopped after the test: all metrics of a process hear all of its caches. */
function start(options?: MetricsOptions): Metrics {
  const metrics = createMetrics(options);
  running.push(metrics);
  return metrics;
}

test.after.each(() => {
  for (const metrics of running.splice(0)) metrics.stop();
});

/** The values of series as they stand in one text; undefined where there is none. */
async function read(metrics: Metrics, all: readonly string[]): Promise<(number | undefined)[]> {
  const lines = (await metrics.text()).split('\n');
  return all.map((series) => {
    const line = lines.find((text) => text.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  });
}

async function check(metrics: Metrics, expected: Record<string, number | undefined>): Promise<void> {
  const names = Object.keys(expected);
  const values = await read(metrics, names);
  assert.equal(Object.fromEntries(names.map((name, i) => [name, values[i]])), expected);
}

/** A namespace whose model takes 10 tokens for each input. */
function docsOf(backend = scripted(), name = 'docs') {
  return createCache({ backend }).embeddings(name, {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: async (texts: string[], { usage }) => {
      usage(10 * texts.length);
      return texts.map((text) => prf(text, DIMENSIONS));
    },
  });
}

function lookup(namespace: string, hits = 1) {
  const keys = Array.from({ length: hits }, (_, i) => `k${i}`);
  tell('lookup', () => ({ namespace, keys, outcomes: keys.map(() => 'hit'), bytes: 0, durationMs: 1 }));
}

function model(namespace: string, inputs: number, tokens: number | undefined, ok = true) {
  tell('model', () => ({ namespace, model: 'm', inputs, tokens, durationMs: 1, ok }));
}

test('a lookup, a call of the model, a write, removals', async () => {
  const backend = scripted();
  const docs = docsOf(backend);
  const metrics = start({ money: { docs: 20 } });
  await docs.embed(['a', 'b', 'a']);
  const bytes = [...backend.stored.values()].reduce((sum, value) => sum + value.length, 0);
  await docs.embed(['a', 'b', 'c']);
  await docs.delete('a');
  await docs.clear();
  const all = [...backend.stored.values()].reduce((sum, value) => sum + value.length, 0);
  await check(metrics, {
    'cache_requests_total{namespace="docs",status="hit"}': 2,
    'cache_requests_total{namespace="docs",status="miss"}': 3,
    'cache_requests_total{namespace="docs",status="corrupt"}': 0,
    'cache_latency_ms_count{namespace="docs",operation="get"}': 2,
    'cache_latency_ms_count{namespace="docs",operation="set"}': 2,
    'cache_latency_ms_count{namespace="docs",operation="delete"}': 1,
    'cache_latency_ms_count{namespace="docs",operation="clear"}': 1,
    'cache_latency_ms_count{namespace="docs",operation="model"}': 2,
    'cache_batch_keys_sum{namespace="docs"}': 5,
    'cache_batch_keys_bucket{le="2",namespace="docs"}': 1,
    'cache_read_bytes_total{namespace="docs"}': bytes,
    'cache_written_bytes_total{namespace="docs"}': all,
    'cache_model_calls_total{namespace="docs",status="ok"}': 2,
    'cache_model_inputs_total{namespace="docs"}': 3,
    'cache_model_tokens_total{namespace="docs"}': 30,
    'cache_tokens_saved_total{namespace="docs"}': 20,
    'cache_money_saved_total{namespace="docs"}': (20 * 20) / 1e6,
  });
  const text = await metrics.text();
  assert.match(text, 'cache_latency_ms_bucket{le="0.25",');
  assert.match(text, 'cache_latency_ms_bucket{le="10000",');
});

test('a record that is refused is corrupt, and no miss', async () => {
  const backend = scripted({ getMany: async (keys) => keys.map(() => new Uint8Array(30)) });
  const metrics = start();
  await docsOf(backend).getMany(['a', 'b']);
  await check(metrics, {
    'cache_requests_total{namespace="docs",status="corrupt"}': 2,
    'cache_requests_total{namespace="docs",status="miss"}': 0,
    'cache_read_bytes_total{namespace="docs"}': 60,
  });
});

test('tokens saved: hits from before the first call of the model count when it has said what it takes', async () => {
  const metrics = start({ money: { priced: 1_000_000 } });
  lookup('docs', 6);
  await check(metrics, { 'cache_tokens_saved_total{namespace="docs"}': undefined });
  model('docs', 2, 30);
  await check(metrics, { 'cache_tokens_saved_total{namespace="docs"}': 90 });
  model('docs', 8, 170);
  lookup('docs', 1);
  await check(metrics, {
    'cache_tokens_saved_total{namespace="docs"}': 110,
    'cache_money_saved_total{namespace="docs"}': undefined,
  });
  // Another namespace, whose model says nothing or nonsense.
  lookup('priced');
  for (const tokens of [undefined, Number.NaN, -1, '7' as unknown as number]) model('priced', 1, tokens);
  await check(metrics, {
    'cache_tokens_saved_total{namespace="priced"}': undefined,
    'cache_model_tokens_total{namespace="priced"}': undefined,
    'cache_model_inputs_total{namespace="priced"}': 4,
  });
  model('priced', 1, 3);
  await check(metrics, { 'cache_money_saved_total{namespace="priced"}': 3 });
});

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
    tell('breaker', () => ({ id, what: 'reads', state }));
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
    'cache_tier_keys_total{tier="near"}': 1,
    'cache_tier_keys_total{tier="queued"}': 0,
    'cache_tier_keys_total{tier="far"}': 1,
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
    new HybridBackend(new MemoryBackend(), scripted({ setMany }), { writeBehind: { maxBytes } });
  const entries = (keys: string) => [...keys].map((key) => ({ key, value: new Uint8Array(8) }));
  const metrics = start();
  const hangs = queueOf(() => answered, 25);
  const fails = queueOf(() => Promise.reject(new BackendError('full')), 100);
  await hangs.setMany(entries('abcd'));
  await fails.setMany(entries('abc'));
  await check(metrics, {
    cache_queue_entries: 5,
    cache_queue_bytes: 50,
    cache_queue_limit_bytes: 125,
    cache_queue_dropped_total: 2,
  });
  await fails.setMany(entries('defghijklm'));
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

test('sizes are asked when the metrics are read; one that fails is left out', async () => {
  const backend = new MemoryBackend();
  let isBroken = false;
  const metrics = start({
    sizes: {
      memory: () => backend.bytes,
      later: async () => (isBroken ? Promise.reject(new Error('away')) : 7),
      wrong: () => 'much' as unknown as number,
    },
  });
  await check(metrics, { 'cache_size_bytes{namespace="memory"}': 0, 'cache_size_bytes{namespace="later"}': 7 });
  await backend.setMany([{ key: 'k', value: new Uint8Array(100) }]);
  isBroken = true;
  assert.ok(backend.bytes > 100);
  await check(metrics, {
    'cache_size_bytes{namespace="memory"}': backend.bytes,
    'cache_size_bytes{namespace="later"}': undefined,
    'cache_size_bytes{namespace="wrong"}': undefined,
  });
});

test('namespaces are bounded; those with a price are among them', async () => {
  const metrics = start({ maxNamespaces: 3, money: { priced: 1 } });
  for (const namespace of ['a', 'b', 'c', 'd', 'priced', 'a']) lookup(namespace);
  await check(metrics, {
    'cache_requests_total{namespace="a",status="hit"}': 2,
    'cache_requests_total{namespace="b",status="hit"}': 1,
    'cache_requests_total{namespace="c",status="hit"}': undefined,
    'cache_requests_total{namespace="other",status="hit"}': 2,
    'cache_requests_total{namespace="priced",status="hit"}': 1,
  });
  const byDefault = start();
  for (let i = 0; i < 150; i += 1) lookup(`n${i}`);
  const namespaces = new Set([...(await byDefault.text()).matchAll(/namespace="(\w+)"/g)].map(([, name]) => name));
  assert.is(namespaces.size, 101);
  await check(byDefault, { 'cache_requests_total{namespace="other",status="hit"}': 50 });
});

test('stop: what was counted can be read, and the registry can be used again', async () => {
  const registry = new Registry();
  const metrics = start({ registry });
  lookup('docs');
  metrics.stop();
  lookup('docs');
  const series = 'cache_requests_total{namespace="docs",status="hit"}';
  await check(metrics, { [series]: 1 });
  const next = start({ registry });
  await check(next, { [series]: undefined });
  lookup('docs');
  await check(next, { [series]: 1 });
  metrics.stop();
  lookup('docs');
  await check(next, { [series]: 2 });
});

test('a registry of the application: its metrics stay, names that are taken are refused as a whole', async () => {
  const registry = new Registry();
  const own = new Counter({ name: 'own_total', help: 'own', registers: [registry] });
  own.inc(4);
  const metrics = start({ registry });
  assert.is(metrics.registry, registry);
  await check(metrics, { own_total: 4 });
  const isRefused = (error: unknown) =>
    error instanceof InvalidOptionError && error.option === 'registry' && /cache_\w+/.test(error.message);
  assert.throws(() => createMetrics({ registry }), isRefused);
  const shop = start({ registry, prefix: 'shop_' });
  lookup('docs');
  await check(shop, {
    'cache_requests_total{namespace="docs",status="hit"}': 1,
    'shop_cache_requests_total{namespace="docs",status="hit"}': 1,
  });

  const taken = new Registry();
  new Counter({ name: 'cache_size_bytes', help: 'of somebody else', registers: [taken] });
  assert.throws(() => createMetrics({ registry: taken }), isRefused);
  assert.is(taken.getMetricsAsArray().length, 1);
});

test('the handler of node:http, the Response of a route, and both formats', async () => {
  const metrics = start();
  lookup('docs');
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const open = start({ registry });
  lookup('docs');
  const server = createServer((request, response) =>
    (request.url === '/open' ? open : metrics).handler(request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const answer = await fetch(`${url}/metrics`);
    assert.is(answer.status, 200);
    assert.is(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.is(await answer.text(), await metrics.text());
    const inOpenMetrics = await fetch(`${url}/open`);
    assert.is(inOpenMetrics.headers.get('content-type'), open.contentType);
    const text = await inOpenMetrics.text();
    assert.match(text, 'cache_requests_total{namespace="docs",status="hit"} 1\n');
    assert.ok(text.endsWith('# EOF\n'));

    const response = await metrics.response();
    assert.is(response.headers.get('content-type'), metrics.contentType);
    assert.is(await response.text(), await metrics.text());

    // Somebody else's metric in the same registry.
    new Counter({
      name: 'broken_total',
      help: 'broken',
      registers: [metrics.registry],
      collect: () => Promise.reject(new Error('broken')),
    });
    assert.is((await fetch(url)).status, 500);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test('an ObservableCache counts the calls of its service', async () => {
  const metrics = start();
  const service = new ObservableCache(new CacheService(new MemoryBackend(), { text: { dimensions: DIMENSIONS } }), {
    metrics,
  });
  assert.instance(service, CacheService);
  await service.setTextEmbeddings([['a', prf('a', DIMENSIONS)]]);
  assert.ok(await service.getTextEmbedding('a'));
  await service.getTextEmbedding('b');
  await service.setTextEmbedding('c', [1]).catch(() => {});
  const results: number[] | undefined = await service.getSearchResults<number[]>('u', 'q');
  assert.is(results, undefined);
  assert.is(service.stats()['text-embeddings']?.hits, 1);
  await check(metrics, {
    'cache_service_calls_total{method="setTextEmbeddings",status="ok"}': 1,
    'cache_service_calls_total{method="getTextEmbedding",status="ok"}': 2,
    'cache_service_calls_total{method="getTextEmbeddings",status="ok"}': undefined,
    'cache_service_calls_total{method="setTextEmbedding",status="error"}': 1,
    'cache_service_calls_total{method="getSearchResults",status="ok"}': 1,
    'cache_service_calls_total{method="stats",status="ok"}': undefined,
    'cache_latency_ms_count{namespace="text-embeddings",operation="get"}': 2,
  });
  await service.close();
});

test('options are checked', () => {
  for (const [options, name] of [
    [{ prefix: '1-' }, 'prefix'],
    [{ money: { docs: -1 } }, 'money.docs'],
    [{ sizes: { memory: 7 } }, 'sizes.memory'],
    [{ maxNamespaces: 0 }, 'maxNamespaces'],
    [{ registry: {} }, 'registry'],
    [{ registyr: new Registry() }, 'registyr'],
  ] as const) {
    const isRefused = (error: unknown) => error instanceof InvalidOptionError && error.option === name;
    assert.throws(() => createMetrics(options as unknown as MetricsOptions), isRefused);
  }
});

test('without prom-client the error says what to install', () => {
  const loader = Module as unknown as { _load(id: string, ...rest: unknown[]): unknown };
  const load = loader._load;
  loader._load = (id, ...rest) => {
    if (id === 'prom-client') throw new Error(`Cannot find module '${id}'`);
    return load.call(loader, id, ...rest);
  };
  try {
    const isTold = (error: unknown) =>
      error instanceof VecstashError &&
      error.code === 'PACKAGE_MISSING' &&
      /npm install prom-client/.test(error.message);
    assert.throws(() => createMetrics(), isTold);
  } finally {
    loader._load = load;
  }
});

test.run();
