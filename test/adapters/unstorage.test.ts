import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { createStorage, type Driver, prefixStorage, type Storage } from 'unstorage';
import fsLite from 'unstorage/drivers/fs-lite';
import lru from 'unstorage/drivers/lru-cache';
import memory from 'unstorage/drivers/memory';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UnstorageBackend, type UnstorageDriver } from '../../src/adapters/unstorage.js';
import { folderOf, keyOf, nameOf } from '../../src/adapters/unstorage-names.js';
import { createCache } from '../../src/cache/cache.js';
import { InvalidOptionError } from '../../src/errors.js';
import { backendContract } from '../contract/backend-contract.js';
import { prf } from '../support/prf.js';

const test = suite('unstorage');
const folder = mkdtempSync(join(tmpdir(), 'vecstash-unstorage-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (...values: number[]) => Uint8Array.from(values);
const all = Uint8Array.from({ length: 256 }, (_, value) => value);
const STRANGE = [
  '',
  ':',
  '::',
  'a',
  'a:',
  ':a',
  'a:b',
  'A',
  '.',
  '..',
  '../a',
  'a/b',
  'a\\b',
  'a?b',
  'a$',
  '%2e',
  'con',
];
const keys = fc.oneof(
  fc.constantFrom(...STRANGE),
  fc
    .array(fc.constantFrom(':', '_', '-', 'a', 'A', 'é', '/', '$', '.', 'x'.repeat(199), '\ufeff'), { maxLength: 8 })
    .map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 300 }),
);

test('a name is read back as its key, in a form that nothing rewrites', () => {
  fc.assert(
    fc.property(keys, (key) => {
      const name = nameOf('base', key);
      assert.is(keyOf('base', name), key);
      const segments = name.split(':');
      for (const segment of segments) {
        assert.match(segment, /^[a-z0-9_-]{1,202}$/);
        assert.not.match(segment, /^(con|prn|aux|nul|com\d|lpt\d)_?$/);
      }
      assert.ok(
        segments.slice(1).every((segment, at) => (at === segments.length - 2) === /(?:^|[^_])_$/.test(segment)),
      );
    }),
    { numRuns: 2000 },
  );
});

test('no record stands where another has a folder', () => {
  fc.assert(
    fc.property(fc.uniqueArray(keys, { maxLength: 12 }), (some) => {
      const names = some.map((key) => nameOf('base', key));
      for (const name of names) assert.not.ok(names.some((other) => other.startsWith(`${name}:`)));
      assert.is(new Set(names).size, some.length);
    }),
    { numRuns: 500 },
  );
});

test('the folder of a prefix holds all keys that start with it', () => {
  fc.assert(
    fc.property(keys, fc.nat(20), (key, length) => {
      const prefix = [...key].slice(0, length).join('');
      assert.ok(nameOf('base', key).startsWith(`${folderOf('base', prefix)}:`));
    }),
    { numRuns: 1000 },
  );
});

test('items of others are neither read nor cleared, whatever they are called', async () => {
  const storage = createStorage();
  const others = ['other', 'vecstash', 'vecstash:plain', 'vecstash:A_', 'vecstash:_zz_', 'vecstash:a__'];
  for (const name of others) await storage.setItemRaw(name, bytes(1));
  const backend = new UnstorageBackend(storage);
  await backend.setMany([{ key: 'a', value: bytes(1) }]);
  assert.is(await backend.clear(''), 1);
  assert.equal((await storage.getKeys()).sort(), [...others].sort());
});

/** Drivers that return bytes in each of the ways that unstorage's own do, and their names. */
const shapes: Record<string, (value: Uint8Array) => unknown> = {
  'a Buffer': (value) => Buffer.from(value),
  'an ArrayBuffer': (value) => new Uint8Array(value).buffer,
  'a Uint8Array': (value) => new Uint8Array(value),
};

function driverOf(change: Partial<Driver>): Driver {
  return { ...memory(), ...change };
}

