import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BackendEntry } from '../../src/backends/backend.js';
import { withBreaker } from '../../src/backends/breaker.js';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import type { HybridBackendOptions } from '../../src/backends/hybrid/options.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { splitByLimits } from '../../src/backends/shell/limits.js';
import { InvalidOptionError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { backendContract } from '../contract/backend-contract.js';
import { LendingBackend } from '../support/lending-backend.js';
import { loneBus } from '../support/lone-bus.js';
import { MoodyBackend } from '../support/moody-backend.js';
import { reader } from '../support/reader.js';
import { startRedis } from '../support/redis-server.js';
import { rejection } from '../support/rejection.js';

const server = await startRedis();
const test = suite('HybridBackend');

const entry = (key: string, fill = 1) => ({ key, value: new Uint8Array(2).fill(fill) });
const plain = (values: (Uint8Array | undefined)[]) => values.map((value) => value?.[0]);
const tiers = (options?: HybridBackendOptions) => {
  const [l1, l2] = [new MoodyBackend(), new MoodyBackend()];
  return { l1, l2, backend: new HybridBackend(l1, l2, options) };
};

test('L2 is asked for what L1 lacks, and its hits are copied', async () => {
  const { l1, l2, backend } = tiers();
  await l1.store.setMany([entry('near', 1)]);
  await l2.store.setMany([entry('far', 2), entry('near', 9)]);
  assert.equal(plain(await backend.getMany(['none', 'far', 'near'])), [undefined, 2, 1]);
  assert.equal(l2.reads, [['none', 'far']]);
  await until('the copy is there', async () => (await l1.store.getMany(['far']))[0] !== undefined);
  assert.equal(plain(await backend.getMany(['far', 'near'])), [2, 1]);
  assert.is(l2.reads.length, 1);
});

test('a Buffer that changes while L2 is waited for is stored as it was handed in', async () => {
  const { l1, l2, backend } = tiers();
  l1.mood = 'waits';
  l2.mood = 'waits';
  const value = Buffer.alloc(2, 1);
  const write = backend.setMany([{ key: 'a', value }]);
  await until('both are asked', () => l1.waiting + l2.waiting === 2);
  value.fill(9);
  l1.answer();
  l2.answer();
  await write;
  assert.equal([...plain(await l1.store.getMany(['a'])), ...plain(await l2.store.getMany(['a']))], [1, 1]);
});

test('TTLs: L1 has the shorter one', async () => {
  const { l1, l2, backend } = tiers({ l1Ttl: '1m', l2Ttl: '1h' });
  await backend.setMany([entry('default'), { ...entry('short'), ttlMs: 500 }, { ...entry('long'), ttlMs: 86_400_000 }]);
  assert.equal(
    l1.writes[0]?.map(({ ttlMs }) => ttlMs),
    [60_000, 500, 60_000],
  );
  assert.equal(
    l2.writes[0]?.map(({ ttlMs }) => ttlMs),
    [3_600_000, 500, 86_400_000],
  );
  await l1.store.clear('');
  await backend.getMany(['long']);
  assert.equal(
    l1.writes[1]?.map(({ ttlMs }) => ttlMs),
    [60_000],
  );
  const plainTiers = tiers();
  await plainTiers.backend.setMany([entry('a')]);
  assert.is(plainTiers.l1.writes[0]?.[0]?.ttlMs, 300_000);
  assert.is(plainTiers.l2.writes[0]?.[0]?.ttlMs, undefined);
});

test('an L2 that is down: the hits of L1 are served, and the failure is told', async () => {
  const { l1, l2, backend } = tiers();
  await l1.store.setMany([entry('near')]);
  l2.mood = 'fails';
  const { context, failures } = reader();
  assert.equal(plain(await backend.getMany(['far', 'near'], context)), [undefined, 1]);
  assert.match(failures[0]?.message ?? '', /bad mood/);
  assert.match((await rejection(backend.getMany(['far', 'near']))).message, /bad mood/);
  for (let call = 0; call < 5; call += 1) await backend.getMany(['far', 'near'], context);
  assert.is(l2.reads.length, 3, 'the breaker is open');
  assert.is(failures.length, 6);
  assert.equal(plain(await backend.getMany(['near'])), [1], 'L2 is not needed');
});

test('an L2 that is slow: the hits of L1 are served when the time is over', async () => {
  const { l1, l2, backend } = tiers();
  await l1.store.setMany([entry('near')]);
  l2.mood = 'waits';
  const controller = new AbortController();
  const { context, failures } = reader(controller);
  const reading = backend.getMany(['far', 'near'], context);
  await until('L2 is asked', () => l2.waiting === 1);
  controller.abort();
  assert.equal(plain(await reading), [undefined, 1]);
  assert.match(failures[0]?.message ?? '', /no answer in time/);
});

test('an L1 that fails: L2 is asked for everything', async () => {
  const { l1, l2, backend } = tiers();
  await l2.store.setMany([entry('a')]);
  l1.mood = 'fails';
  const { context, failures } = reader();
  assert.equal(plain(await backend.getMany(['a'], context)), [1]);
  assert.is(failures.length, 1);
  await rejection(backend.getMany(['a']));
});

test('a write goes to both; one that fails rejects, and the other tier has it', async () => {
  const { l1, l2, backend } = tiers();
  l2.mood = 'fails';
  await rejection(backend.setMany([entry('a')]));
  assert.equal(plain(await l1.store.getMany(['a'])), [1]);
  l2.mood = 'works';
  l1.mood = 'fails';
  await rejection(backend.setMany([entry('b')]));
  assert.equal(plain(await l2.store.getMany(['b'])), [1]);
});

test('removals count what L2 had', async () => {
  const { l1, l2, backend } = tiers();
  await l1.store.setMany([entry('a'), entry('b')]);
  await l2.store.setMany([entry('a'), entry('c')]);
  assert.is(await backend.deleteMany(['a', 'b']), 1);
  assert.equal(plain(await l1.store.getMany(['a', 'b'])), [undefined, undefined]);
  await l1.store.setMany([entry('c')]);
  assert.is(await backend.clear('c'), 1);
  assert.equal(await backend.getMany(['c']), [undefined]);
});

for (const [name, change, expected] of [
  ['deleteMany', (backend: HybridBackend) => backend.deleteMany(['a']), undefined],
  ['clear', (backend: HybridBackend) => backend.clear('a'), undefined],
  ['setMany', (backend: HybridBackend) => backend.setMany([entry('a', 2)]), 2],
] as const) {
  test(`a read that overlaps a ${name} leaves nothing stale in L1`, async () => {
    const { l1, l2, backend } = tiers();
    await l2.store.setMany([entry('a', 1), entry('b', 1)]);
    l2.mood = 'waits';
    const reading = backend.getMany(['a', 'b']);
    await until('L2 is asked', () => l2.waiting === 1);
    const writing = change(backend);
    await until('the write is asked', () => l2.waiting === 2);
    l2.answer();
    await Promise.all([reading, writing]);
    assert.equal(plain(await backend.getMany(['a'])), [expected]);
    await until('the other key is copied', async () => (await l1.store.getMany(['b']))[0] !== undefined);

    // A read that begins while the write is under way.
    await l1.store.clear('');
    await l2.store.setMany([entry('a', 1)]);
    l2.mood = 'waits';
    const change2 = change(backend);
    await until('the write is asked', () => l2.waiting === 1);
    await l1.store.clear('');
    const reading2 = backend.getMany(['a']);
    await until('L2 is asked', () => l2.waiting === 2);
    l2.answer();
    await Promise.all([change2, reading2]);
    assert.equal(plain(await backend.getMany(['a'])), [expected]);
  });
}

/** Tiers of an instance that is alone on its bus. */
function heardTiers() {
  const { bus, ...listener } = loneBus();
  const made = tiers({ bus });
  const { backend } = made;
  return {
    ...made,
    listener,
    untilLive: () => until('it is live', async () => (await backend.health()).detail === undefined),
  };
}

test('what is computed while the first subscription is made is stored', async () => {
  const { l1, l2, listener, backend, untilLive } = heardTiers();
  await backend.fill(async (fill) => {
    listener.ready();
    await untilLive();
    assert.ok(fill.isCurrent('a'));
    await fill.setMany([entry('a')]);
  });
  assert.equal(plain(await l1.store.getMany(['a'])), [1]);
  assert.equal(plain(await l2.store.getMany(['a'])), [1]);
  await backend.close();
});

test('what is computed while no changes are heard is not stored, for others may have removed it', async () => {
  const { l1, l2, listener, backend, untilLive } = heardTiers();
  listener.ready();
  await untilLive();
  const refused = backend.fill(async (fill) => {
    listener.lost();
    assert.not.ok(fill.isCurrent('a'));
    await fill.setMany([entry('a')]);
  });
  assert.match((await rejection(refused)).message, /^not stored: changes of other instances are not heard$/);
  await rejection(backend.fill((fill) => fill.setMany([entry('b')])));
  for (const tier of [l1, l2]) assert.equal(plain(await tier.store.getMany(['a', 'b'])), [undefined, undefined]);
  listener.ready();
  await untilLive();
  await backend.fill((fill) => fill.setMany([entry('c')]));
  for (const tier of [l1, l2]) assert.equal(plain(await tier.store.getMany(['c'])), [1]);
  await backend.close();
});

test('whoever reaches neither the others nor L2 is served what was put in L1 since then', async () => {
  const { l2, listener, backend, untilLive } = heardTiers();
  const { context } = reader();
  const read = async () => plain(await backend.getMany(['before', 'a', 'b'], context));
  listener.ready();
  await untilLive();
  await backend.setMany([entry('before')]);
  listener.lost();
  l2.mood = 'fails';
  assert.equal(await read(), [undefined, undefined, undefined]);
  await backend.fill((fill) => fill.setMany([entry('a')]));
  await rejection(backend.setMany([entry('b')]));
  assert.equal(await read(), [undefined, 1, 1]);
  l2.mood = 'works';
  assert.equal(await read(), [1, undefined, undefined], 'others remove in L2');
  l2.mood = 'fails';
  assert.equal(await read(), [undefined, undefined, undefined], 'others may have removed it');
  await backend.fill((fill) => fill.setMany([entry('a')]));
  l2.mood = 'works';
  listener.ready();
  await untilLive();
  l2.mood = 'fails';
  assert.equal(await read(), [undefined, undefined, undefined], 'nothing of before is near');
  await backend.close();
});

test('a write that L2 took while no changes are heard is not served from L1', async () => {
  const { l2, listener, backend, untilLive } = heardTiers();
  listener.ready();
  await untilLive();
  listener.lost();
  await backend.setMany([entry('a')]);
  assert.equal(plain(await backend.getMany(['a'])), [1]);
  await l2.store.deleteMany(['a']);
  l2.mood = 'fails';
  assert.equal(plain(await backend.getMany(['a'], reader().context)), [undefined]);
  await backend.close();
});

test('it touches and lends where L2 does', async () => {
  const hour = 3_600_000;
  const [near, far] = [new LendingBackend(), new LendingBackend()];
  const lacking = new HybridBackend(near, new MoodyBackend());
  for (const name of ['touchMany', 'leases']) assert.not.ok(name in lacking, name);

  const backend = new HybridBackend(near, far);
  await backend.touchMany?.([
    { key: 'a', ttlMs: 1000 },
    { key: 'a', ttlMs: hour },
    { key: 'b', ttlMs: 1000 },
  ]);
  assert.equal(far.touches, [
    [
      { key: 'a', ttlMs: hour },
      { key: 'b', ttlMs: 1000 },
    ],
  ]);
  assert.is(near.touches.length, 0);

  assert.equal(await near.leases.acquire(['a'], 'one', hour), [true]);
  assert.equal(await backend.leases?.acquire(['a', 'b'], 'two', hour), [true, true]);
  assert.equal(await far.leases.acquire(['a', 'b'], 'three', hour), [false, false]);
  await backend.leases?.release(['b'], 'two');
  assert.equal(await far.leases.acquire(['a', 'b'], 'three', hour), [false, true]);

  far.mood = 'fails';
  for (let call = 0; call < 3; call += 1) await rejection(backend.setMany([entry('a')]));
  assert.match((await rejection(backend.touchMany?.([]) as Promise<void>)).message, /writes are paused/);
  assert.equal(await backend.leases?.acquire(['a'], 'two', hour), [true], 'the breaker does not stand before leases');
});

test('a touch beyond the TTL of L1: the copy ends as it would have, and is made anew', async () => {
  const [near, far] = [new LendingBackend(), new LendingBackend()];
  const backend = new HybridBackend(near, far, { l1Ttl: 20 });
  await backend.setMany([{ ...entry('a'), ttlMs: 60_000 }]);
  await backend.touchMany?.([{ key: 'a', ttlMs: 120_000 }]);
  await until('the copy ends', async () => (await near.store.getMany(['a']))[0] === undefined);
  assert.equal(plain(await backend.getMany(['a'])), [1]);
});

test('a breaker is not put before both tiers', () => {
  const { backend } = tiers();
  assert.is(withBreaker(backend), backend);
});

test('health is of both', async () => {
  const { l2, backend } = tiers();
  assert.ok((await backend.health()).ok);
  l2.mood = 'fails';
  assert.equal(await backend.health(), { ok: false, latencyMs: Number.NaN, detail: 'l2: fails' });
});

test('closing closes both', async () => {
  const { l1, l2, backend } = tiers();
  await backend.close();
  for (const tier of [l1, l2]) assert.match((await rejection(tier.store.getMany(['a']))).message, /closed/);
});

test('options are checked', () => {
  const memory = new MemoryBackend();
  const named = (name: string) => (error: unknown) => error instanceof InvalidOptionError && error.option === name;
  assert.throws(() => new HybridBackend(undefined as unknown as MemoryBackend, memory), named('l1'));
  assert.throws(() => new HybridBackend(memory, {} as unknown as MemoryBackend), named('l2'));
  assert.throws(() => new HybridBackend(memory, memory, { l1Ttl: -1 }), named('l1Ttl'));
  assert.throws(() => new HybridBackend(memory, memory, { ttl: 1 } as HybridBackendOptions), named('ttl'));
});

test.run();
// The short l1Ttl bounds how long a copy may outlive its record: see HybridBackendOptions.
backendContract('HybridBackend: memory before memory', {
  open: () => new HybridBackend(new MemoryBackend(), new MemoryBackend(), { l1Ttl: 100 }),
});
backendContract('HybridBackend: memory before redis-server', {
  open: () => new HybridBackend(new MemoryBackend(), new RedisBackend(server.url), { l1Ttl: 100 }),
  after: () => server.stop(),
  isExclusive: server.isPrivate,
});

/** Memory that holds as little as some stores do. */
class SmallStore extends MemoryBackend {
  override readonly limits = { keyBytes: 600, valueBytes: 5000 };

  override async setMany(entries: readonly BackendEntry[]): Promise<void> {
    const { fitting, removed, error } = splitByLimits(entries, this.limits);
    await super.setMany(fitting);
    await super.deleteMany(removed);
    if (error) throw error;
  }
}
for (const writeBehind of [false, true]) {
  backendContract(`HybridBackend: memory before a store with limits${writeBehind ? ', written behind' : ''}`, {
    open: () => new HybridBackend(new MemoryBackend(), new SmallStore(), { l1Ttl: 100, writeBehind }),
  });
}
