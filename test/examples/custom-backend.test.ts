import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { httpBackend } from '../../examples/custom-backend/http.js';
import { mapBackend } from '../../examples/custom-backend/map.js';
import type { CacheBackend } from '../../src/backends/backend.js';
import { backendContract } from '../contract/backend-contract.js';
import { startKeyValueServer } from '../support/key-value-server.js';
import { rejection } from '../support/rejection.js';

const test = suite('examples/custom-backend');
const token = 'secret-of-the-service';
const server = await startKeyValueServer(token);
const open = (requestTimeout = 5000) => httpBackend({ url: server.url, token, requestTimeout });
const bytes = (...values: number[]) => Uint8Array.from(values);
const partial = () => {
  const failures: unknown[] = [];
  const context = {
    signal: new AbortController().signal,
    onPartialFailure: (error: unknown) => {
      failures.push(error);
    },
  };
  return { failures, context };
};

/** The examples use the package as it is built, whose classes are others to TypeScript than those of the suite's sources. */
const asSource = (backend: unknown) => backend as CacheBackend;

test.after.each(() => {
  server.onRequest = () => undefined;
});

test('they are as short as a backend may be', () => {
  const linesOf = (name: string) =>
    readFileSync(`examples/custom-backend/${name}.ts`, 'utf8').trimEnd().split('\n').length;
  assert.ok(linesOf('map') <= 40);
  assert.ok(linesOf('http') <= 120);
});

test('a key that cannot be read is told of, and the others are returned', async () => {
  const backend = open();
  await backend.setMany(['a', 'b', 'c'].map((key, index) => ({ key, value: bytes(index) })));
  server.onRequest = ({ method, key }) => (method === 'GET' && key === '~b' ? 503 : undefined);
  const { failures, context } = partial();
  const values = await backend.getMany(['a', 'b', 'c'], context);
  assert.equal(
    values.map((value) => value && [...value]),
    [[0], undefined, [2]],
  );
  assert.equal(
    failures.map((error) => (error as Error).message),
    ['HTTP store: status 503'],
  );
  assert.is((await rejection(backend.getMany(['a', 'b', 'c']))).message, 'HTTP store: status 503');
  await backend.close();
});

test('a write that is refused tells how many, and stores the others', async () => {
  const backend = open();
  await backend.clear('');
  server.onRequest = ({ method, key }) => (method === 'PUT' && key !== '~b' ? 507 : undefined);
  const error = await rejection(backend.setMany(['a', 'b', 'c'].map((key) => ({ key, value: bytes(1) }))));
  assert.is(error.message, 'HTTP store: 2 of 3 writes failed: status 507');
  assert.equal([...server.values.keys()], ['~b']);
  await backend.close();
});

test('a service that does not answer, or is away, is given up', async () => {
  const backend = open(50);
  server.onRequest = () => 0;
  assert.is((await rejection(backend.getMany(['a']))).message, 'HTTP store: no answer in time');
  assert.equal(await backend.health(), { ok: false, latencyMs: Number.NaN, detail: 'HTTP store: no answer in time' });
  const gone = httpBackend({ url: 'http://127.0.0.1:1', token });
  const error = await rejection(gone.getMany(['a']));
  assert.match(error.message, /^HTTP store: /);
  assert.not.ok(JSON.stringify([error.message, error.cause, error.stack]).includes(token));
  await Promise.all([backend.close(), gone.close()]);
});

test('the service is told of TTLs in whole seconds, and never too few', async () => {
  const backend = open();
  await backend.setMany([
    { key: 'short', value: bytes(1), ttlMs: 1001 },
    { key: 'ever', value: bytes(1) },
  ]);
  assert.is(server.ttls.get('~short'), '3');
  assert.is(server.ttls.get('~ever'), undefined);
  await backend.close();
});

test.run();
backendContract('a backend over a Map', { open: () => asSource(mapBackend()), capabilities: [] });
backendContract('a backend over an HTTP key-value service', {
  open: () => asSource(open(60_000)),
  many: 1000,
  capabilities: [],
  after: () => server.close(),
});
