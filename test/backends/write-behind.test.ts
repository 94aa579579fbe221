import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import type { HybridBackendOptions } from '../../src/backends/hybrid/options.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { BackendLimitError, ClosedError, InvalidOptionError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { GatedBackend } from '../support/gated-backend.js';
import { used } from '../support/heap.js';
import { loneBus } from '../support/lone-bus.js';
import { MoodyBackend } from '../support/moody-backend.js';
import { rejection } from '../support/rejection.js';
import { TouchingBackend } from '../support/touching-backend.js';

const test = suite('HybridBackend, written behind');

const entry = (key: string, fill = 1, size = 2) => ({ key, value: new Uint8Array(size).fill(fill) });
const plain = (values: (Uint8Array | undefined)[]) => values.map((value) => value?.[0]);
const tiers = (options: HybridBackendOptions = {}, l1 = new MoodyBackend()) => {
  const l2 = new TouchingBackend();
  return { l1, l2, backend: new HybridBackend(l1, l2, { writeBehind: true, ...options }) };
};
const written = (backend: HybridBackend, count: number) =>
  until(`${count} are written`, () => backend.writeBehind?.written === count);

test('a write returns when L1 has it; L2 gets it in batches, each key once', async () => {
  const { l1, l2, backend } = tiers();
  l2.mood = 'waits';
  const value = new Uint8Array(2).fill(1);
  await backend.setMany([{ key: 'a', value }]);
  value.fill(9);
  await until('the first batch is under way', () => l2.waiting === 1);
  for (let index = 0; index < 50; index += 1) await backend.setMany([entry(`k${index}`), entry('same', index)]);
  assert.equal(plain(await l1.store.getMany(['a', 'same'])), [1, 49]);
  assert.is(backend.writeBehind?.queued, 52);
  l2.answer();
  await written(backend, 52);
  assert.equal(
    l2.writes.map((batch) => batch.length),
    [1, 51],
  );
  assert.equal(plain(await l2.store.getMany(['a', 'same', 'k7'])), [1, 49, 1]);
  assert.equal(backend.writeBehind, { queued: 0, queuedBytes: 0, written: 52, refused: 0, dropped: 0, failures: 0 });
  await backend.close();
});

test('what is queued keeps nothing of the batch that it came with, and is no view of it', async () => {
  const { l1, l2, backend } = tiers();
  l2.mood = 'waits';
  await backend.setMany([entry('first')]);
  await until('the first batch is under way', () => l2.waiting === 1);
  const before = used();
  const same = 'a key of each batch, which is queued once';
  for (let batch = 0; batch < 50; batch++) {
    // What the keys of 4096 inputs are cut from.
    const text = Buffer.alloc(256 * 1024, `batch ${batch} `);
    text.write(same, 1000, 'latin1');
    const keys = text.toString('latin1');
    const value = Buffer.alloc(10, batch);
    await backend.setMany([
      { key: keys.substring(100, 160), value },
      { key: keys.substring(1000, 1000 + same.length), value },
    ]);
    value.fill(99);
    l1.writes.length = 0;
  }
  const bytes = used() - before;
  assert.ok(bytes < 50 * 16 * 1024, `${bytes} bytes for 51 keys`);
  const ofKeys = 2 * ('first'.length + 50 * 60 + same.length);
  assert.is(backend.writeBehind?.queuedBytes, ofKeys + 2 + 51 * 10);
  l2.answer();
  await written(backend, 52);
  const keys = Array.from({ length: 50 }, (_, batch) =>
    Buffer.alloc(160, `batch ${batch} `).toString('latin1').substring(100),
  );
  assert.equal(plain(await l2.store.getMany(keys)), [...keys.keys()]);
  await backend.close();
});

test('what is queued is read, also where L1 has lost it', async () => {
  const { l1, l2, backend } = tiers();
  await l2.store.setMany([entry('a', 1)]);
  l2.mood = 'waits';
  await backend.setMany([entry('a', 2)]);
  await until('it is under way', () => l2.waiting === 1);
  await backend.setMany([entry('b', 3)]);
  await l1.store.clear('');
  assert.equal(plain(await backend.getMany(['a', 'b'])), [2, 3]);
  l2.answer();
  await written(backend, 2);
  await l1.store.clear('');
  assert.equal(plain(await backend.getMany(['a', 'b'])), [2, 3]);
  await backend.close();
});

