import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BackendEntry } from '../../src/backends/backend.js';
import { defineBackend } from '../../src/backends/shell/define-backend.js';
import type { RawContext, RawStore } from '../../src/backends/shell/raw-store.js';
import { BackendError, InvalidOptionError } from '../../src/errors.js';
import { rejection } from '../support/rejection.js';

const test = suite('defineBackend');
const bytes = (...values: number[]) => Uint8Array.from(values);
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const definition = { name: 'TestBackend', storeName: 'Test' };

/** A store that records what it is asked, and does with it what a test says. */
class RecordingStore implements RawStore {
  readonly asked: [method: string, keys: readonly string[]][] = [];
  readonly map = new Map<string, BackendEntry>();
  on: (method: string, keys: readonly string[], context: RawContext) => unknown = () => undefined;

  async getMany(keys: readonly string[], context: RawContext): Promise<(Uint8Array | undefined)[]> {
    await this.#asked('getMany', keys, context);
    return keys.map((key) => this.map.get(key)?.value);
  }

  async setMany(entries: readonly BackendEntry[], context: RawContext): Promise<void> {
    await this.#asked(
      'setMany',
      entries.map(({ key }) => key),
      context,
    );
    for (const entry of entries) this.map.set(entry.key, entry);
  }

  async deleteMany(keys: readonly string[], context: RawContext): Promise<number> {
    await this.#asked('deleteMany', keys, context);
    return keys.filter((key) => this.map.delete(key)).length;
  }

  async list(_: string, cursor: string | undefined): Promise<{ keys: string[]; cursor?: string }> {
    const keys = [...this.map.keys()].sort().filter((key) => cursor === undefined || key > cursor);
    const page = keys.slice(0, 2);
    return page.length < keys.length ? { keys: page, cursor: page.at(-1) as string } : { keys: page };
  }

  async #asked(method: string, keys: readonly string[], context: RawContext): Promise<void> {
    this.asked.push([method, keys]);
    await this.on(method, keys, context);
  }
}

const entriesOf = (keys: string, more: Partial<BackendEntry> = {}) =>
  [...keys].map((key) => ({ key, value: bytes(1), ...more }));

test('a store is asked for distinct keys in chunks, and never for none', async () => {
  const store = new RecordingStore();
  const backend = defineBackend(store, {
    ...definition,
    keysPerRead: 2,
    entriesPerWrite: 3,
    keysPerDelete: 2,
    concurrency: 1,
  });
  await backend.setMany([...entriesOf('abcd'), { key: 'a', value: bytes(2) }]);
  const values = await backend.getMany(['a', 'x', 'a', 'b', 'b']);
  assert.equal(
    values.map((value) => value?.[0]),
    [2, undefined, 2, 1, 1],
  );
  assert.is(await backend.deleteMany(['c', 'c', 'x', 'd']), 2);
  await Promise.all([backend.setMany([]), backend.getMany([]), backend.deleteMany([])]);
  assert.equal(store.asked, [
    ['setMany', ['a', 'b', 'c']],
    ['setMany', ['d']],
    ['getMany', ['a', 'x']],
    ['getMany', ['b']],
    ['deleteMany', ['c', 'x']],
    ['deleteMany', ['d']],
  ]);
});

test('writes are cut by their bytes', async () => {
  const store = new RecordingStore();
  const backend = defineBackend(store, { ...definition, bytesPerWrite: 20 });
  await backend.setMany(
    [4, 4, 10, 50, 1].map((length, index) => ({ key: String(index), value: new Uint8Array(length) })),
  );
  assert.equal(
    store.asked.map(([, keys]) => keys),
    [['0', '1'], ['2'], ['3'], ['4']],
  );
});

test('each entry has a TTL of its own or the default, in whole milliseconds', async () => {
  const store = new RecordingStore();
  const backend = defineBackend(store, { ...definition, ttl: '1s' });
  await backend.setMany([...entriesOf('a'), ...entriesOf('b', { ttlMs: 1.5 })]);
  assert.equal([store.map.get('a')?.ttlMs, store.map.get('b')?.ttlMs], [1000, 2]);
  const error = await rejection(backend.setMany([...entriesOf('c'), ...entriesOf('d', { ttlMs: 0 })]));
  assert.is((error as BackendError).code, 'INVALID_INPUT');
  assert.is(store.map.size, 2);
});