for (const [shape, make] of Object.entries(shapes)) {
  test(`a driver that returns ${shape} keeps every byte`, async () => {
    const held = memory();
    const driver = driverOf({
      ...held,
      getItemRaw: (key) => {
        const value = held.getItemRaw?.(key, {});
        return value ? make(value as Uint8Array) : null;
      },
    });
    for (const storage of [driver, createStorage({ driver })]) {
      const backend = new UnstorageBackend(storage);
      await backend.setMany([{ key: 'all', value: all }]);
      assert.equal(
        (await backend.getMany(['all', 'none'])).map((value) => value && [...value]),
        [[...all], undefined],
      );
    }
  });
}

/** A driver that keeps text alone, as UTF-8 does. */
function textDriver(): Driver {
  const { getItemRaw: _, setItemRaw: __, ...text } = memory();
  return { ...text, setItem: (key, value, options) => text.setItem?.(key, Buffer.from(value).toString(), options) };
}

test('behind a prefix the drivers of all mounts decide', async () => {
  const mounted = (driver: Driver) => {
    const storage = createStorage();
    storage.mount('data', driver);
    return storage;
  };
  // The mount that is asked for without its prefix is the memory driver, which keeps bytes.
  const held = textDriver();
  const text = mounted(held);
  const backend = new UnstorageBackend(prefixStorage(text, 'data'));
  const direct = new UnstorageBackend(text, { base: 'data:vecstash' });
  await backend.setMany([{ key: 'all', value: all }]);
  for (const each of [backend, direct])
    assert.equal(
      (await each.getMany(['all'])).map((value) => value && [...value]),
      [[...all]],
    );
  assert.match(String(await held.getItem('vecstash:all_')), /^base64:/);
  assert.is(await backend.clear(''), 1);

  const raw = createStorage();
  await new UnstorageBackend(prefixStorage(raw, 'data')).setMany([{ key: 'all', value: all }]);
  assert.equal([...((await raw.getItemRaw('data:vecstash:all_')) as Uint8Array)].slice(-256), [...all]);

  // Only where each driver reads many names in one call is that asked of them.
  const single = mounted({
    ...textDriver(),
    getItems: (): never => {
      throw new Error('a driver beside it cannot');
    },
  });
  const many = new UnstorageBackend(prefixStorage(single, 'data'), { encoding: 'base64' });
  await many.setMany([{ key: 'a', value: bytes(1) }]);
  assert.equal(
    (await many.getMany(['a', 'b'])).map((value) => value && [...value]),
    [[1], undefined],
  );

  for (const name of ['s3', 'vercel-runtime-cache']) {
    const hidden = mounted(driverOf({ name }));
    assert.throws(
      () => new UnstorageBackend(prefixStorage(prefixStorage(hidden, 'data'), 'deeper')),
      (error: InvalidOptionError) => error.option === 'storage' && /prefix.* base: 'PREFIX:/.test(error.message),
    );
    new UnstorageBackend(hidden, { base: 'data:vecstash' });
  }
});

test('a driver that keeps text gets base64, as unstorage itself writes it', async () => {
  for (const storage of [textDriver(), createStorage({ driver: textDriver() })]) {
    const backend = new UnstorageBackend(storage);
    await backend.setMany([{ key: 'all', value: all }]);
    assert.equal([...((await backend.getMany(['all']))[0] as Uint8Array)], [...all]);
    if ('getItemRaw' in storage)
      assert.equal(
        new Uint8Array((await (storage as Storage).getItemRaw(nameOf('vecstash', 'all'))) as Uint8Array).subarray(8),
        all,
      );
  }
});

