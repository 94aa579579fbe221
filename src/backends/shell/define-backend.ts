import { CallTracker } from '../../async/call-tracker.js';
import { entryTtl } from '../../ttl.js';
import type {
  BackendEntry,
  BackendHealth,
  BackendLeases,
  BackendLimits,
  BackendLocks,
  CacheBackend,
  ReadContext,
} from '../backend.js';
import type { InvalidationBus } from '../bus.js';
import type { Change } from '../change.js';
import { Batches } from './batches.js';
import { assignCapabilities, type Capabilities } from './capabilities.js';
import { type CheckedDefinition, checkDefinition } from './definition.js';
import { KeyOrder } from './key-order.js';
import { leasesOver } from './leases.js';
import { checkKeys, fits } from './limits.js';
import { locksOver } from './locks.js';
import type { BackendDefinition, RawReadContext, RawStore } from './raw-store.js';
import { type Awaitable, map, type OrNothing, Requests } from './requests.js';
import { ttlsOf } from './ttls.js';

/** What is read to see whether a store works that has no `ping`. */
const HEALTH_KEY = 'vecstash:health';

/**
 * Makes a backend of a store: `createCache({ backend: defineBackend(store, { name: 'MyBackend' })
 * })`. The store is asked for what it can do, and everything else is done here: keys, limits and
 * TTLs are checked, duplicates folded, batches cut into requests that are sent `concurrency` at
 * once, each within `requestTimeout`; changes of a key keep their order; errors become
 * `BackendError`s; closing waits for calls. Optional members of the store become those of the
 * backend.
 *
 * Throws `InvalidOptionError` for what is no store, and for a definition that does not fit.
 */
export function defineBackend(store: RawStore, definition: BackendDefinition): CacheBackend {
  return new DefinedBackend(store, definition);
}

/** What `defineBackend` makes, as a class for backends that are made by `new`. */
export class DefinedBackend implements CacheBackend {
  declare readonly isolatesFailures?: boolean;
  declare readonly limits?: BackendLimits;
  declare readonly bus?: InvalidationBus;
  declare readonly leases?: BackendLeases;
  declare readonly locks?: BackendLocks;
  declare readonly getRuns?: NonNullable<CacheBackend['getRuns']>;
  declare readonly touchMany?: NonNullable<CacheBackend['touchMany']>;
  declare readonly fill?: NonNullable<CacheBackend['fill']>;
  readonly #store: RawStore;
  readonly #definition: CheckedDefinition;
  readonly #requests: Requests;
  readonly #batches: Batches;
  readonly #calls: CallTracker;
  readonly #order: KeyOrder | undefined;