test('a batch that fails is written again, without what was overtaken', async () => {
  const { l2, backend } = tiers();
  l2.mood = 'fails';
  await backend.setMany([entry('a', 1), entry('b', 1)]);
  await until('it has failed', () => backend.writeBehind?.failures === 1);
  await backend.setMany([entry('a', 2)]);
  assert.is(backend.writeBehind?.queued, 2);
  l2.mood = 'works';
  await written(backend, 2);
  assert.equal(plain(await l2.store.getMany(['a', 'b'])), [2, 1]);
  assert.is(backend.writeBehind?.queuedBytes, 0);
  await backend.close();
});

test('while the queue is full, writes wait for room', async () => {
  const { l1, l2, backend } = tiers({ writeBehind: { maxBytes: 1000 } });
  l2.mood = 'waits';
  const writes: Promise<void>[] = [];
  let returned = 0;
  for (let index = 0; index < 20; index += 1)
    writes.push(
      backend.setMany([entry(`k${index}`, index, 100)]).then(() => {
        returned += 1;
      }),
    );
  await until('the first batch is under way', () => l2.waiting === 1);
  const { queued = 0, dropped, queuedBytes = 0 } = backend.writeBehind ?? {};
  assert.ok(queuedBytes <= 1000 && queued >= 8 && queued < 20, `${queued} entries, ${queuedBytes} bytes`);
  assert.is(dropped, 0);
  await until('what found room has returned', () => returned === queued);
  assert.equal(plain(await l1.store.getMany(['k19'])), [19], 'it is near already');
  l2.answer();
  await Promise.all(writes);
  await written(backend, 20);
  assert.equal(plain(await l2.store.getMany(['k0', 'k10', 'k19'])), [0, 10, 19]);
  await backend.close();
});

test('what finds no room in time is counted, and its write rejects; what is removed meanwhile is not queued', async () => {
  const { l2, backend } = tiers({ writeBehind: { maxBytes: 300, maxWait: 150 } });
  l2.mood = 'fails';
  await backend.setMany([entry('a', 1, 100), entry('b', 1, 100)]);
  const late = rejection(backend.setMany([entry('c', 1, 100), entry('d', 1, 100)]));
  assert.match((await late).message, /^2 entries not queued: .*maxBytes/);
  assert.equal([backend.writeBehind?.queued, backend.writeBehind?.dropped], [2, 2]);
  l2.mood = 'works';
  await written(backend, 2);
  await backend.close();
});

test('a batch larger than the queue goes through it', async () => {
  const { l2, backend } = tiers({ writeBehind: { maxBytes: 500 } });
  await backend.setMany(Array.from({ length: 50 }, (_, index) => entry(`k${index}`, index, 100)));
  await written(backend, 50);
  assert.is(l2.store.size, 50);
  await backend.close();
});

test('TTLs go on while an entry waits', async () => {
  const { l2, backend } = tiers();
  l2.mood = 'fails';
  await backend.setMany([{ ...entry('short'), ttlMs: 20 }, { ...entry('long'), ttlMs: 60_000 }, entry('ever')]);
  const { writes } = l2;
  const context = { signal: new AbortController().signal, onPartialFailure: () => {} };
  await until('the short TTL is over', async () => (await backend.getMany(['short'], context))[0] === undefined);
  l2.mood = 'works';
  await until('it is written', () => backend.writeBehind?.queued === 0);
  const last = writes.at(-1) ?? [];
  assert.equal(
    last.map(({ key }) => key),
    ['long', 'ever'],
  );
  assert.ok((last[0]?.ttlMs ?? 0) < 60_000);
  assert.is(last[1]?.ttlMs, undefined);
  await backend.close();
});

test('what L2 does not take is dropped and counted, and nothing waits behind it', async () => {
  const { l2, backend } = tiers();
  l2.setMany = async (entries) => {
    throw new BackendLimitError('valueBytes', 10, entries.length - 1);
  };
  await backend.setMany([entry('a'), entry('b')]);
  await until('it is over', () => backend.writeBehind?.queued === 0);
  assert.equal(backend.writeBehind, { queued: 0, queuedBytes: 0, written: 1, refused: 0, dropped: 1, failures: 0 });
  await backend.close();
});

