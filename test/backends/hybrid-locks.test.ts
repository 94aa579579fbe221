import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BackendEntry, BackendLocks } from '../../src/backends/backend.js';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import type { HybridBackendOptions } from '../../src/backends/hybrid/options.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { until } from '../../src/testing/until.js';
import { entry, plain } from '../support/entries.js';
import { GatedBackend } from '../support/gated-backend.js';
import { HubBus } from '../support/hub-bus.js';

const test = suite('HybridBackend: what the locks of L2 refuse');

const HOUR = 3_600_000;
const bytes = (fill: number) => [fill, fill, fill, fill];

/** An instance before a store whose answers can be held back. */
function tiers(options: HybridBackendOptions = {}, far = new GatedBackend()) {
  const near = new MemoryBackend();
  const backend = new HybridBackend(near, far, options);
  const read = async (key: string) => plain(await backend.getMany([key]))[0];
  return { near, far, backend, locks: backend.locks as BackendLocks, read };
}

/** Everywhere nothing is. */
async function assertGone({ near, far, read }: ReturnType<typeof tiers>, key: string) {
  assert.equal(plain(await far.store.getMany([key])), [undefined]);
  assert.equal(plain(await near.getMany([key])), [undefined]);
  assert.is(await read(key), undefined);
}

test('a fill that a removal in another process overtook is stored nowhere', async () => {
  for (const writeBehind of [false, true]) {
    const made = tiers({ writeBehind });
    const { backend, far, locks } = made;
    await locks.acquire(['a', 'b'], 'me', HOUR);
    await backend.fill(async (fill) => {
      // Nobody tells: there is no bus.
      await far.store.deleteMany(['a']);
      assert.ok(fill.isCurrent('a'));
      await fill.setMany([entry('a'), entry('b')], 'me');
    });
    await until('nothing is on its way', () => (backend.writeBehind?.queued ?? 0) === 0);
    await assertGone(made, 'a');
    assert.equal(await made.read('b'), bytes(1));
    if (writeBehind) assert.equal([backend.writeBehind?.written, backend.writeBehind?.refused], [1, 1]);
    await backend.close();
  }
});

test('what is stored under a lock is in L1 once L2 has accepted it, and told for each entry', async () => {
  const { backend, far, locks, near } = tiers();
  await locks.acquire(['a'], 'me', HOUR);
  far.hold('setLocked');
  const storing = locks.setMany([entry('a'), entry('b')], 'me');
  await until('it is asked', () => far.waiting('setLocked') === 1);
  assert.equal(plain(await near.getMany(['a', 'b'])), [undefined, undefined]);
  far.letGo('setLocked');
  assert.equal(await storing, [true, false]);
  assert.equal(plain(await near.getMany(['a', 'b'])), [bytes(1), undefined]);
  await backend.close();
});

test('a write on purpose is refused where somebody removed between its lock and its command', async () => {
  const made = tiers();
  const { backend, far } = made;
  await backend.setMany([entry('a', 1)]);
  far.hold('acquire');
  const setting = backend.setMany([entry('a', 2)]);
  await until('the key is locked', () => far.waiting('acquire') === 1);
  await far.store.deleteMany(['a']);
  far.letGo('acquire');
  await setting;
  await assertGone(made, 'a');
  await backend.close();
});

test('a write behind that waited for its lock while another instance removed is not written', async () => {
  const hub = new HubBus();
  const far = new GatedBackend();
  const one = tiers({ bus: hub.end().bus, writeBehind: true }, far);
  const other = tiers({ bus: hub.end().bus }, far);
  for (const { backend } of [one, other])
    await until('it is live', async () => (await backend.health()).detail === undefined);
  far.hold('acquire');
  await one.backend.setMany([entry('a')]);
  await until('the key is locked', () => far.waiting('acquire') === 1);
  await other.backend.deleteMany(['a']);
  // As if the command had only come now.
  await far.store.locks.acquire(['a'], 'nobody', 1, { force: true });
  far.letGo('acquire');
  await until('nothing is on its way', () => one.backend.writeBehind?.queued === 0);
  assert.is(one.backend.writeBehind?.dropped, 0, 'it was taken back');
  assert.not.ok(far.steps.includes('setLocked'));
  await assertGone(one, 'a');
  for (const { backend } of [one, other]) await backend.close();
});

