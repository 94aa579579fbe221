import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BackendFill, CacheBackend } from '../../src/backends/backend.js';
import type { BusListener, InvalidationBus } from '../../src/backends/bus.js';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { until } from '../../src/testing/until.js';
import { entry, keysOf, plain } from '../support/entries.js';
import { GatedBackend } from '../support/gated-backend.js';
import { HubBus } from '../support/hub-bus.js';
import { MoodyBackend } from '../support/moody-backend.js';
import { reader } from '../support/reader.js';
import { rejection } from '../support/rejection.js';

const test = suite('HybridBackend: its L1, other instances and tiers before it');

const bytes = (fill: number) => [fill, fill, fill, fill];
const live = (backend: HybridBackend) =>
  until('it is live', async () => !/not heard/.test((await backend.health()).detail ?? ''));
const readOf = (backend: CacheBackend) => async (key: string) => plain(await backend.getMany([key]))[0];

test('a write during the own removal of its key: near and far agree', async () => {
  const hub = new HubBus();
  const far = new GatedBackend();
  const near = new MemoryBackend();
  const backend = new HybridBackend(near, far, { bus: hub.end().bus });
  await live(backend);
  for (const step of ['deleteMany', 'clear'] as const) {
    await backend.setMany([entry('a', 1)]);
    far.hold(step);
    const removing = step === 'clear' ? backend.clear('') : backend.deleteMany(['a']);
    await until('it is asked', () => far.waiting(step) === 1);
    const setting = backend.setMany([entry('a', 2)]);
    await backend.getMany(['a']);
    far.letGo(step);
    await Promise.all([removing, setting]);
    assert.equal(plain(await far.store.getMany(['a'])), [bytes(2)]);
    assert.equal(await readOf(backend)('a'), bytes(2));
  }
  await backend.close();
});

test('a removal that is slow in L2 runs once, and ends', async () => {
  const hub = new HubBus();
  const far = new GatedBackend();
  const backend = new HybridBackend(new MemoryBackend(), far, { bus: hub.end().bus });
  await live(backend);
  await backend.setMany([entry('a'), entry('b')]);
  far.hold('clear');
  const clearing = backend.clear('');
  await until('it is asked', () => far.waiting('clear') === 1);
  far.letGo('clear');
  assert.is(await clearing, 2);
  assert.is(far.steps.filter((step) => step === 'clear').length, 1);
  await backend.close();
});

test('an L1 that failed to drop a copy serves nothing until it could be cleared', async () => {
  const hub = new HubBus();
  const store = new MemoryBackend();
  const l1 = new MoodyBackend();
  const end = hub.end();
  const far = () => new GatedBackend(store);
  const one = new HybridBackend(new MemoryBackend(), far(), { bus: hub.end().bus });
  const other = new HybridBackend(l1, far(), { bus: end.bus });
  await Promise.all([live(one), live(other)]);
  const read = async () => plain(await other.getMany(['a', 'b'], reader().context));
  await one.setMany([entry('a', 1), entry('b', 1)]);
  await read();
  await until('they are near', async () => (await l1.store.getMany(['b']))[0] !== undefined);

  // Whatever is to be dropped: a removal, an overwrite, everything.
  const drops = [() => one.deleteMany(['a']), () => one.setMany([entry('a', 2)]), async () => end.lose()];
  for (const [index, drop] of drops.entries()) {
    l1.mood = 'fails';
    await drop();
    await until('it failed', async () => /could not be cleared/.test((await other.health()).detail ?? ''));
    l1.mood = 'works';
    const far = plain(await store.getMany(['a', 'b']));
    for (let call = 0; call < 3; call += 1) assert.equal(await read(), far, `drop ${index}`);
    if (index === 2) end.restore();
    await until('it was cleared', async () => (await other.health()).detail === undefined);
    const { reads } = l1;
    await read();
    await until('it is used again', async () => {
      await read();
      return reads.length > 1 && (await l1.store.getMany(['b']))[0] !== undefined;
    });
  }
  l1.mood = 'fails';
  await rejection(other.deleteMany(['b']));
  assert.equal(plain(await store.getMany(['b'])), [undefined], 'it is removed as far as it goes');
  await Promise.all([one.close(), other.close()]);
});

test('a write whose copy fails leaves no older copy', async () => {
  const l1 = new MoodyBackend();
  const far = new MemoryBackend();
  const backend = new HybridBackend(l1, far);
  await backend.setMany([entry('a', 1)]);
  l1.mood = 'fails';
  await rejection(backend.setMany([entry('a', 2)]));
  l1.mood = 'works';
  assert.equal(await readOf(backend)('a'), bytes(2));
  await until('it was cleared', async () => (await backend.health()).detail === undefined);
  assert.equal(await readOf(backend)('a'), bytes(2));
  await backend.close();
});

test('an overwrite is told also where nobody is known, for somebody may just have begun to listen', async () => {
  const hub = new HubBus();
  const backend = new HybridBackend(new MemoryBackend(), new MemoryBackend(), { bus: hub.end().bus });
  await live(backend);
  const before = hub.texts.length;
  await backend.setMany([entry('a')]);
  assert.ok(hub.texts.slice(before).some((text) => JSON.parse(text).change?.shared === 'a'));
  await backend.close();
});

