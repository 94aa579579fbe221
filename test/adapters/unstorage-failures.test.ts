import { createStorage, type Driver } from 'unstorage';
import memory from 'unstorage/drivers/memory';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UnstorageBackend } from '../../src/adapters/unstorage.js';
import { nameOf } from '../../src/adapters/unstorage-names.js';
import { createCache } from '../../src/cache/cache.js';
import { VecstashError } from '../../src/errors.js';
import { deferred, testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('unstorage whose driver fails');
const DIMENSIONS = 16;
const TEXTS = ['a', 'b', 'c'];
const expected = TEXTS.map((text) => bytesOf(prf(text, DIMENSIONS)));

const over = deferred<never>();
const never = () => over.promise;
test.after(() => over.reject(new Error('the tests are over')));

const secret = 'vecstash:key-of-somebody?token=xyz';
const fail = () => {
  throw Object.assign(new Error(`[unstorage] ${secret}`), { key: secret });
};
const reject = async () => fail();

/** What a driver does wrong, and what the cache counts it as, for each text. */
const faults: Record<string, { change: Partial<Driver>; counted: 'errors' | 'corrupt' | 'misses' }> = {
  'throws at reads': { change: { getItemRaw: fail }, counted: 'errors' },
  'rejects reads': { change: { getItemRaw: reject }, counted: 'errors' },
  'throws at writes': { change: { setItemRaw: fail }, counted: 'errors' },
  'rejects everything': { change: { getItemRaw: reject, setItemRaw: reject, removeItem: reject }, counted: 'errors' },
  'never answers a read': { change: { getItemRaw: never }, counted: 'errors' },
  'never answers a write': { change: { setItemRaw: never }, counted: 'errors' },
  'returns undefined': { change: { getItemRaw: () => undefined }, counted: 'misses' },
  'returns an empty value': { change: { getItemRaw: () => new Uint8Array(0) }, counted: 'misses' },
  'returns text': { change: { getItemRaw: () => 'hello' }, counted: 'corrupt' },
  'returns base64 of what is none of ours': {
    change: { getItemRaw: () => `base64:${Buffer.alloc(40, 0x7f).toString('base64')}` },
    counted: 'corrupt',
  },
  'returns what ended long ago': { change: { getItemRaw: () => new Uint8Array(40) }, counted: 'misses' },
  'returns an object': { change: { getItemRaw: () => ({ type: 'Buffer', data: [1, 2] }) }, counted: 'corrupt' },
  'returns a number': { change: { getItemRaw: () => 7 }, counted: 'corrupt' },
  'returns a function': { change: { getItemRaw: () => () => {} }, counted: 'corrupt' },
};

for (const [what, { change, counted }] of Object.entries(faults)) {
  test(`${what}: the model answers, nothing is rejected, and it is counted`, async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => void unhandled.push(error);
    process.on('unhandledRejection', note);
    for (const storage of [{ ...memory(), ...change }, createStorage({ driver: { ...memory(), ...change } })]) {
      const model = testModel(DIMENSIONS);
      const cache = createCache({
        backend: new UnstorageBackend(storage, { requestTimeout: 20 }),
        readTimeout: 50,
      });
      const docs = cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, embed: model.embed });
      assert.equal((await docs.embed(TEXTS)).map(bytesOf), expected);
      assert.equal((await docs.embed(TEXTS)).map(bytesOf), expected);
      const stats = cache.stats().docs;
      assert.is(stats?.hits, what.includes('write') ? stats?.hits : 0);
      if (counted !== 'misses') assert.ok((stats?.[counted] ?? 0) > 0, `${JSON.stringify(stats)}`);
      await cache.close().catch(() => {});
    }
    await new Promise(setImmediate);
    process.off('unhandledRejection', note);
    assert.equal(unhandled, []);
  });
}

test('one item that cannot be read is told of, and the others are returned', async () => {
  const held = memory();
  const bad = nameOf('vecstash', 'b');
  const backend = new UnstorageBackend({
    ...held,
    getItemRaw: (key: string) => (key === bad ? fail() : held.getItemRaw?.(key, {})),
  });
  await backend.setMany(['a', 'b', 'c'].map((key, index) => ({ key, value: Uint8Array.of(index) })));
  const failures: unknown[] = [];
  const values = await backend.getMany(['a', 'b', 'c'], {
    signal: new AbortController().signal,
    onPartialFailure: (error) => failures.push(error),
  });
  assert.equal(
    values.map((value) => value?.[0]),
    [0, undefined, 2],
  );
  assert.is(failures.length, 1);
});

test('a removal that a driver refuses rejects', async () => {
  const backend = new UnstorageBackend({ ...memory(), removeItem: reject });
  await backend.setMany([{ key: 'a', value: Uint8Array.of(1) }]);
  for (const call of [() => backend.deleteMany(['a']), () => backend.clear('')])
    assert.instance(await rejection(call()), VecstashError);
  const unlisted = new UnstorageBackend({ ...memory(), name: 'vercel-runtime-cache', getKeys: () => [] });
  assert.match((await rejection(unlisted.clear(''))).message, /lists no keys/);
});

test('what is no record is removed like one', async () => {
  const held = memory();
  const backend = new UnstorageBackend(held);
  held.setItemRaw?.(nameOf('vecstash', 'a'), { not: 'bytes' }, {});
  await backend.clear('');
  assert.equal(await held.getKeys('', {}), []);
});

test('no error tells a key', async () => {
  const backend = new UnstorageBackend({ ...memory(), getItemRaw: fail, setItemRaw: reject, getKeys: reject });
  const key = 'key-of-somebody';
  const errors = [
    await rejection(backend.getMany([key])),
    await rejection(backend.setMany([{ key, value: Uint8Array.of(1) }])),
    await rejection(backend.clear(key)),
  ];
  for (const error of errors) {
    const told = [error.message, error.stack, JSON.stringify(error), String(error.cause), JSON.stringify(error.cause)];
    assert.not.ok(told.join().includes(key), told.join());
  }
  assert.is((await backend.health()).ok, false);
});

test.run();
