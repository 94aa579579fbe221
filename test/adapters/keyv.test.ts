import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import Keyv, { type KeyvStoreAdapter } from 'keyv';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KeyvStore } from '../../src/adapters/keyv.js';
import type { BackendEntry, CacheBackend } from '../../src/backends/backend.js';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { SqliteBackend } from '../../src/backends/sqlite/sqlite.js';
import { createCache } from '../../src/cache/cache.js';
import { BackendError, InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { createValueCodec } from '../../src/values/codec.js';
import { scripted } from '../support/backends.js';
import { startRedis } from '../support/redis-server.js';
import { rejection } from '../support/rejection.js';

const test = suite('keyv');
const redis = await startRedis();
const folder = mkdtempSync(join(tmpdir(), 'vecstash-keyv-'));
test.after(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

const BACKENDS: Record<string, () => CacheBackend> = {
  memory: () => new MemoryBackend(),
  SQLite: () => new SqliteBackend({ path: join(folder, 'cache.sqlite') }),
  Redis: () => new RedisBackend(redis.url),
  'memory before Redis': () => new HybridBackend(new MemoryBackend(), new RedisBackend(redis.url)),
};

/** The store is what Keyv's own types ask for. */
export const typed: Pick<
  KeyvStoreAdapter,
  'opts' | 'namespace' | 'get' | 'set' | 'delete' | 'clear' | 'has' | 'getMany'
> = new KeyvStore(new MemoryBackend());

/** Every method of a Keyv works over every backend. */
for (const [name, open] of Object.entries(BACKENDS)) {
  test(`over ${name}: what was set is found, by one read, until it is removed or over`, async () => {
    const store = new KeyvStore(open());
    const keyv = new Keyv({ store, namespace: `over ${name}`, throwOnErrors: true });
    await keyv.clear();
    const value = { text: 'é', bytes: Buffer.from([0, 255]), none: null, list: [1, 'two', false] };
    assert.is(await keyv.set('a', value), true);
    assert.equal(await keyv.get('a'), value);
    assert.equal(
      await keyv.setMany([
        { key: 'b', value: 0 },
        { key: 'c', value: '' },
        { key: 'd', value: null, ttl: 3_600_000 },
      ]),
      [true, true, true],
    );
    assert.equal(await keyv.getMany(['a', 'none', 'b', 'c', 'd', 'a']), [value, undefined, 0, '', null, value]);
    assert.equal(await keyv.hasMany(['d', 'none']), [true, false]);
    assert.is(await keyv.delete('a'), true);
    assert.is(await keyv.delete('a'), false);
    assert.is(await keyv.delete(['b', 'none']), true);
    assert.is(await keyv.has('c'), true);
    await keyv.set('short', 1, 30);
    await until('it expires', async () => (await keyv.get('short')) === undefined);
    // By the backend, and not by Keyv alone. L1 of two tiers may keep a copy for longer.
    if (!name.includes('before')) {
      await store.set('raw', 'x', 30);
      await until('the store forgets it', async () => !(await store.has('raw')));
    }
    await keyv.clear();
    assert.is(await keyv.has('c'), false);
    await keyv.disconnect();
  });
}

test('a TTL is the backend’s, in milliseconds, and one that is none is none', async () => {
  const written: BackendEntry[] = [];
  const store = new KeyvStore(scripted({ setMany: async (entries) => void written.push(...entries) }));
  const ttls = [1500, 0, undefined, Number.NaN, Number.POSITIVE_INFINITY, -5];
  for (const ttl of ttls) await store.set('k', 'v', ttl);
  assert.equal(
    written.map(({ ttlMs }) => ttlMs),
    [1500, undefined, undefined, undefined, undefined, 1],
  );
});

test('any text is a key, and any a namespace', async () => {
  const backend = new MemoryBackend();
  const texts = fc.oneof(
    fc.constantFrom(
      '',
      'a',
      'A',
      'a:b',
      ':',
      '@',
      '\ud800',
      '\udfff',
      '*',
      '\u0000',
      'é',
      'e\u0301',
      'k'.repeat(5000),
      '../x',
    ),
    fc.string({ unit: 'binary', maxLength: 50 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(texts, { maxLength: 8 }),
      fc.uniqueArray(texts.filter(Boolean), { minLength: 2, maxLength: 2 }),
      async (keys, namespaces) => {
        const [one, other, none] = [...namespaces, undefined].map(
          (namespace) => new KeyvStore(backend, { namespace }),
        ) as [KeyvStore, KeyvStore, KeyvStore];
        for (const [at, store] of [one, other, none].entries())
          await store.setMany(keys.map((key, place) => ({ key, value: `${at}-${place}` })));
        for (const [at, store] of [one, other, none].entries())
          assert.equal(
            await store.getMany(keys),
            keys.map((_, place) => `${at}-${place}`),
          );
        await one.clear();
        assert.equal(
          await one.getMany(keys),
          keys.map(() => undefined),
        );
        assert.equal(
          await other.getMany(keys),
          keys.map((_, place) => `1-${place}`),
        );
        await none.clear();
        assert.equal(
          await other.getMany(keys),
          keys.map((_, place) => `1-${place}`),
        );
        await other.clear();
        assert.is(backend.size, 0);
      },
    ),
    { numRuns: 200 },
  );
});

test('keys in the backend tell nothing, are short, and lie apart from those of a cache', async () => {
  const keys: string[] = [];
  const backend = new MemoryBackend();
  const setMany = backend.setMany.bind(backend);
  backend.setMany = (entries) => {
    keys.push(...entries.map(({ key }) => key).filter((key) => key.includes('keyv')));
    return setMany(entries);
  };
  const cache = createCache({ backend });
  await cache.values('users').set('a', 1);
  const users = new Keyv({ store: new KeyvStore(backend), namespace: 'users' });
  await users.set('somebody@example.com', 'x');
  await new Keyv({ store: new KeyvStore(backend), namespace: 'n'.repeat(300) }).set('k'.repeat(2000), 'x');
  assert.match(keys[0] ?? '', /^vecstash:@keyv:v1:users:[\w-]{22}$/);
  assert.match(keys[1] ?? '', /^vecstash:@keyv:v1:@[\w-]{22}:[\w-]{22}$/);
  await users.clear();
  assert.is(await cache.values('users').get('a'), 1);
  await users.set('a', 2);
  await cache.clear();
  assert.is(await users.get('a'), 2);
});

test('what is stored is a record of a value, and what is not one is not found', async () => {
  const backend = new MemoryBackend();
  let key = '';
  const setMany = backend.setMany.bind(backend);
  backend.setMany = (entries) => {
    key = entries[0]?.key ?? '';
    return setMany(entries);
  };
  const keyv = new Keyv({ store: new KeyvStore(backend) });
  await keyv.set('a', 'x'.repeat(5000));
  const [record] = await backend.getMany([key]);
  assert.is(createValueCodec().decodeOne(key, record as Uint8Array), JSON.stringify({ value: 'x'.repeat(5000) }));
  assert.ok((record?.length ?? 0) < 500, 'compressed');
  // Under another key, cut short, and changed.
  await keyv.set('b', 'other');
  const damaged = Uint8Array.from(record as Uint8Array);
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 1;
  for (const value of [record, record?.subarray(0, 40), new Uint8Array(0), Buffer.from('{"value":1}')]) {
    await setMany([{ key, value: value as Uint8Array }]);
    assert.is(await keyv.get('b'), undefined);
    assert.equal(await keyv.getMany(['b', 'a']), [undefined, 'x'.repeat(5000)]);
    assert.is(await keyv.has('b'), false);
  }
});

test('a Keyv without a serializer stores what msgpack holds', async () => {
  const off = { serialize: undefined, deserialize: undefined } as object;
  const keyv = new Keyv({ store: new KeyvStore(new MemoryBackend()), ...off });
  const value = { at: new Date(1), set: new Set([1]), list: [1n, 'x'] };
  assert.is(await keyv.set('a', value), true);
  assert.equal(await keyv.get('a'), value);
});

test('what fails is an event, finds nothing, changes nothing, and is never unhandled', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on('unhandledRejection', note);
  const down = async (): Promise<never> => {
    throw new BackendError('down');
  };
  const backend = scripted({ getMany: down, setMany: down, deleteMany: down, clear: down, close: down });
  for (const isHeard of [true, false]) {
    const keyv = new Keyv({ store: new KeyvStore(backend), emitErrors: true });
    const errors: Error[] = [];
    if (isHeard) keyv.on('error', (error) => errors.push(error));
    const calls: [() => Promise<unknown>, unknown][] = [
      [() => keyv.get('a'), undefined],
      [() => keyv.getMany(['a', 'b']), [undefined, undefined]],
      [() => keyv.has('a'), false],
      [() => keyv.hasMany(['a', 'b']), [false, false]],
      [() => keyv.set('a', 1), false],
      [
        () =>
          keyv.setMany([
            { key: 'a', value: 1 },
            { key: 'b', value: 2 },
          ]),
        [false, false],
      ],
      [() => keyv.delete('a'), false],
      [() => keyv.delete(['a', 'b']), false],
      [() => keyv.clear(), undefined],
      [() => keyv.disconnect(), undefined],
    ];
    for (const [call, expected] of calls) {
      errors.length = 0;
      assert.equal(await call(), expected);
      if (isHeard)
        assert.equal(
          errors.map(({ message }) => message),
          ['down'],
        );
    }
  }
  const strict = new Keyv({ store: new KeyvStore(backend, { throwOnErrors: true }), throwOnErrors: true });
  for (const call of [
    () => strict.get('a'),
    () => strict.getMany(['a']),
    () => strict.set('a', 1),
    () => strict.delete('a'),
    () => strict.clear(),
  ])
    assert.is((await rejection(call())).message, 'down');
  await new Promise(setImmediate);
  process.off('unhandledRejection', note);
  assert.equal(unhandled, []);
});

test('a part that cannot be read is an event, and the rest is returned', async () => {
  const held = new MemoryBackend();
  const backend = scripted({
    setMany: (entries) => held.setMany(entries),
    getMany: async (keys, context) => {
      context?.onPartialFailure(new BackendError('a node is away'));
      return [undefined, ...(await held.getMany(keys.slice(1)))];
    },
  });
  for (const throwOnErrors of [false, true]) {
    const store = new KeyvStore(backend, { throwOnErrors });
    const errors: unknown[] = [];
    store.on('error', (error) => errors.push((error as Error).message));
    await store.setMany([
      { key: 'a', value: 'x' },
      { key: 'b', value: 'y' },
    ]);
    const read = store.getMany(['a', 'b']);
    if (throwOnErrors) assert.is((await rejection(read)).message, 'a node is away');
    else assert.equal(await read, [undefined, 'y']);
    assert.equal(errors, ['a node is away']);
  }
});

test('what cannot be stored is refused, and named', async () => {
  const store = new KeyvStore(new MemoryBackend(), { maxValueBytes: 100 });
  const errors: string[] = [];
  const listener = (error: unknown) => void errors.push((error as { code: string }).code);
  store.on('error', listener);
  for (const value of ['x'.repeat(200), undefined, () => {}, '\ud800']) assert.is(await store.set('a', value), false);
  store.off('error', listener);
  assert.is(await store.set('a', undefined), false);
  assert.equal(errors, ['INVALID_INPUT', 'INVALID_INPUT', 'INVALID_INPUT', 'INVALID_INPUT']);
});

test('keys and namespaces that are no text are refused, and named', async () => {
  const calls: [(store: KeyvStore) => Promise<unknown>, string, unknown][] = [
    [(store) => store.get(5 as never), 'key', undefined],
    [(store) => store.has(undefined as never), 'key', false],
    [(store) => store.set(null as never, 1), 'key', false],
    [(store) => store.delete(Symbol('a') as never), 'key', false],
    [(store) => store.getMany(['a', 5 as never]), 'keys[1]', [undefined, undefined]],
    [(store) => store.hasMany([new Uint8Array(1) as never]), 'keys[0]', [false]],
    [(store) => store.deleteMany(['a', {} as never]), 'keys[1]', false],
    [(store) => store.getMany('ab' as never), 'keys', []],
    [(store) => store.setMany([{ key: 5 as never, value: 1 }]), 'entries[0].key', [false]],
    [(store) => store.setMany([null as never]), 'entries[0].key', [false]],
    [(store) => store.setMany(undefined as never), 'entries', []],
  ];
  for (const [call, field, otherwise] of calls) {
    const store = new KeyvStore(new MemoryBackend());
    const errors: InvalidInputError[] = [];
    store.on('error', (error) => void errors.push(error as InvalidInputError));
    assert.equal(await call(store), otherwise, field);
    const strict = await rejection(call(new KeyvStore(new MemoryBackend(), { throwOnErrors: true })));
    for (const error of [...errors, strict]) {
      assert.instance(error, InvalidInputError);
      assert.is((error as InvalidInputError).field, field);
    }
    assert.is(errors.length, 1);
  }
  const store = new KeyvStore(new MemoryBackend(), { namespace: 'a' });
  for (const namespace of [5, {}, Symbol('a')] as never[]) {
    assert.throws(
      () => {
        store.namespace = namespace;
      },
      (error: InvalidInputError) => error instanceof InvalidInputError && error.field === 'namespace',
    );
    assert.is(store.namespace, 'a');
  }
  store.namespace = undefined;
  assert.is(store.namespace, undefined);
});

test('options and backends that are none are refused', () => {
  const refused = (backend: unknown, options?: object) => {
    try {
      new KeyvStore(backend as CacheBackend, options as never);
    } catch (error) {
      assert.instance(error, InvalidOptionError);
      return (error as InvalidOptionError).option;
    }
    return undefined;
  };
  for (const backend of [undefined, null, {}, new Map(), 'redis://x']) assert.is(refused(backend), 'backend');
  const backend = new MemoryBackend();
  assert.is(refused(backend, { keyPrefix: 'a:b' }), 'keyPrefix');
  assert.is(refused(backend, { namespace: 1 }), 'namespace');
  assert.is(refused(backend, { compression: 'gzip' }), 'compression');
  assert.is(refused(backend, { url: 'x' }), 'url');
  assert.is(refused(backend, { keyPrefix: 'a', namespace: '', throwOnErrors: true, compression: 'none' }), undefined);
});

test.run();