test('a driver that mangles bytes serves with base64', async () => {
  const text = textDriver();
  const driver = driverOf({
    ...text,
    getItemRaw: text.getItem,
    setItemRaw: (key, value) => text.setItem?.(key, Buffer.from(value).toString(), {}),
  });
  const mangled = new UnstorageBackend(driver);
  await mangled.setMany([{ key: 'all', value: all }]);
  assert.not.equal((await mangled.getMany(['all']))[0], all);
  const backend = new UnstorageBackend(driver, { encoding: 'base64' });
  await backend.setMany([{ key: 'all', value: all }]);
  assert.equal(new Uint8Array((await backend.getMany(['all']))[0] as Uint8Array), all);
});

test('the driver is told of TTLs in whole seconds, and never too few', async () => {
  const told: unknown[] = [];
  const driver = driverOf({ setItemRaw: (_key, _value, options) => void told.push(options) });
  const backend = new UnstorageBackend(driver);
  const ttls = [1, 1001, 9e12, undefined];
  await backend.setMany(ttls.map((ttlMs, index) => ({ key: String(index), value: bytes(1), ttlMs })));
  assert.equal(told, [{ ttl: 2 }, { ttl: 3 }, { ttl: 2 ** 31 - 1 }, {}]);
});

test('a batch has so many calls of the driver under way, and no more', async () => {
  let [now, most] = [0, 0];
  const held = memory();
  const busy = async <T>(work: () => T) => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    now -= 1;
    return work();
  };
  const driver = driverOf({
    getItemRaw: (key) => busy(() => held.getItemRaw?.(key, {})),
    setItemRaw: (key, value) => busy(() => held.setItemRaw?.(key, value, {})) as Promise<void>,
  });
  const names = Array.from({ length: 200 }, (_, index) => `k${index}`);
  for (const concurrency of [1, 5, undefined]) {
    most = 0;
    const backend = new UnstorageBackend(driver, { concurrency });
    await backend.setMany(names.map((key) => ({ key, value: bytes(7) })));
    assert.ok((await backend.getMany(names)).every((value) => value?.[0] === 7));
    assert.is(most, concurrency ?? 16);
  }
});

test('a store that takes text and many keys in one call is read so', async () => {
  const calls: number[] = [];
  const text = textDriver();
  const driver: Driver = {
    ...text,
    getItems: (items) => {
      calls.push(items.length);
      // In another order, and with keys as some drivers have them.
      return items.map(({ key }) => ({ key: key.replaceAll(':', '/'), value: text.getItem(key) as string })).reverse();
    },
  };
  const names = Array.from({ length: 300 }, (_, index) => `k${index}`);
  for (const storage of [driver, createStorage({ driver })]) {
    calls.length = 0;
    const backend = new UnstorageBackend(storage);
    await backend.setMany(names.slice(1).map((key, index) => ({ key, value: bytes(index, index >> 8) })));
    const expected = [undefined, ...names.slice(1).map((_, index) => [index & 255, index >> 8])];
    assert.equal(
      (await backend.getMany(names)).map((value) => value && [...value]),
      expected,
    );
    assert.equal(calls, [128, 128, 44]);
  }
});

test('clear goes on where a driver lists the first 1000 keys alone', async () => {
  const held = memory();
  const list = () => (held.getKeys('', {}) as string[]).sort().slice(0, 1000);
  const fill = async (backend: UnstorageBackend, prefix: string, count: number) =>
    backend.setMany(Array.from({ length: count }, (_, index) => ({ key: `${prefix}${index}`, value: bytes(1) })));
  const r2 = new UnstorageBackend({
    ...held,
    name: 'cloudflare-r2-binding',
    getKeys: (base: string) =>
      (held.getKeys('', {}) as string[])
        .filter((key) => key.startsWith(base))
        .sort()
        .slice(0, 1000),
  });
  await fill(r2, 'a:', 2500);
  await fill(r2, 'b:', 1000);
  assert.is(await r2.clear('b:'), 1000);
  assert.is(await r2.clear('a:'), 2500);
  const s3 = new UnstorageBackend({ ...held, name: 's3', getKeys: list });
  await fill(s3, 'a:', 2500);
  assert.is(await s3.clear('a:'), 2500);
  await fill(s3, 'a:', 1200);
  await fill(s3, 'b:', 10);
  const error = await s3.clear('b:').catch((reason: unknown) => reason);
  assert.match((error as Error).message, /s3 lists 1000 keys/);
});

