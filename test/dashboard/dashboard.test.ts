import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createVectorCodec } from '../../src/codec-api.js';
import { createDashboard, type DashboardOptions } from '../../src/dashboard/dashboard.js';
import type { DashboardData, NamespaceFigures } from '../../src/dashboard/wire.js';
import { createCache, MemoryBackend } from '../../src/index.js';
import { CacheService } from '../../src/service/service.js';
import { dashboardCache } from '../support/dashboard.js';
import { startRedis } from '../support/redis-server.js';

const URL_OF = 'http://app.example/some/where';
const GUARD = { 'x-vecstash-dashboard': '1' };

function opened(options: DashboardOptions = {}) {
  const made = dashboardCache();
  const dashboard = createDashboard(made.cache, options);
  const ask = (query: string, init?: RequestInit) => dashboard.fetch(new Request(`${URL_OF}?${query}`, init));
  const data = async () => (await (await ask('data')).json()) as DashboardData;
  const act = (query: string, headers: Record<string, string> = GUARD) => ask(query, { method: 'POST', headers });
  const close = async () => {
    dashboard.stop();
    await made.cache.close();
  };
  return { ...made, dashboard, ask, data, act, close };
}

test('figures: what the cache counts by namespace, what hits saved, latencies, and the last ten minutes', async () => {
  const { embed, data, close } = opened({ title: 'Shop', price: { documents: 50 }, currency: 'EUR' });
  await embed('a', 'b', 'c');
  await embed('a', 'b', 'c', 'd');
  const { namespaces, ...told } = await data();
  assert.is(namespaces.length, 1);
  const { bytesRead, bytesWritten, timeSaved, ...figures } = namespaces[0] as NamespaceFigures;
  assert.equal(figures, {
    name: 'documents',
    hits: 3,
    misses: 4,
    corrupt: 0,
    unsupported: 0,
    fills: 4,
    errors: 0,
    tokensSaved: 30,
    moneySaved: (30 * 50) / 1e6,
  });
  assert.ok(bytesRead > 0 && bytesWritten > bytesRead);
  assert.ok((timeSaved ?? 0) > 0);
  assert.equal([told.title, told.currency, told.isPriced, told.actions], ['Shop', 'EUR', true, false]);
  assert.is(told.health.ok, true);
  assert.equal([told.model.calls, told.model.inputs], [2, 4]);
  assert.ok((told.lookup.p50 ?? 0) > 0 && (told.lookup.p95 ?? 0) >= (told.lookup.p50 ?? 0));
  assert.is(told.history.length, 60);
  const total = (of: 'hits' | 'misses') => told.history.reduce((sum, bucket) => sum + bucket[of], 0);
  assert.equal([total('hits'), total('misses')], [3, 4]);
  assert.equal([told.failures, told.queue, told.tiers], [[], null, null]);
  await close();
});

test('no text, key or value is told: of inputs there are counts alone', async () => {
  const { backend, embed, ask, close } = opened();
  await embed('secret words');
  backend.isDown = true;
  await embed('secret words', 'more secret words');
  assert.not.match(await (await ask('data')).text(), 'secret');
  await close();
});

test('another cache of the process is not counted', async () => {
  const { data, close } = opened();
  const other = createCache({ backend: new MemoryBackend() });
  await other.values<string>('others').getOrCompute('a', async () => 'b');
  const { namespaces, lookup, history } = await data();
  assert.equal([namespaces.map(({ name }) => name), lookup.p50], [['documents'], null]);
  assert.is(history.at(-1)?.misses, 0);
  await other.close();
  await close();
});

test('a store that fails: its health, the open breaker, and failures that are alike as one', async () => {
  const { backend, embed, data, close } = opened();
  backend.isDown = true;
  for (let i = 0; i < 5; i++) await embed('a');
  const { health, breakers, failures, namespaces } = await data();
  const { engine } = createVectorCodec({ dimensions: 8 });
  assert.equal(health, { ok: false, latencyMs: null, detail: 'no connection', engine });
  assert.equal(breakers, [['reads', 1]]);
  const kinds = failures.map(({ operation, error }) => `${operation}: ${error}`);
  assert.is(new Set(kinds).size, kinds.length);
  assert.is(
    failures.reduce((sum, { count }) => sum + count, 0),
    namespaces[0]?.errors,
  );
  assert.is(failures[0]?.namespace, 'documents');
  assert.ok((namespaces[0]?.errors ?? 0) >= 5);
  await close();
});

