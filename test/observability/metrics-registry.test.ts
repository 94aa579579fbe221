import { createServer } from 'node:http';
import Module from 'node:module';
import type { AddressInfo } from 'node:net';
import { Counter, type OpenMetricsContentType, Registry } from 'prom-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidOptionError, VecstashError } from '../../src/errors.js';
import { createMetrics, type MetricsOptions } from '../../src/observability/index.js';
import { check, lookup, start, stopAll } from './running-metrics.js';

const test = suite('the registry of metrics');

test.after.each(stopAll);

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
  const registry = new Registry();
  const metrics = start({ registry });
  lookup('docs');
  const inOtherFormat = new Registry<OpenMetricsContentType>();
  inOtherFormat.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const open = start({ registry: inOtherFormat });
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
      registers: [registry],
      collect: () => Promise.reject(new Error('broken')),
    });
    assert.is((await fetch(url)).status, 500);
  } finally {
    server.close();
    server.closeAllConnections();
  }
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

test('without prom-client the error says what to do, and keeps its cause', () => {
  let [problem, code] = ["Cannot find module 'prom-client'", 'MODULE_NOT_FOUND'];
  const loader = Module as unknown as { _load(id: string, ...rest: unknown[]): unknown };
  const load = loader._load;
  loader._load = (id, ...rest) => {
    if (id === 'prom-client') throw Object.assign(new Error(problem), { code });
    return load.call(loader, id, ...rest);
  };
  const isTold = (message: RegExp) => (error: unknown) =>
    error instanceof VecstashError &&
    error.code === 'PACKAGE_MISSING' &&
    message.test(error.message) &&
    (error.cause as Error).message === problem;
  try {
    assert.throws(() => createMetrics(), isTold(/npm install prom-client$/));
    [problem, code] = ['it was built for another Node', 'ERR_DLOPEN_FAILED'];
    assert.throws(
      () => createMetrics(),
      isTold(/prom-client, which could not be loaded \(it was built for another Node\)/),
    );
  } finally {
    loader._load = load;
  }
});

test.run();