test('messages are bounded, however many keys a call has, and all of them are heard', async () => {
  const hub = new HubBus();
  const store = new MemoryBackend();
  const [one, other] = [0, 1].map(
    () => new HybridBackend(new MemoryBackend(), new GatedBackend(store), { bus: hub.end().bus }),
  ) as [HybridBackend, HybridBackend];
  await Promise.all([live(one), live(other)]);
  const keys = keysOf(20_000, 'a rather long beginning of a key, as a namespace and a fingerprint make it: ');
  await one.setMany(keys.map((key) => entry(key)));
  await other.getMany(keys);
  assert.is(await one.deleteMany(keys), keys.length);
  assert.ok((await other.getMany(keys)).every((value) => value === undefined));
  assert.ok(hub.texts.every((text) => text.length < 64 * 1024));
  assert.ok(hub.texts.length > 50);
  await Promise.all([one.close(), other.close()]);
});

test('three tiers: what is removed or overwritten in one process is in no tier of another', async () => {
  const hub = new HubBus();
  const store = new MemoryBackend();
  const open = () => {
    const far = Object.assign(new GatedBackend(store), { bus: hub.end().bus });
    return new HybridBackend(new MemoryBackend(), new HybridBackend(new MemoryBackend(), far));
  };
  const [one, other] = [open(), open()];
  await Promise.all([live(one), live(other)]);
  assert.ok(one.locks !== undefined && one.bus !== undefined);
  const read = readOf(other);
  for (let round = 0; round < 20; round += 1) {
    await one.setMany([entry('a', 1)]);
    assert.equal(await read('a'), bytes(1));
    await read('a');
    await one.setMany([entry('a', 2)]);
    await until('the overwrite is there', async () => (await read('a'))?.[0] === 2);
    assert.is(await one.deleteMany(['a']), 1);
    assert.is(await read('a'), undefined);
    await one.setMany([entry('b', 1)]);
    await read('b');
    await one.clear('');
    assert.is(await read('b'), undefined);
  }
  await one.locks?.acquire(['c'], 'me', 60_000);
  await other.deleteMany(['c']);
  await one.fill((fill) => fill.setMany([entry('c')], 'me'));
  assert.is(await read('c'), undefined);
  await Promise.all([one.close(), other.close()]);
});

test('an L2 with a fill of its own: what is not current there is not stored, and its fill stores the rest', async () => {
  const far = new MemoryBackend();
  const filled: string[][] = [];
  const farFill: BackendFill = {
    isCurrent: (key) => key !== 'old',
    setMany: async (entries) => {
      filled.push(entries.map(({ key }) => key));
      await far.setMany(entries);
    },
  };
  const l2 = Object.assign(far, {
    fill: <T>(work: (fill: BackendFill) => Promise<T>) => work(farFill),
  }) as CacheBackend;
  for (const writeBehind of [false, true]) {
    const backend = new HybridBackend(new MemoryBackend(), l2, { writeBehind });
    await backend.fill(async (fill) => {
      assert.equal([fill.isCurrent('old'), fill.isCurrent('new')], [false, true]);
      await fill.setMany([entry('old'), entry('new')]);
    });
    assert.equal(filled.splice(0), [['new']]);
    assert.equal(plain(await backend.getMany(['old', 'new'])), [undefined, bytes(1)]);
  }
});

test('nothing that a tier, a bus or a listener throws is left unhandled', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  const throws = () => {
    throw new Error('thrown at once');
  };
  const hostile = (answer: () => unknown) =>
    ({
      getMany: answer,
      setMany: answer,
      deleteMany: answer,
      clear: answer,
      health: answer,
      close: answer,
      locks: { acquire: answer, renew: answer, setMany: answer, release: answer },
      leases: { acquire: answer, release: answer },
      touchMany: answer,
    }) as unknown as CacheBackend;
  const answers = [
    throws,
    () => undefined,
    () => null,
    () => 7,
    async () => ({ not: 'an answer' }),
    async () => throws(),
  ];
  for (const answer of answers) {
    const listeners: BusListener[] = [];
    const buses: (InvalidationBus | false)[] = [
      false,
      { subscribe: throws, publish: throws } as unknown as InvalidationBus,
      {
        subscribe: (listener: BusListener) => {
          listeners.push(listener);
          return { renew: throws, close: answer };
        },
        publish: answer,
      } as unknown as InvalidationBus,
    ];
    for (const bus of buses) {
      for (const [l1, l2] of [
        [new MemoryBackend(), hostile(answer)],
        [hostile(answer), new MemoryBackend()],
      ] as const) {
        const backend = new HybridBackend(l1, l2, { bus, writeBehind: l1 instanceof MemoryBackend });
        for (const listener of listeners) {
          listener.ready();
          for (const text of ['', '{', 'null', '7', '{"from":1}', '{"from":"x","seq":1,"change":{"shared":1}}'])
            listener.message(text);
          const change = { shared: '\uD800', rest: [7, null] };
          listener.message(JSON.stringify({ from: 'x', seq: 9, change, removal: true, confirm: 1 }));
          listener.lost();
        }
        const calls = [
          () => backend.getMany(['a'], reader().context),
          () => backend.getMany(['a']),
          () => backend.fill((fill) => fill.setMany([entry('a')])),
          () => backend.fill((fill) => fill.setMany([entry('a')], 'me')),
          () => backend.fill(throws),
          () => backend.setMany([entry('a')]),
          () => backend.health(),
          () => backend.touchMany?.([{ key: 'a', ttlMs: 1 }]),
          () => backend.locks?.acquire(['a'], 'me', 1000, { force: true }),
          () => backend.locks?.setMany([entry('a')], 'me'),
          () => backend.close(),
        ];
        for (const call of calls) await Promise.resolve(call()).catch(() => {});
      }
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off('unhandledRejection', note);
  process.off('uncaughtException', note);
  assert.equal(unhandled, []);
});

test.run();