test('read-only unless asked; with actions a reset of the figures, which leaves the entries, and a clear', async () => {
  const readOnly = opened();
  for (const query of ['action=reset', 'action=clear&namespace=documents']) {
    assert.is((await readOnly.act(query)).status, 403);
  }
  await readOnly.close();

  const { embed, data, act, cache, close } = opened({ actions: true });
  await embed('a', 'b');
  // A page of another site can send a POST, but no header of its own.
  assert.is((await act('action=reset', {})).status, 403);
  assert.is((await act('action=drop')).status, 400);
  assert.is((await act('action=clear&namespace=others')).status, 404);
  assert.is((await act('action=clear&namespace=__proto__')).status, 404);
  assert.is((await data()).namespaces[0]?.misses, 2);

  assert.is((await act('action=reset')).status, 200);
  const anew = await data();
  assert.equal([anew.namespaces[0]?.misses, anew.model.calls, anew.history.at(-1)?.misses], [0, 0, 0]);
  await embed('a');
  assert.equal([(await data()).namespaces[0]?.hits, (await data()).namespaces[0]?.misses], [1, 0]);

  assert.equal(await (await act('action=clear&namespace=documents')).json(), { removed: 2 });
  await embed('a');
  assert.is((await data()).namespaces[0]?.misses, 1);
  // The cache itself still knows all.
  assert.is(cache.stats().documents?.misses, 3);
  await close();
});

test('the page and its parts: a policy, names that change with their content, and nothing else', async () => {
  const { ask, dashboard, close } = opened({ title: '<script>' });
  const page = await ask('');
  const html = await page.text();
  assert.is(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(page.headers.get('content-security-policy') ?? '', "default-src 'none'; script-src 'self'");
  assert.not.match(html, /<style|<script>|style=|\son\w+=/);
  const assets = [...html.matchAll(/(?:src|href)="(\?asset=[\w.-]+)"/g)].map(([, query]) => query as string);
  assert.is(new Set(assets).size, 3);
  for (const query of assets) {
    const asset = await ask(query.slice(1));
    assert.is(asset.status, 200, query);
    assert.match(asset.headers.get('cache-control') ?? '', 'immutable');
    assert.is(asset.headers.get('x-content-type-options'), 'nosniff');
  }
  assert.is((await ask('asset=other.js')).status, 404);
  assert.is((await ask('asset=constructor')).status, 404);
  assert.is((await ask('data')).headers.get('cache-control'), 'no-store');
  const head = await ask('', { method: 'HEAD' });
  assert.equal([head.status, await head.text()], [200, '']);
  const put = await ask('', { method: 'PUT' });
  assert.equal([put.status, put.headers.get('allow')], [405, 'GET, HEAD, POST']);
  assert.is((await dashboard.fetch({ headers: {} })).status, 200);
  await close();
});

test('a cache that throws is a 500 with the reason, and a dashboard that was stopped counts no more', async () => {
  const { embed, dashboard, data, cache } = opened();
  dashboard.stop();
  await embed('a');
  const { namespaces, lookup } = await data();
  assert.equal([namespaces[0]?.misses, lookup.p50], [1, null]);
  await cache.close();
  const broken = createDashboard({
    stats: () => ({}),
    health: () => {
      throw new Error('gone');
    },
  });
  const { status, headers } = await broken.fetch({ url: '/?data', headers: {} });
  assert.equal([status, headers.get('content-type')], [500, 'application/json']);
  broken.stop();
});

test('a CacheService over Redis: where keys were found', async () => {
  const server = await startRedis();
  const { RedisBackend } = await import('../../src/backends/redis/redis.js');
  const { HybridBackend } = await import('../../src/backends/hybrid/hybrid.js');
  const service = new CacheService(
    new HybridBackend(new MemoryBackend(), new RedisBackend(server.url), { bus: false }),
    {
      keyPrefix: `dashboard-${process.pid}`,
      text: { model: 'test', dimensions: 2, embed: async (texts) => texts.map(() => [1, 2]) },
    },
  );
  const dashboard = createDashboard(service, { actions: true });
  try {
    await service.embedTexts(['a', 'b']);
    await service.embedTexts(['a']);
    const data = (await (await dashboard.fetch({ url: '/?data', headers: {} })).json()) as DashboardData;
    assert.equal(data.tiers, { l1: 1, queued: 0, l2: 0, missing: 2 });
    const clear = { method: 'POST', url: '/?action=clear&namespace=text-embeddings', headers: GUARD };
    assert.equal(await (await dashboard.fetch(clear)).json(), { removed: 2 });
  } finally {
    dashboard.stop();
    await service.close();
    await server.stop();
  }
});

test('options that are wrong are named', () => {
  const { cache } = dashboardCache();
  for (const [options, message] of [
    [{ price: -1 }, /price/],
    [{ price: { documents: Number.NaN } }, /price/],
    [{ currency: 'money' }, /currency.*ISO 4217/],
    [{ readonly: true }, /readonly.*unknown option/],
    [{ title: '' }, /title/],
  ] as const) {
    assert.throws(() => createDashboard(cache, options as DashboardOptions), message);
  }
  assert.throws(() => createDashboard({} as never), /cache.*stats\(\)/);
});

test('what a browser loads is small', () => {
  const size = readFileSync(new URL('../../dist/dashboard-page.cjs', import.meta.url)).length;
  assert.ok(size < 20_000, `${size} bytes`);
  const folders = ['esm', 'cjs'].map((format) => new URL(`../../dist/${format}/dashboard/`, import.meta.url));
  const code = folders.flatMap((folder) =>
    readdirSync(folder).map((name) => readFileSync(new URL(name, folder)).length),
  );
  const all = code.reduce((sum, length) => sum + length, size);
  assert.ok(all < 72_000, `${all} bytes`);
});

test.run();
