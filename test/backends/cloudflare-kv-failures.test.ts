import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudflareKVBackend } from '../../src/backends/cloudflare-kv/cloudflare-kv.js';
import { until } from '../../src/testing/until.js';
import { PATIENT, startKvBothWays } from '../support/cloudflare-backends.js';
import { type AskedOfBinding, watched } from '../support/cloudflare-kv.js';
import { startKvRest } from '../support/cloudflare-rest.js';
import { entry, keysOf, plain } from '../support/entries.js';
import { reader } from '../support/reader.js';
import { rejection } from '../support/rejection.js';
import { assertTellsNothing, SECRET_KEY, SECRET_VALUE } from '../support/secrets.js';

const { binding, rest, bound, restBackend, stop } = await startKvBothWays();
const test = suite('CloudflareKVBackend, failures');

/** What every call that can fail without a value rejects with. */
const rejections = (backend: CloudflareKVBackend) =>
  Promise.all(
    [backend.getMany([SECRET_KEY]), backend.deleteMany([SECRET_KEY]), backend.clear(SECRET_KEY)].map(rejection),
  );

const refusal = (status: number, code: number) => ({
  status,
  body: JSON.stringify({ success: false, errors: [{ code, message: SECRET_KEY }], result: null }),
});

test.before.each(async () => {
  await bound().clear('');
});
test.after(stop);

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

test('what cannot be counted is removed all the same, and the removal rejects', async () => {
  const unread = watched(binding, ({ method }) =>
    method === 'getWithMetadata' ? Promise.reject(new Error('KV GET_BULK failed: 503 Oh')) : undefined,
  );
  await bound().setMany([entry('a'), entry('b')]);
  assert.is((await rejection(bound(unread).deleteMany(['a']))).message, 'Cloudflare KV: HTTP 503');
  const large = { key: 'b', value: new Uint8Array(18_000_001) };
  assert.is((await rejection(bound(unread).setMany([large]))).message, 'Cloudflare KV: HTTP 503');
  assert.equal(await bound().getMany(['a', 'b']), [undefined, undefined]);
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
  const { failures, context } = reader();
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
    const { failures, context } = reader(controller);
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

test.run();