test('options and storages that are none are refused', () => {
  const refused = (storage: unknown, options?: object) => {
    try {
      new UnstorageBackend(storage as UnstorageDriver, options as never);
    } catch (error) {
      assert.instance(error, InvalidOptionError);
      return (error as InvalidOptionError).option;
    }
    return undefined;
  };
  const { setItem: _, ...readOnly } = memory();
  for (const storage of [undefined, null, 1, {}, new Map(), readOnly]) assert.is(refused(storage), 'storage');
  for (const base of ['', ':', 'a:', 'a::b', '..', 'a/b', 'a?', 'é', 1]) assert.is(refused(memory(), { base }), 'base');
  assert.is(refused(memory(), { encoding: 'hex' }), 'encoding');
  assert.is(refused(memory(), { limits: { keyBytes: 0 } }), 'limits.keyBytes');
  assert.is(refused(memory(), { concurrency: 0 }), 'concurrency');
  assert.is(refused(memory(), { bucket: 'x' }), 'bucket');
  assert.is(refused(memory(), { base: 'a:b', ttl: '1h', requestTimeout: '1s', encoding: 'raw' }), undefined);
});

test('embeddings are served from files by another cache', async () => {
  const base = join(folder, 'embeddings');
  const asked: string[] = [];
  const embed = async (texts: string[]) => {
    asked.push(...texts);
    return texts.map((text) => prf(text, 64));
  };
  const texts = Array.from({ length: 100 }, (_, index) => `text ${index}`);
  const open = () => createCache({ backend: new UnstorageBackend(fsLite({ base }), { ttl: '1h' }) });
  const docs = (cache: ReturnType<typeof open>) => cache.embeddings('Docs.1', { model: 'm', dimensions: 64, embed });
  const first = open();
  assert.equal(
    await docs(first).embed(texts),
    texts.map((text) => prf(text, 64)),
  );
  await first.close();
  const second = open();
  assert.equal(
    await docs(second).embed(['new', ...texts]),
    ['new', ...texts].map((text) => prf(text, 64)),
  );
  assert.equal(asked, [...texts, 'new']);
  assert.equal(readdirSync(join(base, 'vecstash', 'vecstash', 'v1')), ['_44ocs_2e1']);
  assert.is(await second.clear('Docs.1'), 101);
  assert.equal(
    await docs(second).getMany(texts),
    texts.map(() => undefined),
  );
  await second.close();
});

test.run();

const none = { capabilities: [] };
const opened = (storage: UnstorageDriver, options = {}) =>
  new UnstorageBackend(storage, { requestTimeout: '60s', ...options });
const held = memory();
backendContract('unstorage: its memory driver', { open: () => opened(held), ...none });
backendContract('unstorage: a Storage, under a prefix and a base', {
  open: () => opened(prefixStorage(createStorage(), 'app'), { base: 'a:B' }),
  ...none,
});
backendContract('unstorage: lru-cache', {
  open: () => opened(createStorage({ driver: lru({ max: 100_000 }) })),
  ...none,
});
backendContract('unstorage: a driver of text', {
  open: () => opened(createStorage({ driver: textDriver() })),
  ...none,
});
const files = mkdtempSync(join(tmpdir(), 'vecstash-unstorage-'));
backendContract('unstorage: files (fs-lite)', {
  open: () =>
    opened(createStorage({ driver: fsLite({ base: files }) }), { limits: { keyBytes: 600, valueBytes: 2 ** 20 } }),
  many: 1000,
  ...none,
  after: () => rmSync(files, { recursive: true, force: true }),
});