test('removals take back what is queued and wait for what is being written', async () => {
  const { l2, backend } = tiers();
  l2.mood = 'waits';
  await backend.setMany([entry('under way')]);
  await until('it is under way', () => l2.waiting === 1);
  await backend.setMany([entry('queued'), entry('other')]);
  const deleting = backend.deleteMany(['under way', 'queued']);
  l2.answer();
  assert.is(await deleting, 2, 'of which one had arrived');
  await until('the rest is written', () => backend.writeBehind?.queued === 0);
  assert.equal(plain(await backend.getMany(['under way', 'queued', 'other'])), [undefined, undefined, 1]);
  assert.equal(plain(await l2.store.getMany(['under way', 'queued', 'other'])), [undefined, undefined, 1]);
  await backend.setMany([entry('x:1')]);
  await backend.clear('x:');
  await until('nothing is queued', () => backend.writeBehind?.queued === 0);
  assert.equal(plain(await l2.store.getMany(['x:1'])), [undefined]);
  await backend.close();
});

test('a touch lengthens TTLs on their way, and waits for what is being written', async () => {
  const { l2, backend } = tiers();
  const touch = (keys: string[], ttlMs: number) =>
    backend.touchMany?.(keys.map((key) => ({ key, ttlMs }))) as Promise<void>;
  l2.mood = 'waits';
  await backend.setMany([{ ...entry('under way'), ttlMs: 60_000 }]);
  await until('it is under way', () => l2.waiting === 1);
  await backend.setMany([
    { ...entry('queued'), ttlMs: 60_000 },
    { ...entry('long'), ttlMs: 90_000_000 },
    entry('ever'),
    { ...entry('over'), ttlMs: 1 },
  ]);
  const queuedAt = performance.now();
  await until('the short TTL is over', () => performance.now() > queuedAt + 1);
  const touching = touch(['under way', 'queued', 'long', 'ever', 'over', 'none'], 3_600_000);
  await touch(['queued'], 1000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(l2.touches, [[{ key: 'queued', ttlMs: 1000 }]], 'of these none was being written');
  l2.answer();
  await touching;
  assert.is(l2.touches.length, 2);
  await written(backend, 4);
  const ttls = l2.writes.at(-1)?.map(({ key, ttlMs = Number.NaN }) => [key, Math.round(ttlMs / 60_000)]);
  assert.equal(ttls, [
    ['queued', 60],
    ['long', 1500],
    ['ever', Number.NaN],
  ]);
  await backend.close();
});

test('close writes what is left, and says what it could not', async () => {
  const { l2, backend } = tiers();
  await backend.setMany([entry('a')]);
  await backend.close();
  assert.is(l2.writes.flat().length, 1);

  const down = tiers();
  down.l2.mood = 'fails';
  await down.backend.setMany([entry('a'), entry('b')]);
  assert.match((await rejection(down.backend.close())).message, /closed before 2 entries were written/);
  assert.is(down.backend.writeBehind?.dropped, 2);
  assert.instance(await rejection(down.backend.getMany(['a'])), ClosedError);

  const hangs = tiers();
  hangs.l2.mood = 'waits';
  await hangs.backend.setMany([entry('a')]);
  assert.match((await rejection(hangs.backend.close())).message, /closed before 1 entries were written/);
  hangs.l2.answer();
});

test('close waits for the calls under way and for all that they queue, with a bus and without', async () => {
  for (const hasBus of [false, true]) {
    const { bus, ready } = loneBus();
    const { l2, backend } = tiers({ writeBehind: { maxBytes: 20_000 }, ...(hasBus && { bus }) });
    if (hasBus) {
      ready();
      await until('it is live', async () => (await backend.health()).detail === undefined);
    }
    l2.mood = 'waits';
    await backend.setMany([entry('first')]);
    await until('the first batch is under way', () => l2.waiting === 1);
    // More than the queue takes: most of these calls are under way when it is closed.
    const calls = Array.from({ length: 500 }, (_, index) => backend.setMany([entry(`k${index}`, 1, 100)]));
    const closing = backend.close();
    const over = new Map<string, string>();
    closing.then(
      () => over.set('closing', 'resolved'),
      (error: Error) => over.set('closing', error.message),
    );
    const { store } = l2;
    let stored = 0;
    const setMany = store.setMany.bind(store);
    store.setMany = async (entries) => {
      stored += entries.length;
      return setMany(entries);
    };
    l2.answer();
    await Promise.all(calls);
    await closing;
    assert.is(over.get('closing'), 'resolved');
    assert.is(stored, 501);
    assert.is(backend.writeBehind?.dropped, 0);
  }
});

test('close goes on for as long as something gets written', async () => {
  const { l2, backend } = tiers();
  let writes = 0;
  l2.setMany = async () => {
    writes += 1;
    await new Promise((resolve) => setTimeout(resolve, 600));
  };
  await backend.setMany(Array.from({ length: 4000 }, (_, index) => entry(`k${index}`)));
  await backend.close();
  assert.is(writes, 4, 'longer than it would wait for one of them');
  assert.equal([backend.writeBehind?.written, backend.writeBehind?.dropped], [4000, 0]);
});

test('a bus that is lost while a batch is under way: where that fails it is not written again, and close says so', async () => {
  const { bus, ready, lost } = loneBus();
  const { l2, backend } = tiers({ bus });
  ready();
  await until('it is live', async () => (await backend.health()).detail === undefined);
  l2.mood = 'waits';
  await backend.setMany([entry('a'), entry('b')]);
  await until('it is under way', () => l2.waiting === 1);
  lost();
  l2.answer('fails');
  await until('it is given up', () => backend.writeBehind?.queued === 0);
  assert.is(backend.writeBehind?.dropped, 2);
  l2.mood = 'works';
  ready();
  await until('it is live', async () => (await backend.health()).detail === undefined);
  await backend.setMany([entry('c')]);
  await written(backend, 1);
  assert.equal(plain(await l2.store.getMany(['a', 'b', 'c'])), [undefined, undefined, 1]);
  assert.match((await rejection(backend.close())).message, /closed before 2 entries were written/);
});

test('a bus that is lost: what is queued under a lock is written when L2 accepts it, and not read until then', async () => {
  const { bus, ready, lost } = loneBus();
  const far = new GatedBackend();
  const backend = new HybridBackend(new MemoryBackend(), far, { writeBehind: true, bus });
  ready();
  await until('it is live', async () => (await backend.health()).detail === undefined);
  far.hold('acquire');
  await backend.setMany([entry('without')]);
  await until('a batch is under way', () => far.waiting('acquire') === 1);
  await far.store.locks.acquire(['kept', 'removed'], 'me', 60_000);
  await backend.fill((fill) => fill.setMany([entry('kept'), entry('removed')], 'me'));
  assert.equal(plain(await backend.getMany(['kept'])), [1]);
  lost();
  assert.equal(plain(await backend.getMany(['kept', 'without'])), [undefined, undefined]);
  await far.store.deleteMany(['removed']);
  far.letGo('acquire');
  await until('nothing is queued', () => backend.writeBehind?.queued === 0);
  assert.equal(plain(await far.store.getMany(['without', 'kept', 'removed'])), [undefined, 1, undefined]);
  const { written: stored, refused, dropped } = backend.writeBehind ?? {};
  assert.equal({ stored, refused, dropped }, { stored: 1, refused: 1, dropped: 1 });
  await rejection(backend.close());
});

test('a bus that is lost: what is queued is dropped, and writes wait for both tiers until it returns', async () => {
  const { bus, ready, lost } = loneBus();
  const { l2, backend } = tiers({ bus });
  ready();
  await until('it is live', async () => (await backend.health()).detail === undefined);
  l2.mood = 'fails';
  await backend.setMany([entry('a')]);
  await until('it has failed', () => backend.writeBehind?.failures === 1);
  assert.is(backend.writeBehind?.queued, 1);
  lost();
  assert.equal([backend.writeBehind?.queued, backend.writeBehind?.dropped], [0, 1]);
  assert.match((await rejection(backend.setMany([entry('b')]))).message, /bad mood|paused/);
  ready();
  await until('it is live', async () => !/not heard/.test((await backend.health()).detail ?? ''));
  await backend.setMany([entry('c')]);
  l2.mood = 'works';
  await written(backend, 1);
  assert.equal(plain(await l2.store.getMany(['a', 'b', 'c'])), [undefined, undefined, 1]);
  assert.match((await rejection(backend.close())).message, /closed before 1 entries were written/);
});

test('options are checked', () => {
  for (const writeBehind of [1, { maxBytes: 0 }, { maxWait: 'soon' }, { maxEntries: 1 }]) {
    assert.throws(
      () => tiers({ writeBehind } as unknown as HybridBackendOptions),
      (error: unknown) => error instanceof InvalidOptionError && /^writeBehind/.test(error.option),
    );
  }
  assert.is(new HybridBackend(new MemoryBackend(), new MemoryBackend()).writeBehind, undefined);
});

test.run();