  constructor(store: RawStore, definition: BackendDefinition) {
    this.#store = store;
    this.#definition = checkDefinition(store, definition);
    this.#requests = new Requests(this.#definition);
    this.#batches = new Batches(store, this.#definition, this.#requests);
    this.#calls = new CallTracker(this.#definition.name);
    this.#order = this.#definition.ordered ? new KeyOrder() : undefined;
    assignCapabilities(this, this.#capabilities(store));
  }

  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return this.#calls.run(() => {
      checkKeys(keys);
      if (!this.#definition.asAsked) return this.#batches.read(keys, context);
      const read = (request: RawReadContext) => this.#store.getMany(keys, request);
      // An array of the store's own, which it does not keep.
      return this.#requests.send(read, context) as Awaitable<(Uint8Array | undefined)[]>;
    });
  }

  setMany(entries: readonly BackendEntry[]): Promise<void> {
    return this.#calls.run(() => {
      const keys = keysOf(entries);
      const withTtl = entries.map(this.#withTtl);
      return this.#change({ keys }, () => this.#write(withTtl));
    });
  }

  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#calls.run(() => {
      checkKeys(keys);
      return this.#change({ keys }, () => {
        if (!this.#definition.asAsked) return this.#batches.delete(keys);
        return this.#requests.send((request) => this.#batches.deleteChunk(keys, request));
      });
    });
  }

  clear(prefix: string): Promise<number> {
    return this.#calls.run(() => {
      checkKeys([prefix]);
      if (!fits(prefix, this.#definition.limits)) return 0;
      const clear = this.#definition.keepsExpiry ? undefined : this.#store.clear?.bind(this.#store);
      return this.#change({ prefix }, () =>
        clear ? this.#requests.send((request) => clear(prefix, request)) : this.#batches.clear(prefix),
      );
    });
  }

  health(): Promise<BackendHealth> {
    return this.#calls.run(async () => {
      const start = performance.now();
      try {
        const detail = await this.#requests.send((request) => this.#ping(request));
        const latencyMs = performance.now() - start;
        return detail === undefined ? { ok: true, latencyMs } : { ok: false, latencyMs, detail };
      } catch (error) {
        return { ok: false, latencyMs: Number.NaN, detail: (error as Error).message };
      }
    });
  }

  close(): Promise<void> {
    return this.#calls.close(() => this.#requests.guard(async () => this.#store.close?.()));
  }

  #capabilities(store: RawStore): Capabilities {
    const { limits, lockLimits } = this.#definition;
    const run = <T>(call: () => Promise<T>) => this.#calls.run(() => this.#requests.guard(call));
    const getRuns = store.getRuns?.bind(store);
    const touchMany = store.touchMany?.bind(store);
    const fill = store.fill?.bind(store);
    const hasLimits = limits.keyBytes !== undefined || limits.valueBytes !== undefined;
    return {
      isolatesFailures: store.isolatesFailures,
      limits: hasLimits ? limits : undefined,
      bus: store.bus,
      leases: store.leases && leasesOver(store.leases, run, limits),
      locks:
        store.locks && locksOver(store.locks, run, { limits: lockLimits, order: this.#order, withTtl: this.#withTtl }),
      getRuns:
        getRuns &&
        ((runs, context) =>
          this.#calls.run(() => this.#requests.send((request) => getRuns(checked(runs), request), context))),
      touchMany: touchMany && ((entries) => this.#calls.run(() => this.#touch(entries, touchMany))),
      fill: fill && ((work) => this.#calls.run(() => fill(work))),
    };
  }

  /** An entry with its whole TTL, in whole milliseconds. */
  readonly #withTtl = (entry: BackendEntry): BackendEntry => {
    const ttlMs = entryTtl(entry.ttlMs, this.#definition.ttl);
    if (ttlMs === undefined || ttlMs === entry.ttlMs) return entry;
    return { key: entry.key, value: entry.value, ttlMs };
  };

  #ping(request: RawReadContext): Awaitable<OrNothing<string>> {
    if (this.#store.ping) return this.#store.ping(request);
    return map(this.#store.getMany([HEALTH_KEY], request), () => undefined);
  }

  /**
   * Runs a change after whatever changes the same keys, where the store does not keep the order
   * itself.
   */
  #change<T>(change: Change, work: () => Awaitable<T>): Awaitable<T> {
    return this.#order ? this.#order.run(change, work) : work();
  }

  #write(entries: readonly BackendEntry[]): Awaitable<void> {
    if (!this.#definition.asAsked) return this.#batches.write(entries);
    return this.#requests.send((request) =>
      map(this.#store.setMany(entries, request), (failed) => {
        if (failed) throw this.#batches.failedWrites(failed, entries.length);
      }),
    );
  }

  #touch(
    entries: Parameters<NonNullable<CacheBackend['touchMany']>>[0],
    touchMany: NonNullable<RawStore['touchMany']>,
  ) {
    const touches = Array.from(ttlsOf(entries, this.#definition.limits), ([key, ttlMs]) => ({ key, ttlMs }));
    if (touches.length === 0) return;
    const change = { keys: touches.map(({ key }) => key) };
    return this.#change(change, () => this.#requests.send((request) => touchMany(touches, request)));
  }
}

function keysOf(entries: readonly BackendEntry[]): string[] {
  const keys = entries.map(({ key }) => key);
  checkKeys(keys);
  return keys;
}

/** Keys are checked run by run: the store may be at the first before the next is made. */
function* checked(runs: Iterable<readonly string[]>): Generator<readonly string[]> {
  for (const keys of runs) {
    checkKeys(keys);
    yield keys;
  }
}
