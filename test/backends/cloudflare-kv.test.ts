import { inspect } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudflareKVBackend,
  type CloudflareKVBackendOptions,
  type KVBinding,
} from '../../src/backends/cloudflare-kv/cloudflare-kv.js';
import { InvalidOptionError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { backendContract } from '../contract/backend-contract.js';
import { type AskedOfBinding, startKv, watched } from '../support/cloudflare-kv.js';
import { startKvRest } from '../support/cloudflare-rest.js';
import type { KVNamespace } from '../support/cloudflare-types.js';
import { entry, keysOf, plain } from '../support/entries.js';
import { rejection } from '../support/rejection.js';
import { assertTellsNothing, SECRET_KEY, SECRET_VALUE } from '../support/secrets.js';

const { binding, stop } = await startKv();
const rest = await startKvRest(binding);
// Started before any suite is, so that the suites follow one another.
const [contractKv, contractRestKv] = await Promise.all([startKv(), startKv()]);
const contractRest = await startKvRest(contractRestKv.binding);
const test = suite('CloudflareKVBackend');

/** What every call that can fail without a value rejects with. */
const rejections = (backend: CloudflareKVBackend) =>
  Promise.all(
    [backend.getMany([SECRET_KEY]), backend.deleteMany([SECRET_KEY]), backend.clear(SECRET_KEY)].map(rejection),
  );

/** On a busy machine workerd takes its time. */
const PATIENT = { requestTimeout: '60s' } as const;

function bound(own: KVBinding = binding, options: CloudflareKVBackendOptions = {}): CloudflareKVBackend {
  return new CloudflareKVBackend({ ...PATIENT, binding: own, ...options });
}

/** A new backend over the REST API, whose server has no trouble and has been asked nothing. */
function restBackend(options: CloudflareKVBackendOptions = {}): CloudflareKVBackend {
  Object.assign(rest, { asked: [], mostAtOnce: 0, trouble: () => undefined });
  return new CloudflareKVBackend({ ...PATIENT, ...rest.access, ...options });
}

const restPaths = () => rest.asked.map(({ method, path }) => `${method} ${path}`);
const stored = async (name: string) => (await binding.getWithMetadata([name], { type: 'text' })).get(name);
const listed = async (name: string) =>
  (await binding.list({ prefix: name })).keys[0] as { name: string; expiration?: number; metadata?: unknown };

test.before.each(async () => {
  await bound().clear('');
});
test.after(async () => {
  await rest.stop();
  await stop();
});

test('through a binding 1000 keys are 10 reads, whatever is asked twice', async () => {
  const watch = watched(binding);
  const backend = bound(watch);
  const keys = keysOf(1000);
  const last = keys.slice(950);
  await backend.setMany(last.map((key) => entry(key)));
  assert.is(watch.count('put'), 50);
  const values = await backend.getMany([...keys, ...keys]);
  assert.equal(
    values.map((value) => value?.length),
    [...keys, ...keys].map((key) => (last.includes(key) ? 4 : undefined)),
  );
  assert.is(watch.count('getWithMetadata'), 10);
  assert.is(await backend.clear('k:'), 50);
  assert.equal(
    watch.asked.slice(60).map(({ method }) => method),
    ['list', ...last.map(() => 'delete')],
    'to clear is no read',
  );
});

test('through the REST API 1000 keys are 10 reads, 1 write, 1 removal', async () => {
  const backend = restBackend();
  const keys = keysOf(1000);
  await backend.setMany(keys.slice(950).map((key) => entry(key)));
  const values = await backend.getMany([...keys, ...keys]);
  assert.is(values.filter((value) => value?.length === 4).length, 100);
  assert.equal(restPaths(), ['PUT /bulk', ...new Array(10).fill('POST /bulk/get')]);
  rest.asked = [];
  assert.is(await backend.clear('k:'), 50);
  await backend.setMany([entry('a'), entry('b')]);
  assert.is(await backend.deleteMany(['a', 'none', 'a']), 1);
  const few = ['PUT /bulk', 'POST /bulk/get', 'POST /bulk/delete'];
  assert.equal(restPaths(), ['GET /keys', 'POST /bulk/delete', ...few]);

  rest.asked = [];
  rest.trouble = ({ path }) => ({
    status: 200,
    body: `{"success":true,"result":${path === '/bulk/get' ? '{"values":{}}' : 'null'}}`,
  });
  await backend.setMany(keysOf(2500).map((key) => entry(key)));
  await backend.deleteMany(keysOf(2500));
  const counts = rest.asked.filter(({ path }) => path !== '/bulk/get').map(({ body }) => (body as unknown[]).length);
  assert.equal(counts.sort(), [1000, 1000, 1000, 1000, 500, 500]);
});

test('more than a page is cleared, page by page', async () => {
  const paged = watched(binding, ({ method, arguments: [options] }) =>
    method === 'list' ? binding.list({ ...(options as { prefix: string }), ...{ limit: 20 } }) : undefined,
  );
  const other = await startKvRest(paged);
  for (const backend of [bound(paged), new CloudflareKVBackend({ ...PATIENT, ...other.access })]) {
    await restBackend().setMany([...keysOf(50), 'other'].map((key) => entry(key)));
    paged.asked.length = 0;
    assert.is(await backend.clear('k:'), 50);
    assert.is(paged.count('list'), 3);
    const { keys } = await binding.list({ prefix: '~' });
    assert.equal(
      keys.map(({ name }) => name),
      ['~other'],
    );
  }
  await other.stop();
});

test('writes are cut by their bytes, and a value of the largest size is read', async () => {
  const backend = restBackend();
  const largest = new Uint8Array(18_000_000).fill(7);
  await backend.setMany([{ key: 'a', value: largest }, { key: 'b', value: new Uint8Array(9_000_000) }, entry('c')]);
  const sizes = rest.asked.map(({ body }) => (body as unknown[]).length).sort();
  assert.equal(sizes, [1, 2]);
  assert.is(Buffer.compare((await backend.getMany(['a']))[0] as Uint8Array, largest), 0);
});

test('what is too much for one answer is read in halves', async () => {
  const value = new Uint8Array(9_000_000).fill(5);
  for (const backend of [bound(), restBackend()]) {
    const keys = keysOf(3);
    await backend.setMany(keys.map((key) => ({ key, value })));
    const values = await backend.getMany([...keys, 'none']);
    assert.equal(
      values.map((read) => read?.length),
      [...new Array(3).fill(value.length), undefined],
    );
    assert.is(await backend.deleteMany(keys), 3);
  }
  // All are too much, and halves are not.
  assert.is(restPaths().filter((path) => path === 'POST /bulk/get').length, 3 + 3);
});

test('no more requests are under way than allowed', async () => {
  let now = 0;
  let most = 0;
  const slow = watched(binding, ({ method, arguments: [key] }) => {
    if (method !== 'put') return undefined;
    now += 1;
    most = Math.max(most, now);
    return binding.put(key as string, '1').finally(() => {
      now -= 1;
    });
  });
  await bound(slow, { concurrency: 3 }).setMany(keysOf(20).map((key) => entry(key)));
  assert.is(most, 3);
  most = 0;
  await bound(slow).setMany(keysOf(20).map((key) => entry(key)));
  assert.is(most, 6);
  await restBackend({ concurrency: 2 }).getMany(keysOf(1000));
  assert.is(rest.mostAtOnce, 2);
});

test('KV is asked for its own floor of 60 s, and a shorter life ends in time', async () => {
  for (const backend of [bound(), restBackend()]) {
    const before = Date.now();
    await backend.setMany([
      { ...entry('short'), ttlMs: 50 },
      { ...entry('minute'), ttlMs: 60_000 },
      { ...entry('long'), ttlMs: 90_000.2 },
      { ...entry('ages'), ttlMs: 1e300 },
      entry('ever'),
    ]);
    const after = Date.now();
    const expires = async (key: string) => {
      const { expiration, metadata } = await listed(`~${key}`);
      return { kv: (expiration ?? Number.NaN) * 1000, own: (metadata as { expires: number }).expires };
    };
    const [short, minute, long] = await Promise.all(['short', 'minute', 'long'].map(expires));
    assert.ok(short && short.kv > before + 58_000 && short.kv <= after + 60_000);
    assert.ok(short.own >= before + 50 && short.own <= after + 50);
    for (const [found, life] of [
      [minute, 60_000],
      [long, 90_001],
    ] as const) {
      assert.ok(found && found.own >= before + life && found.own <= after + life);
      assert.ok(found.kv >= found.own, 'KV keeps it no shorter than it lives');
      assert.ok(found.kv <= after + life + 2000);
    }
    const ages = await expires('ages');
    assert.ok(ages.kv > before + 60 * 365 * 86_400_000 && ages.kv / 1000 < 2 ** 32 && ages.own > ages.kv);
    assert.equal(await listed('~ever'), { name: '~ever' });
    await until('it expires', async () => (await backend.getMany(['short']))[0] === undefined);
    assert.ok(await stored('~short'), 'it is still in KV');
    assert.is(await backend.deleteMany(['short', 'ever']), 1);
    assert.equal(plain(await backend.getMany(['minute', 'ages'])), [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ]);
  }
});

test("the backend's own ttl is for entries without one", async () => {
  const backend = bound(binding, { ttl: '1h' });
  const before = Date.now();
  await backend.setMany([entry('a'), { ...entry('b'), ttlMs: 120_000 }]);
  const after = Date.now();
  for (const [key, life] of [
    ['a', 3_600_000],
    ['b', 120_000],
  ] as const) {
    const ends = ((await listed(`~${key}`)).expiration as number) * 1000;
    assert.ok(ends >= before + life && ends <= after + life + 2000);
  }
});

test('a namespace stays readable, and what others keep in it stays', async () => {
  const backend = bound();
  await backend.setMany([entry('vs:v1:docs'), entry(''), entry('.')]);
  await binding.put('theirs', 'x');
  const { keys } = await binding.list({ prefix: '' });
  assert.equal(
    keys.map(({ name }) => name),
    ['theirs', '~', '~.', '~vs:v1:docs'],
  );
  assert.equal(await stored('~vs:v1:docs'), { value: '1AQEBAQ==', metadata: null });
  assert.equal(plain(await backend.getMany(['theirs'])), [undefined]);
  assert.is(await backend.clear(''), 3);
  assert.ok(await stored('theirs'));
  await binding.delete('theirs');
});

test('what is damaged or none of ours is a miss, and spoils nothing', async () => {
  const broken: [string, string, unknown?][] = [
    ['foreign', 'AQEBAQ=='],
    ['empty', ''],
    ['cut', '1AQEBAQ='],
    ['cut too', '1AQE'.slice(0, 3)],
    ['not base64', '1AQ*BAQ=='],
    ['ends early', '1AQ==AQEB'],
    ['metadata', '1AQEBAQ==', { expires: 'never' }],
    ['other metadata', '1AQEBAQ==', 'text'],
  ];
  for (const [key, value, metadata] of broken) await binding.put(`~x:${key}`, value, { metadata });
  for (const backend of [bound(), restBackend()]) {
    await backend.setMany([entry('x:good')]);
    const keys = [...broken.map(([key]) => `x:${key}`), 'x:good'];
    assert.equal(plain(await backend.getMany(keys)), [...broken.map(() => undefined), [1, 1, 1, 1]]);
  }
  assert.is(await restBackend().deleteMany(['x:foreign', 'x:cut', 'x:good']), 1);
  assert.is(await stored('~x:foreign'), null, 'it is removed all the same');
});

test('answers that make no sense fail, or are misses', async () => {
  const odd = watched(binding, ({ method }) => {
    if (method === 'getWithMetadata') {
      const found = [
        ['~a', 'text'],
        ['~b', { value: 5, metadata: null }],
        ['~c', { value: null, metadata: null }],
        ['~d', { value: '1AQ==', metadata: null }],
      ];
      return Promise.resolve(new Map(found as [string, unknown][]));
    }
    return Promise.resolve({ keys: [{ name: 'theirs' }, { name: '~p' }], list_complete: false, cursor: 'same' });
  });
  const backend = bound(odd);
  assert.equal(plain(await backend.getMany(['a', 'b', 'c', 'd'])), [undefined, undefined, undefined, [1]]);
  assert.match((await rejection(backend.clear('p'))).message, /a list that does not end/);
  const removed = odd.asked.filter(({ method }) => method === 'delete').map(({ arguments: [key] }) => key);
  assert.ok(removed.length > 0 && removed.every((key) => key === '~p'), 'what does not start with it is not removed');

  const bodies = [
    '',
    'null',
    '<html>',
    '{"success":true}',
    '{"success":true,"result":{"keys":"x"}}',
    '{"success":false,"result":{"values":{}}}',
  ];
  for (const body of bodies) {
    const client = restBackend();
    rest.trouble = () => ({ status: 200, body });
    const error = await rejection(client.getMany([SECRET_KEY]));
    assert.match(error.message, /Cloudflare KV: (HTTP 200|an answer that is not understood)$/);
    assert.match(
      (await rejection(client.clear('a'))).message,
      /Cloudflare KV: (HTTP 200|an answer that is not unders)/,
    );
  }
});

const refusal = (status: number, code: number) => ({
  status,
  body: JSON.stringify({ success: false, errors: [{ code, message: SECRET_KEY }], result: null }),
});

test('a refusal of the REST API tells its status and code, and nothing else', async () => {
  const backend = restBackend();
  const secret = { key: SECRET_KEY, value: SECRET_VALUE };
  for (const [trouble, reason] of [
    [refusal(429, 10429), 'HTTP 429, code 10429'],
    [refusal(403, 10000), 'HTTP 403, code 10000'],
    [{ status: 502, body: `<h1>${SECRET_KEY}</h1>` }, 'HTTP 502'],
    [{ status: 500, body: JSON.stringify({ errors: [{ code: SECRET_KEY }] }) }, 'HTTP 500'],
    [{ status: 301, body: '' }, 'HTTP 301'],
    ['hang up', 'UND_ERR_SOCKET'],
  ] as const) {
    rest.trouble = () => trouble;
    for (const error of await rejections(backend)) {
      assert.is(error.message, `Cloudflare KV: ${reason}`);
      assertTellsNothing(error);
    }
    const error = await rejection(backend.setMany([secret, entry('b')]));
    assert.is(error.message, `Cloudflare KV: 2 of 2 writes failed: ${reason}`);
    assertTellsNothing(error);
    assert.equal(await backend.health(), { ok: false, latencyMs: Number.NaN, detail: `Cloudflare KV: ${reason}` });
  }
  rest.trouble = () => undefined;
  const wrong = restBackend({ token: 'wrong-nobody-may-see' });
  const error = await rejection(wrong.getMany([SECRET_KEY]));
  assert.is(error.message, 'Cloudflare KV: HTTP 403, code 10000');
  assertTellsNothing(error);
});

test('a refusal of the binding tells its status, or the name of what was thrown', async () => {
  const thrown: [unknown, string][] = [
    [new Error('KV PUT failed: 429 Too Many Requests'), 'HTTP 429'],
    [new Error(`Network connection lost ${SECRET_KEY}`), 'Error'],
    [new TypeError(SECRET_KEY), 'TypeError'],
    [SECRET_KEY, 'failed'],
  ];
  for (const [error, reason] of thrown) {
    const backend = new CloudflareKVBackend({ binding: watched(binding, () => Promise.reject(error)) });
    for (const seen of await rejections(backend)) {
      assert.is(seen.message, `Cloudflare KV: ${reason}`);
      assertTellsNothing(seen);
    }
    const seen = await rejection(backend.setMany([{ key: SECRET_KEY, value: SECRET_VALUE }]));
    assert.is(seen.message, `Cloudflare KV: 1 of 1 writes failed: ${reason}`);
    assertTellsNothing(seen);
  }
  const throwing = watched(binding, () => {
    throw new RangeError('at once');
  });
  assert.match((await rejection(bound(throwing).getMany(['a']))).message, /RangeError/);
});

test('writes that KV did not take are counted, and the others are made', async () => {
  const isRefused = (key: unknown) => key === '~3' || key === '~7';
  const refusing = watched(binding, ({ method, arguments: [key] }) =>
    method === 'put' && isRefused(key) ? Promise.reject(new Error('KV PUT failed: 429 Slow down')) : undefined,
  );
  const keys = keysOf(10, '');
  const backend = bound(refusing);
  const error = await rejection(backend.setMany(keys.map((key) => entry(key))));
  assert.is(error.message, 'Cloudflare KV: 2 of 10 writes failed: HTTP 429');
  assert.is((await backend.getMany(keys)).filter((value) => value).length, 8);

  const other = await startKvRest(refusing);
  const overRest = new CloudflareKVBackend({ ...PATIENT, ...other.access });
  const again = await rejection(overRest.setMany(keys.map((key) => entry(key, 2))));
  assert.is(again.message, 'Cloudflare KV: 2 of 10 writes failed: not accepted');
  assert.equal(plain(await overRest.getMany(['2', '3'])), [[2, 2, 2, 2], undefined]);
  await other.stop();
});

test('a removal that KV did not make rejects', async () => {
  const refusing = watched(binding, ({ method, arguments: [key] }) =>
    method === 'delete' && key === '~3' ? Promise.reject(new Error('KV DELETE failed: 500 Oh')) : undefined,
  );
  const other = await startKvRest(refusing);
  const keys = keysOf(5, '');
  for (const [backend, reason] of [
    [bound(refusing), 'HTTP 500'],
    [new CloudflareKVBackend({ ...PATIENT, ...other.access }), '1 keys not removed'],
  ] as const) {
    await backend.setMany(keys.map((key) => entry(key)));
    assert.is((await rejection(backend.deleteMany(keys))).message, `Cloudflare KV: ${reason}`);
    assert.is((await backend.getMany(keys)).filter((value) => value).length, 1, 'the others are gone');
    assert.is((await rejection(backend.clear(''))).message, `Cloudflare KV: ${reason}`);
    const large = { key: '3', value: new Uint8Array(18_000_001) };
    assert.is((await rejection(backend.setMany([large]))).message, `Cloudflare KV: ${reason}`);
  }
  await other.stop();
});

test('a key that was not seen is removed all the same: the read may be an old answer', async () => {
  const stale = watched(binding, ({ method }) =>
    method === 'getWithMetadata' ? Promise.resolve(new Map()) : undefined,
  );
  await bound().setMany([entry('a')]);
  assert.is(await bound(stale).deleteMany(['a']), 0);
  assert.is(await stored('~a'), null);
});

test('a part that fails is told to the context, and rejects without one', async () => {
  const keys = keysOf(250);
  const isSecond = ({ method, arguments: [names] }: AskedOfBinding) =>
    method === 'getWithMetadata' && (names as string[]).includes('~k:150');
  const failing = watched(binding, (call) =>
    isSecond(call) ? Promise.reject(new Error(`KV GET_BULK failed: 503 ${SECRET_KEY}`)) : undefined,
  );
  const backend = bound(failing, { concurrency: 1 });
  await restBackend().setMany(keys.map((key) => entry(key)));
  const failures: unknown[] = [];
  const context = { signal: new AbortController().signal, onPartialFailure: (error: unknown) => failures.push(error) };
  const values = await backend.getMany(keys, context);
  assert.equal(
    values.map((value) => value !== undefined),
    keys.map((_, index) => index < 100 || index >= 200),
  );
  assert.is(failures.length, 1);
  assertTellsNothing(failures[0]);
  assert.match((failures[0] as Error).message, /HTTP 503/);
  assertTellsNothing(await rejection(backend.getMany(keys)));
  assertTellsNothing(await rejection(backend.getMany(keys.slice(100, 200), context)));
  assert.is(failures.length, 1, 'nothing was read: that is no partial failure');
});

test('a request that is not answered ends in time, and no other is started', async () => {
  const silent = watched(binding, () => new Promise(() => {}));
  const overRest = restBackend({ requestTimeout: 50, concurrency: 2 });
  rest.trouble = () => 'silence';
  const overBinding = bound(silent, { requestTimeout: 50, concurrency: 2 });
  for (const [backend, asked] of [
    [overBinding, silent],
    [overRest, rest],
  ] as const) {
    asked.asked.length = 0;
    const calls = [() => backend.getMany(keysOf(900)), () => backend.deleteMany(keysOf(900)), () => backend.clear('a')];
    for (const call of calls) {
      assert.is((await rejection(call())).message, 'Cloudflare KV: no answer in time');
    }
    assert.is(asked.asked.length, 2 + 2 + 1);
    const error = await rejection(backend.setMany(keysOf(2500).map((key) => entry(key))));
    assert.is(error.message, 'Cloudflare KV: 2500 of 2500 writes failed: no answer in time');
    assert.is(asked.asked.length, 2 + 2 + 1 + 2);
    assert.is((await backend.health()).ok, false);
    await backend.close();
  }
});

test('an answer whose end does not come ends in time too', async () => {
  const { createServer } = await import('node:http');
  const server = createServer((_, response) => void response.writeHead(200).write('{"success":true,'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const baseUrl = `http://127.0.0.1:${port}/`;
  const backend = new CloudflareKVBackend({ ...rest.access, baseUrl, requestTimeout: 50 });
  assert.is((await rejection(backend.getMany(['a']))).message, 'Cloudflare KV: no answer in time');
  server.close();
  server.closeAllConnections();
});

test('a reader who gives up gets what there is', async () => {
  const keys = keysOf(300);
  await restBackend().setMany(keys.map((key) => entry(key)));
  const controller = new AbortController();
  const halting = (names: unknown) => {
    if ((names as string[])[0] !== '~k:100') return false;
    controller.abort();
    return true;
  };
  for (const over of ['binding', 'rest']) {
    const stuck = watched(binding, ({ arguments: [names] }) => (halting(names) ? new Promise(() => {}) : undefined));
    const options = { concurrency: 1 };
    const backend = over === 'rest' ? restBackend(options) : bound(stuck, options);
    rest.trouble = ({ body }) => (halting((body as { keys: string[] }).keys) ? 'silence' : undefined);
    const failures: Error[] = [];
    const { signal } = controller;
    const context = { signal, onPartialFailure: (error: unknown) => failures.push(error as Error) };
    if (over === 'binding') {
      const values = await backend.getMany(keys, context);
      assert.is(values.filter((value) => value).length, 100);
      assert.match(failures[0]?.message ?? '', /no answer in time/);
      assert.is(stuck.asked.length, 2, 'the third part is not asked for');
    }
    // Aborted before: nothing is asked.
    const before = rest.asked.length + stuck.asked.length;
    assert.match((await rejection(backend.getMany(keys, context))).message, /no answer in time/);
    assert.is(rest.asked.length + stuck.asked.length, before);
  }
});

test('a reader who gives up ends the request over the REST API', async () => {
  const backend = restBackend();
  rest.trouble = () => 'silence';
  const controller = new AbortController();
  const reading = rejection(backend.getMany(['a'], { signal: controller.signal, onPartialFailure: () => {} }));
  await until('it is asked', () => rest.asked.length === 1);
  controller.abort();
  assert.is((await reading).message, 'Cloudflare KV: no answer in time');
});

test('an empty batch asks nothing, and keys that KV cannot hold are not asked for', async () => {
  const watch = watched(binding);
  for (const backend of [bound(watch), restBackend()]) {
    const long = 'k'.repeat(512);
    assert.equal(await backend.getMany([long]), [undefined]);
    assert.is(await backend.deleteMany([long]), 0);
    assert.is(await backend.clear(long), 0);
    await backend.getMany([]);
    await backend.setMany([]);
    await backend.deleteMany([]);
  }
  assert.is(watch.asked.length + rest.asked.length, 0);
});

test('cacheTtl goes with every read, in whole seconds', async () => {
  const watch = watched(binding);
  const backend = bound(watch, { cacheTtl: 90_500 });
  await backend.getMany(['a']);
  await backend.deleteMany(['a']);
  await bound(watch).getMany(['a']);
  const options = watch.asked.filter(({ method }) => method === 'getWithMetadata').map((call) => call.arguments[1]);
  assert.equal(options, [{ type: 'text', cacheTtl: 91 }, { type: 'text', cacheTtl: 91 }, { type: 'text' }]);
});

const VARIABLES = ['CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_KV_NAMESPACE_ID', 'CLOUDFLARE_API_TOKEN'] as const;

test('the environment says what no option does', async () => {
  const before = VARIABLES.map((name) => process.env[name]);
  const { baseUrl, accountId, namespaceId, token } = rest.access;
  rest.trouble = () => undefined;
  try {
    [accountId, namespaceId, token].forEach((value, index) => {
      process.env[VARIABLES[index] as string] = value;
    });
    const backend = new CloudflareKVBackend({ baseUrl });
    assert.ok((await backend.health()).ok);
    const other = new CloudflareKVBackend({ baseUrl, namespaceId: 'another' });
    assert.match((await other.health()).detail ?? '', /HTTP 404/, 'an option goes first');
    process.env.CLOUDFLARE_API_TOKEN = 'nobody-may\nsee';
    assert.throws(
      () => new CloudflareKVBackend({ baseUrl }),
      (error: InvalidOptionError) => error.option === 'token' && !/nobody-may/.test(error.message),
    );
    for (const [index, name] of VARIABLES.entries()) {
      delete process.env[name];
      assert.throws(
        () => new CloudflareKVBackend(),
        (error: InvalidOptionError) => error.option === 'accountId' && error.message.includes('CLOUDFLARE_ACCOUNT_ID'),
        String(index),
      );
    }
  } finally {
    VARIABLES.forEach((name, index) => {
      if (before[index] === undefined) delete process.env[name];
      else process.env[name] = before[index];
    });
  }
});

test('options are checked', () => {
  const { accountId } = rest.access;
  const cases: [unknown, string][] = [
    [{ binding: {} }, 'binding'],
    [{ binding: { ...binding, list: 'no function' } }, 'binding'],
    [{ binding, token: 't' }, 'token'],
    [{ binding, accountId }, 'accountId'],
    [{ binding, baseUrl: 'https://x' }, 'baseUrl'],
    [{ accountId: 'a/../b' }, 'accountId'],
    [{ accountId, namespaceId: '' }, 'namespaceId'],
    [{ ...rest.access, token: 'a b' }, 'token'],
    [{ ...rest.access, baseUrl: 'ftp://x' }, 'baseUrl'],
    [{ ...rest.access, baseUrl: 'https://x?y' }, 'baseUrl'],
    [{ ...rest.access, cacheTtl: '60s' }, 'cacheTtl'],
    [{ binding, cacheTtl: '29s' }, 'cacheTtl'],
    [{ binding, concurrency: 0 }, 'concurrency'],
    [{ binding, concurrency: 1.5 }, 'concurrency'],
    [{ binding, requestTimeout: 0 }, 'requestTimeout'],
    [{ binding, ttl: 'never' }, 'ttl'],
    [{ binding, namespace: 'x' }, 'namespace'],
    [[], 'CloudflareKVBackend options'],
  ];
  for (const [options, name] of cases) {
    assert.throws(
      () => new CloudflareKVBackend(options as CloudflareKVBackendOptions),
      (error: unknown) => error instanceof InvalidOptionError && error.option === name,
      inspect(options),
    );
  }
});

test("a user's KVNamespace is a binding", () => {
  // That this compiles is the test.
  const take = (namespace: KVNamespace): KVBinding => namespace;
  const options = (namespace: KVNamespace): CloudflareKVBackendOptions => ({ binding: namespace });
  assert.type(take, 'function');
  assert.type(options, 'function');
});

backendContract('CloudflareKVBackend: a binding of workerd', {
  open: () => new CloudflareKVBackend({ binding: contractKv.binding, ...PATIENT }),
  many: 600,
  capabilities: [],
  after: contractKv.stop,
});
backendContract('CloudflareKVBackend: a stand-in for the REST API over workerd', {
  open: () => new CloudflareKVBackend({ ...contractRest.access, ...PATIENT }),
  many: 600,
  capabilities: [],
  after: async () => {
    await contractRest.stop();
    await contractRestKv.stop();
  },
});
test.run();