test('changes of a key keep their order, whatever requests do on their way', async () => {
  const store = new RecordingStore();
  const backend = defineBackend(store, definition);
  store.on = async (method) => {
    if (method === 'setMany') for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  };
  await Promise.all([backend.setMany(entriesOf('ab')), backend.deleteMany(['a']), backend.setMany(entriesOf('c'))]);
  assert.equal([...store.map.keys()].sort(), ['b', 'c']);
  await Promise.all([backend.setMany(entriesOf('d')), backend.clear('')]);
  assert.is(store.map.size, 0);
});

test('a part of a read that fails is told, and a whole one rejects', async () => {
  const store = new RecordingStore();
  const backend = defineBackend(store, { ...definition, keysPerRead: 1 });
  await backend.setMany(entriesOf('ab'));
  store.on = (_, [key]) => {
    if (key === 'a') throw Object.assign(new Error('of a, with its secret'), { code: 'ECONNRESET' });
  };
  const told: unknown[] = [];
  const context = { signal: new AbortController().signal, onPartialFailure: (error: unknown) => void told.push(error) };
  assert.equal(
    (await backend.getMany(['a', 'b'], context)).map((value) => value?.[0]),
    [undefined, 1],
  );
  assert.equal(
    told.map((error) => (error as Error).message),
    ['Test: ECONNRESET'],
  );
  assert.is((await rejection(backend.getMany(['a', 'b']))).message, 'Test: ECONNRESET');
  assert.is((await rejection(backend.getMany(['a'], context))).message, 'Test: ECONNRESET');
});

test('a part that a store itself tells of reaches who listens, and rejects for who does not', async () => {
  const store: RawStore = {
    getMany: (keys, { onPartialFailure }) => {
      onPartialFailure(new TypeError('secret'));
      return keys.map(() => undefined);
    },
    setMany: (entries) => entries.length - 1,
    deleteMany: () => 0,
    clear: () => 0,
  };
  const backend = defineBackend(store, { ...definition, takesDuplicates: true });
  const told: unknown[] = [];
  await backend.getMany(['a'], {
    signal: new AbortController().signal,
    onPartialFailure: (error) => void told.push(error),
  });
  assert.is((told[0] as Error).message, 'Test: TypeError');
  assert.is((await rejection(backend.getMany(['a']))).message, 'Test: TypeError');
  assert.is((await rejection(backend.setMany(entriesOf('abc')))).message, 'Test: 2 of 3 writes failed: not accepted');
});

test('errors hold nothing of what a store throws but its code or name', async () => {
  const store = new RecordingStore();
  const backend = defineBackend(store, definition);
  const messages: string[] = [];
  for (const thrown of [new Error('secret'), 'secret', { message: 'secret' }, new RangeError('secret'), null]) {
    store.on = () => {
      throw thrown;
    };
    const error = await rejection(backend.getMany(['a']));
    assert.instance(error, BackendError);
    assert.not.ok(
      JSON.stringify([error, error.cause, error.stack, (error.cause as Error)?.message]).includes('secret'),
    );
    messages.push(error.message);
  }
  assert.equal(messages, ['Test: failed', 'Test: failed', 'Test: failed', 'Test: RangeError', 'Test: failed']);
  const own = new BackendError('Test: in its own words');
  store.on = () => {
    throw own;
  };
  assert.is(await rejection(backend.getMany(['a'])), own);
  assert.is(await rejection(backend.setMany(entriesOf('a'))), own);
});

test('after a request that had no answer in time none is begun, and it hears of it', async () => {
  const store = new RecordingStore();
  const backend = defineBackend(store, { ...definition, entriesPerWrite: 1, concurrency: 1, requestTimeout: 1 });
  let isAborted = false;
  store.on = (_, __, { signal }) => {
    signal.addEventListener('abort', () => {
      isAborted = true;
    });
    return new Promise(() => {});
  };
  const error = await rejection(backend.setMany(entriesOf('abc')));
  assert.is(error.message, 'Test: 3 of 3 writes failed: no answer in time');
  assert.is(store.asked.length, 1);
  assert.ok(isAborted);
  assert.equal(await backend.health(), { ok: false, latencyMs: Number.NaN, detail: 'Test: no answer in time' });
});

test("after a store's own TimeoutError none is begun", async () => {
  const store = new RecordingStore();
  const backend = defineBackend(store, { ...definition, keysPerRead: 1, concurrency: 1 });
  store.on = () => {
    throw Object.assign(new Error(), { name: 'TimeoutError' });
  };
  assert.is((await rejection(backend.getMany(['a', 'b', 'c']))).message, 'Test: TimeoutError');
  assert.is(store.asked.length, 1);
});

