import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { emit } from '../../src/events.js';
import { ObservableCache } from '../../src/observability/index.js';
import { CacheService } from '../../src/service/service.js';
import { scripted } from '../support/backends.js';
import { prf } from '../support/prf.js';
import { check, lookup, start, stopAll } from './running-metrics.js';

const test = suite('metrics');
const DIMENSIONS = 8;

test.after.each(stopAll);

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

function model(namespace: string, inputs: number, tokens: number | undefined, ok = true) {
  emit('model', () => ({ namespace, model: 'm', inputs, tokens, durationMs: 1, ok }));
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

test('tokens saved: what records say counts as it is, and makes no estimate of others', async () => {
  const metrics = start({ money: { docs: 1_000_000 } });
  emit('lookup', () => ({
    namespace: 'docs',
    keys: ['a', 'b', 'c'],
    outcomes: ['hit', 'miss', 'hit'],
    tokens: [7, undefined, undefined],
    bytes: 0,
    durationMs: 1,
  }));
  await check(metrics, { 'cache_tokens_saved_total{namespace="docs"}': 7 });
  model('docs', 1, 20);
  await check(metrics, { 'cache_tokens_saved_total{namespace="docs"}': 27 });
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

test.run();
