import { attempt } from '../../async/attempt.js';
import { CallTracker } from '../../async/call-tracker.js';
import { type Clock, systemClock } from '../../clock.js';
import { copyOfBytes } from '../../copies.js';
import { describeValue } from '../../describe.js';
import { BackendError, InvalidOptionError } from '../../errors.js';
import { checkOptions } from '../../options.js';
import {
  BACKEND_EXPECTED,
  type BackendEntry,
  type BackendFill,
  type BackendHealth,
  type BackendLeases,
  type BackendLimits,
  type BackendLocks,
  type BackendTouch,
  type CacheBackend,
  isBackend,
  type ReadContext,
} from '../backend.js';
import { withBreaker } from '../breaker.js';
import type { InvalidationBus } from '../bus.js';
import type { Change } from '../change.js';
import { assignCapabilities, type Capabilities } from '../shell/capabilities.js';
import { leasesOver } from '../shell/leases.js';
import { splitByLimits } from '../shell/limits.js';
import { type LockStore, locksOver } from '../shell/locks.js';
import { ttlsOf } from '../shell/ttls.js';
import { Changes, NOT_HEARD, type Write } from './changes.js';
import { Coherence } from './coherence.js';
import { L1Tier } from './l1-tier.js';
import { L2Writer } from './l2-writer.js';
import { type HybridBackendOptions, optionsSchema, type WriteBehindStats } from './options.js';
import { Reader } from './reader.js';
import { TierState } from './tier-state.js';
import { both } from './tiers.js';
import { WriteBehindQueue } from './write-behind.js';

/** What may be queued, where nothing else is said, in bytes. */
const QUEUE_BYTES = 32 * 2 ** 20;

/** How long a write waits for room in the queue, where nothing else is said, in milliseconds. */
const QUEUE_WAIT = 5000;

/**
 * Two tiers: L1, usually `MemoryBackend`, and L2, which several processes share. Reads ask L2 only
 * for what L1 lacks, and copy what it has to L1. Writes go to both. Where L2 is down or slow,
 * circuit breakers keep it out of the way (see `withBreaker`), and what L1 has is still served to a
 * reader who gave a context.
 *
 * With a bus, writes and removals reach the L1 of all other instances. A removal resolves when no
 * instance serves what it removed any more, and rejects with `BackendError` where that cannot be
 * known. Where L2 has locks, nothing that was computed, queued or sent before the removal is stored
 * after it (see `BackendLocks`). L1 is emptied when the subscription is lost and again when it
 * returns; in between only L2 is read. An instance that reaches neither the bus nor L2 serves what
 * it has computed or written since then (see `OutageFallback`).
 *
 * Throws `InvalidOptionError` for options it does not take.
 */
export class HybridBackend implements CacheBackend {
  /** L2 has breakers of its own; one before both tiers would cut off L1. */
  declare readonly isolatesFailures: true;
  /** Those of L2. */
  declare readonly limits: BackendLimits;
  /**
   * Where L2 has it: lengthens TTLs there, and of what is on its way there. Copies in L1 live as
   * long as they would have, and are made anew from L2.
   */
  declare readonly touchMany?: (entries: readonly BackendTouch[]) => Promise<void>;
  /** L2's, where it has them. */
  declare readonly leases?: BackendLeases;
  /** L2's, where it has them. With `writeBehind`, what is queued counts as stored. */
  declare readonly locks?: BackendLocks;
  /**
   * Where there is a bus: for tiers before this one, which hear what happens after this one has
   * done it.
   */
  declare readonly bus?: InvalidationBus;
  /**
   * Runs what computes values anew. What others wrote or removed meanwhile, in whatever instance,
   * is left as it is: by the holder's locks, where one is named and L2 has locks, and otherwise as
   * far as it is heard of. Where that cannot be known, storing rejects with `BackendError` and
   * keeps nothing; while L2 fails, too, it keeps what it is given in L1.
   */
  declare readonly fill: NonNullable<CacheBackend['fill']>;
  readonly #l2: CacheBackend;
  readonly #state: TierState;
  readonly #reader: Reader;
  readonly #changes: Changes;
  readonly #calls = new CallTracker('HybridBackend');

