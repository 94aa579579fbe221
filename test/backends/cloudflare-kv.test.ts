import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudflareKVBackend } from '../../src/backends/cloudflare-kv/cloudflare-kv.js';
import { until } from '../../src/testing/until.js';
import { PATIENT, startKvBothWays } from '../support/cloudflare-backends.js';
import { watched } from '../support/cloudflare-kv.js';
import { startKvRest } from '../support/cloudflare-rest.js';
import { entry, keysOf, plain } from '../support/entries.js';

const { binding, rest, bound, restBackend, stop } = await startKvBothWays();
const test = suite('CloudflareKVBackend');

const restPaths = () => rest.asked.map(({ method, path }) => `${method} ${path}`);
const stored = async (name: string) => (await binding.getWithMetadata([name], { type: 'text' })).get(name);
const listed = async (name: string) =>
  (await binding.list({ prefix: name })).keys[0] as { name: string; expiration?: number; metadata?: unknown };

test.before.each(async () => {
  await bound().clear('');
});
test.after(stop);

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

test('calls take effect in their order, however late the first is', async () => {
  let arrive = () => {};
  const after = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const late = watched(binding, ({ method, arguments: [key, value] }) =>
    method === 'put' && key === '~a' ? after.then(() => binding.put(key as string, value as string)) : undefined,
  );
  const backend = bound(late);
  const pending = [backend.setMany([entry('a')]), backend.deleteMany(['a'])];
  // Other keys wait for nothing.
  await backend.setMany([entry('b')]);
  arrive();
  await Promise.all(pending);
  assert.equal(await backend.getMany(['a']), [undefined]);
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

test('KV is asked for its own floor of 60 s, and a shorter TTL ends in time', async () => {
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
    for (const [found, ttl] of [
      [minute, 60_000],
      [long, 90_001],
    ] as const) {
      assert.ok(found && found.own >= before + ttl && found.own <= after + ttl);
      assert.ok(found.kv >= found.own, 'KV keeps it no shorter than it lives');
      assert.ok(found.kv <= after + ttl + 2000);
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
  for (const [key, ttl] of [
    ['a', 3_600_000],
    ['b', 120_000],
  ] as const) {
    const ends = ((await listed(`~${key}`)).expiration as number) * 1000;
    assert.ok(ends >= before + ttl && ends <= after + ttl + 2000);
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

test('a key that was not seen is removed all the same: the read may be an old answer', async () => {
  const stale = watched(binding, ({ method }) =>
    method === 'getWithMetadata' ? Promise.resolve(new Map()) : undefined,
  );
  await bound().setMany([entry('a')]);
  assert.is(await bound(stale).deleteMany(['a']), 0);
  assert.is(await stored('~a'), null);
});

test.run();
