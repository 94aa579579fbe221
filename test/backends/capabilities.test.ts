import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BackendEntry, BackendFill } from '../../src/backends/backend.js';
import { withBreaker } from '../../src/backends/breaker.js';
import type { InvalidationBus } from '../../src/backends/bus.js';
import { RecordSpans } from '../../src/record-spans.js';
import { MoodyBackend } from '../support/moody-backend.js';

const test = suite('optional capabilities, through a breaker');
const entries = [{ key: 'a', value: new Uint8Array(1) }];

const bus: InvalidationBus = {
  subscribe: () => ({ renew: () => {}, close: async () => {} }),
  publish: async () => 0,
};

/** A fill whose methods lie on a prototype and need their instance. */
class ForeignFill implements BackendFill {
  readonly #store: ForeignBackend;

  constructor(store: ForeignBackend) {
    this.#store = store;
  }

  isCurrent(key: string): boolean {
    return this.#store.outdated !== key;
  }

  setMany(written: readonly BackendEntry[]): Promise<void> {
    return this.#store.setMany(written);
  }

  async keepInL1(kept: readonly BackendEntry[]): Promise<void> {
    this.#store.kept.push(...kept);
  }
}

/** A backend of somebody else's: what it may have lies on its prototype, as methods and getters that need their instance. */
class ForeignBackend extends MoodyBackend {
  outdated = 'b';
  readonly kept: BackendEntry[] = [];
  readonly #limits = { keyBytes: 100 };
  readonly #bus = bus;

  get limits() {
    return this.#limits;
  }

  get bus() {
    return this.#bus;
  }

  get leases() {
    return this.store.leases;
  }

  get locks() {
    return this.store.locks;
  }

  async getRuns(runs: Iterable<readonly string[]>): Promise<RecordSpans> {
    return RecordSpans.of(await this.getMany([...runs].flat()));
  }

  async touchMany(): Promise<void> {
    this.outdated = 'touched';
  }

  fill<T>(work: (fill: BackendFill) => Promise<T>): Promise<T> {
    return work(new ForeignFill(this));
  }
}

test('all of them are there, from wherever the backend has them', async () => {
  const foreign = new ForeignBackend();
  const backend = withBreaker(foreign);
  assert.is(backend.limits, foreign.limits);
  assert.is(backend.bus, foreign.bus);
  assert.is(backend.leases, foreign.leases);
  assert.equal(await backend.locks?.acquire(['a'], 'one', 1000), [true]);
  assert.equal((await backend.getRuns?.([['a'], ['b']]))?.toArray(), [undefined, undefined]);
  await backend.touchMany?.([]);
  assert.is(foreign.outdated, 'touched');
  for (const name of ['limits', 'bus', 'leases', 'locks', 'getRuns', 'touchMany', 'fill'])
    assert.ok(Object.hasOwn(backend, name), name);
});

test('a fill keeps all that it can do', async () => {
  const foreign = new ForeignBackend();
  await withBreaker(foreign).fill?.(async (fill) => {
    assert.equal([fill.isCurrent('a'), fill.isCurrent('b')], [true, false]);
    await fill.setMany(entries);
    assert.equal(foreign.writes, [entries]);
    assert.type(fill.keepInL1, 'function');
    await fill.keepInL1?.(entries);
    assert.equal(foreign.kept, entries);
  });
});

test('what a backend has not its breaker has not, nor its fill', async () => {
  const plain = withBreaker(new MoodyBackend());
  for (const name of ['limits', 'bus', 'leases', 'locks', 'getRuns', 'touchMany', 'fill'])
    assert.not.ok(name in plain, name);
  const filling = Object.assign(new MoodyBackend(), {
    fill: <T>(work: (fill: BackendFill) => Promise<T>) => work({ isCurrent: () => true, setMany: async () => {} }),
  });
  await withBreaker(filling).fill?.(async (fill) => assert.not.ok('keepInL1' in fill));
});

test.run();