test('a lock that is taken by force while another instance removes is given back', async () => {
  const hub = new HubBus();
  const far = new GatedBackend();
  const [one, other] = [tiers({ bus: hub.end().bus }, far), tiers({ bus: hub.end().bus }, far)];
  for (const { backend } of [one, other])
    await until('it is live', async () => (await backend.health()).detail === undefined);
  far.hold('acquire');
  const taking = one.locks.acquire(['a', 'b'], 'me', HOUR, { force: true });
  await until('the keys are locked', () => far.waiting('acquire') === 1);
  await other.backend.deleteMany(['a']);
  far.letGo('acquire');
  assert.equal(await taking, [false, true]);
  for (const { backend } of [one, other]) await backend.close();
});

test('a later write or removal of an instance comes after an earlier one, whichever is slower', async () => {
  const made = tiers();
  const { backend, far, read } = made;
  far.hold('acquire');
  const first = backend.setMany([entry('a', 1)]);
  const second = backend.setMany([entry('a', 2)]);
  const removal = backend.deleteMany(['a']);
  const cleared = backend.clear('');
  const last = backend.setMany([entry('a', 3)]);
  await backend.getMany(['other']);
  far.letGo('acquire');
  await Promise.all([first, second, removal, cleared, last]);
  assert.equal(plain(await far.store.getMany(['a'])), [bytes(3)]);
  assert.equal(await read('a'), bytes(3));
  await Promise.all([backend.setMany([entry('a', 4)]), backend.deleteMany(['a'])]);
  await assertGone(made, 'a');
  await backend.close();
});

test('a command that is slow on its way is overtaken by no later one of the same instance', async () => {
  const turns = async (count: number) => {
    for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  for (const hasLocks of [true, false]) {
    for (const last of ['set', 'delete', 'clear']) {
      const store = new MemoryBackend();
      let calls = 0;
      // The first command takes longest.
      const slowly = async <T>(work: () => Promise<T>) => {
        calls += 1;
        await turns(calls === 1 ? 20 : 0);
        return work();
      };
      const l2 = {
        getMany: (keys: readonly string[]) => store.getMany(keys),
        setMany: (entries: readonly BackendEntry[]) => slowly(() => store.setMany(entries)),
        deleteMany: (keys: readonly string[]) => slowly(() => store.deleteMany(keys)),
        clear: (prefix: string) => slowly(() => store.clear(prefix)),
        health: () => store.health(),
        close: () => store.close(),
        ...(hasLocks && {
          locks: {
            ...store.locks,
            acquire: (...args: Parameters<BackendLocks['acquire']>) => slowly(() => store.locks.acquire(...args)),
          },
        }),
      };
      const near = new MemoryBackend();
      const backend = new HybridBackend(near, l2);
      const first = backend.setMany([entry('a', 1)]);
      const second =
        last === 'set'
          ? backend.setMany([entry('a', 2)])
          : last === 'delete'
            ? backend.deleteMany(['a'])
            : backend.clear('a');
      await Promise.all([first, second]);
      const expected = [last === 'set' ? bytes(2) : undefined];
      assert.equal(plain(await store.getMany(['a'])), expected, `${last}, ${hasLocks ? 'with' : 'without'} locks`);
      assert.equal(plain(await backend.getMany(['a'])), expected);
    }
  }
});

test('bytes that were handed in may change at once', async () => {
  const { backend, far, read } = tiers();
  const value = new Uint8Array(4).fill(1);
  const setting = backend.setMany([{ key: 'a', value }]);
  value.fill(9);
  await setting;
  assert.equal(plain(await far.store.getMany(['a'])), [bytes(1)]);
  assert.equal(await read('a'), bytes(1));
  await backend.close();
});

test('a queue writes for many holders, and for none, and leaves what each may no longer store', async () => {
  const { backend, far, locks } = tiers({ writeBehind: true });
  const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
  far.hold('setLocked');
  const fills = keys.map((key) =>
    backend.fill(async (fill) => {
      await locks.acquire([key], `holder of ${key}`, HOUR);
      await fill.setMany([entry(key)], `holder of ${key}`);
    }),
  );
  await Promise.all(fills);
  await backend.setMany([entry('plain') as BackendEntry]);
  await far.store.deleteMany(keys.slice(60));
  far.letGo('setLocked');
  await until('all are written', () => backend.writeBehind?.queued === 0);
  const { written = 0, refused = 0, dropped } = backend.writeBehind ?? {};
  assert.is(written + refused, 101);
  assert.is(dropped, 0);
  assert.is((await far.store.getMany(['plain']))[0]?.length, 4);
  await backend.close();
});

test.run();