test('what is listed is deleted page by page, and counted; what is listed beside it stays', async () => {
  const store = new RecordingStore();
  const backend = defineBackend(store, definition);
  await backend.setMany(['a:1', 'b:1', 'a:2', 'a:3', 'b:2'].map((key) => ({ key, value: bytes(1) })));
  assert.is(await backend.clear('a:'), 3);
  assert.equal([...store.map.keys()].sort(), ['b:1', 'b:2']);
});

test('a store that tells no count needs the shell to count', async () => {
  const store: RawStore = { getMany: () => [], setMany: () => {}, deleteMany: () => {}, clear: () => 0 };
  const error = await rejection(defineBackend(store, definition).deleteMany(['a']));
  assert.match(error.message, /deleteMany must return how many keys there were/);
});

test('the end that the shell keeps takes its bytes from the limit, and what is none of its values is none', async () => {
  const store = new RecordingStore();
  const backend = defineBackend(store, { ...definition, expiry: 'shell', limits: { valueBytes: 20 } });
  assert.equal(backend.limits, { valueBytes: 12 });
  store.map.set('b', { key: 'b', value: bytes(1, 2) });
  const { now } = Date;
  const start = now();
  try {
    Date.now = () => start;
    await backend.setMany(entriesOf('a', { ttlMs: 1000 }));
    Date.now = () => start + 999;
    assert.is((await backend.getMany(['a', 'b'])).filter(Boolean).length, 1);
    Date.now = () => start + 1000;
    assert.equal(await backend.getMany(['a', 'b']), [undefined, undefined]);
    assert.is(await backend.deleteMany(['a']), 0);
    assert.not.ok(store.map.has('a'));
  } finally {
    Date.now = now;
  }
});

test('what the shell cannot count it removes all the same, and says so', async () => {
  const store = new RecordingStore();
  const backend = defineBackend(store, { ...definition, expiry: 'shell' });
  await backend.setMany(entriesOf('a'));
  store.getMany = () => {
    throw new Error('no reads');
  };
  for (const remove of [() => backend.deleteMany(['a']), () => backend.clear('')]) {
    assert.match((await rejection(remove())).message, /Test/);
    assert.is(store.map.size, 0);
    store.map.set('b', { key: 'b', value: bytes(1) });
  }
});

test('the optional members of a store are those of its backend', async () => {
  const plain = defineBackend(new RecordingStore(), definition);
  for (const name of ['limits', 'bus', 'leases', 'locks', 'getRuns', 'touchMany', 'fill', 'isolatesFailures'])
    assert.not.ok(name in plain, name);
  class Full extends RecordingStore {
    readonly touched: unknown[] = [];
    readonly isolatesFailures = true;

    touchMany(touches: unknown): void {
      this.touched.push(touches);
    }
  }
  const store = new Full();
  const backend = defineBackend(store, definition);
  assert.is(backend.isolatesFailures, true);
  await backend.touchMany?.([
    { key: 'a', ttlMs: 10.2 },
    { key: 'a', ttlMs: 5 },
  ]);
  await backend.touchMany?.([]);
  assert.equal(store.touched, [[{ key: 'a', ttlMs: 11 }]]);
});

test('what is no store, and a definition that does not fit, is refused', () => {
  const store = new RecordingStore();
  const refused = (given: unknown, options: object) => {
    try {
      defineBackend(given as RawStore, { ...definition, ...options });
    } catch (error) {
      assert.instance(error, InvalidOptionError);
      return (error as Error).message;
    }
    return undefined;
  };
  assert.match(refused({ getMany() {}, setMany() {} }, {}) ?? '', /no deleteMany/);
  assert.match(refused(undefined, {}) ?? '', /RawStore/);
  assert.match(refused({ getMany() {}, setMany() {}, deleteMany() {} }, {}) ?? '', /clear or list/);
  const clearing = { getMany() {}, setMany() {}, deleteMany() {}, clear() {} };
  assert.match(refused(clearing, { expiry: 'shell' }) ?? '', /list/);
  assert.match(refused(store, { keysPerRead: 0 }) ?? '', /keysPerRead/);
  assert.match(refused(store, { requestTimout: 5 }) ?? '', /requestTimout/);
  assert.is(refused(store, {}), undefined);
});

test.run();