  /** The tiers belong to this backend from now on: closing it closes them. */
  constructor(l1: CacheBackend, l2: CacheBackend, options: HybridBackendOptions = {}, clock: Clock = systemClock) {
    const { l1Ttl, l2Ttl, writeBehind, bus } = checkOptions(optionsSchema, options, 'HybridBackend options');
    const l1Tier = new L1Tier(checkBackend(l1, 'l1'), clock);
    const given = checkBackend(l2, 'l2');
    this.#l2 = withBreaker(given);
    const l2Writer = new L2Writer(this.#l2, given.isolatesFailures !== true);
    const state = new TierState({ l1: l1Tier, l2Writer }, { l1Ttl, l2Ttl }, clock);
    this.#state = state;
    this.#reader = new Reader(state, this.#l2);
    this.#changes = new Changes(state, this.#l2);
    if (writeBehind !== false) {
      const { maxBytes = QUEUE_BYTES, maxWait = QUEUE_WAIT } = writeBehind === true ? {} : writeBehind;
      const hooks = {
        onWritten: (keys: string[]) => state.coherence?.announce({ keys }),
        onRefused: (keys: string[]) => void state.dropFromL1(keys),
      };
      state.queue = new WriteBehindQueue(l2Writer, { maxBytes, maxWait }, hooks, clock);
    }
    const theBus = bus === undefined ? given.bus : bus || undefined;
    if (theBus !== undefined) {
      const hooks = {
        drop: (change: Change, isRemoval: boolean) => this.#changes.hear(change, isRemoval),
        forget: () => this.#changes.forget(),
      };
      state.coherence = new Coherence(theBus, hooks, clock);
    }
    assignCapabilities(this, this.#capabilities(given.limits ?? {}));
  }

  /** What is queued for L2 and what was lost; undefined without `writeBehind`. */
  get writeBehind(): WriteBehindStats | undefined {
    return this.#state.queue?.stats;
  }

  /**
   * Without a context, a failure of either tier rejects; with one, the context is told of it and
   * what the other tier has is returned.
   */
  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return this.#calls.run(() => this.#reader.read(keys, context));
  }

  async setMany(entries: readonly BackendEntry[]): Promise<void> {
    await this.#setMany(entries, { isFill: false });
  }

  /** Returns what L2 counts, and what only its queue had: L1 holds copies. */
  deleteMany(keys: readonly string[]): Promise<number> {
    if (keys.length === 0) return this.#calls.run(async () => 0);
    const copied = [...keys];
    return this.#remove({ keys: copied }, () => this.#l2.deleteMany(copied));
  }

  /** Returns what L2 counts, and what only its queue had: L1 holds copies. */
  clear(prefix: string): Promise<number> {
    return this.#remove({ prefix }, () => this.#l2.clear(prefix));
  }

  async #fill<T>(work: (fill: BackendFill) => Promise<T>): Promise<T> {
    const state = this.#state;
    const run = (l2Fill?: BackendFill) =>
      state.writes.read((wasChanged) => {
        const isCurrent = (key: string) => !wasChanged(key) && l2Fill?.isCurrent(key) !== false;
        const setMany = async (entries: readonly BackendEntry[], holder?: string) => {
          // First this: an instance that was paused learns here that it may have missed something.
          const mayStore = state.coherence?.mayStore !== false;
          const current = entries.filter(({ key }) => isCurrent(key));
          if (holder !== undefined && this.locks) await this.#fillLocked(current, holder);
          else if (mayStore) await this.#setMany(current, { isFill: true, l2Fill });
          // Others may be removing it.
          else if (!state.fallback.isNeeded) throw new BackendError(`not stored: ${NOT_HEARD}`);
          else await this.#calls.run(() => state.fallback.put(state.l1EntriesOf(current)));
        };
        const keepInL1 = async (entries: readonly BackendEntry[]) => {
          if (!state.isDisconnected || !state.fallback.isNeeded) return;
          const current = entries.filter(({ key }) => isCurrent(key));
          await this.#calls.run(() => state.fallback.put(state.l1EntriesOf(current)));
        };
        return work({ isCurrent, setMany, keepInL1 });
      });
    const { fill } = this.#l2;
    return fill ? (fill.call(this.#l2, run) as Promise<T>) : run();
  }

  /** The latency is L2's. */
  health(): Promise<BackendHealth> {
    const state = this.#state;
    return this.#calls.run(async () => {
      const [l1, l2] = await Promise.all([state.l1.health(), attempt(() => this.#l2.health())]);
      const detail = [
        l1.detail && `l1: ${l1.detail}`,
        l2.detail && `l2: ${l2.detail}`,
        state.l1.isBroken && 'L1 is not used: it failed to drop copies, and could not be cleared since then',
        state.isDisconnected && `L1 is not used: ${NOT_HEARD}`,
      ]
        .filter(Boolean)
        .join('; ');
      return { ok: l1.ok && l2.ok, latencyMs: l2.latencyMs, ...(detail && { detail }) };
    });
  }

  /**
   * Waits for the calls under way. With `writeBehind` what is queued is written first, for as long
   * as something of it gets written within 1.5 s. Rejects with `BackendError` where accepted
   * entries were lost, now or before.
   */
  close(): Promise<void> {
    const { coherence, l1, l2Writer, queue } = this.#state;
    queue?.hurry();
    return this.#calls.close(async () => {
      const steps = [
        () => queue?.close(),
        () => coherence?.close(),
        () =>
          both(
            l1.close(),
            attempt(() => this.#l2.close()),
          ),
      ];
      const errors: unknown[] = [];
      for (const step of steps) await attempt(step).catch((error: unknown) => errors.push(error));
      l2Writer.close();
      if (errors.length > 0) throw errors[0];
    });
  }

  /** What L2 can do is offered for both tiers. */
  #capabilities(limits: BackendLimits): Capabilities {
    const { leases, locks } = this.#l2;
    const touchL2 = this.#l2.touchMany?.bind(this.#l2);
    const run = <T>(call: () => Promise<T>) => this.#calls.run(call);
    return {
      isolatesFailures: true,
      limits,
      bus: this.#state.coherence?.relay,
      getRuns: undefined,
      touchMany: touchL2 && ((entries) => run(() => this.#touch(entries, touchL2))),
      leases: leases && leasesOver(leases, run, limits),
      locks: locks && locksOver(this.#lockStore(locks), run, { limits }),
      fill: (work) => this.#fill(work),
    };
  }

  #lockStore(locks: BackendLocks): LockStore {
    return {
      acquire: (keys, holder, ttlMs, force) =>
        force ? this.#changes.takeOver(locks, keys, holder, ttlMs) : locks.acquire(keys, holder, ttlMs),
      renew: (keys, holder, ttlMs) => locks.renew(keys, holder, ttlMs),
      release: (keys, holder) => locks.release(keys, holder),
      setMany: (entries, holder) => this.#changes.setLocked(entries, holder, false),
    };
  }

  async #setMany(entries: readonly BackendEntry[], write: Write): Promise<void> {
    const { fitting, removed, error } = splitByLimits(entries, this.limits);
    // Bytes that were handed in may change before L2 reads them.
    const copied = fitting.map((entry) => ({ ...entry, value: copyOfBytes(entry.value) }));
    await this.#calls.run(() => this.#changes.set(copied, write));
    if (removed.length > 0) await this.deleteMany(removed);
    if (error) throw error;
  }

  /** Stores under a lock, behind where that is wanted. */
  async #fillLocked(entries: readonly BackendEntry[], holder: string): Promise<void> {
    const { fitting, error } = splitByLimits(entries, this.limits);
    if (fitting.length > 0) await this.#calls.run(() => this.#changes.setLocked(fitting, holder, true));
    if (error) throw error;
  }

  async #touch(
    entries: readonly BackendTouch[],
    touchL2: (entries: readonly BackendTouch[]) => Promise<void>,
  ): Promise<void> {
    // Checked before anything that is queued changes.
    const ttls = ttlsOf(entries, this.limits);
    await this.#state.queue?.touch(ttls);
    await touchL2(Array.from(ttls, ([key, ttlMs]) => ({ key, ttlMs })));
  }

  #remove(change: Change, fromL2: () => Promise<number>): Promise<number> {
    return this.#calls.run(() => this.#changes.remove(change, fromL2));
  }
}

function checkBackend(backend: unknown, option: string): CacheBackend {
  if (isBackend(backend)) return backend;
  throw new InvalidOptionError(option, BACKEND_EXPECTED, describeValue(backend, option));
}
