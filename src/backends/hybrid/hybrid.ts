import { attempt } from '../../async/attempt.js';
import { CallTracker } from '../../async/call-tracker.js';
import { type Clock, systemClock } from '../../clock.js';
import { describeValue } from '../../describe.js';
import { BackendError, InvalidOptionError } from '../../errors.js';
import { tell } from '../../events.js';
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
import { leasesOver } from '../leases.js';
import { splitByLimits } from '../limits.js';
import { livesOf } from '../lives.js';
import { type LockStore, locksOver } from '../locks.js';
import { Changes, NOT_HEARD, type Write } from './changes.js';
import { Coherence } from './coherence.js';
import { FarWriter } from './far-writer.js';
import { NearTier } from './near-tier.js';
import { type HybridBackendOptions, optionsSchema } from './options.js';
import { TierState } from './tier-state.js';
import { both, partOf } from './tiers.js';
import { WriteBehindQueue, type WriteBehindStats } from './write-behind.js';

/** What may be queued, where nothing else is said, in bytes. */
const QUEUE_BYTES = 32 * 2 ** 20;

/** How long a write waits for room in the queue, where nothing else is said, in milliseconds. */
const QUEUE_WAIT = 5000;

/**
 * Two tiers: a near one, usually `MemoryBackend`, and a far one that several processes share. Reads ask the second tier only
 * for what the first one lacks, and copy what it has to the first. Writes go to both. Where the second tier is down or slow, circuit
 * breakers keep it out of the way (see `withBreaker`), and what the first tier has is still served to a reader who gave a context.
 *
 * With a bus, writes and removals reach the first tiers of all other instances. A removal resolves when no instance serves what it
 * removed any more, and rejects with `BackendError` where that cannot be known. Where the second tier has locks, nothing that was
 * computed, queued or sent before the removal is stored after it (see `BackendLocks`). The first tier is emptied when the
 * subscription is lost and again when it returns; in between only the second is read. An instance that reaches neither the bus nor
 * the second tier serves what it has computed or written since then (see `Bridge`).
 *
 * Throws `InvalidOptionError` for options it does not take.
 */
export class HybridBackend implements CacheBackend {
  /** The second tier has breakers of its own; one before both tiers would cut off the first. */
  readonly isolatesFailures = true;
  readonly limits: BackendLimits;
  /**
   * Where the second tier has it: lengthens lives there, and of what is on its way there. Copies in the first tier live as long as they
   * would have, and are made anew from the second.
   */
  declare readonly touchMany?: (entries: readonly BackendTouch[]) => Promise<void>;
  /** The second tier's, where it has them. */
  declare readonly leases?: BackendLeases;
  /** The second tier's, where it has them. With `writeBehind`, what is queued counts as stored. */
  declare readonly locks?: BackendLocks;
  /** Where there is a bus: for tiers before this one, which hear what happens after this one has done it. */
  declare readonly bus?: InvalidationBus;
  readonly #l2: CacheBackend;
  readonly #state: TierState;
  readonly #changes: Changes;
  readonly #calls = new CallTracker('HybridBackend');

  /** The tiers belong to this backend from now on: closing it closes them. */
  constructor(l1: CacheBackend, l2: CacheBackend, options: HybridBackendOptions = {}, clock: Clock = systemClock) {
    const { l1Ttl, l2Ttl, writeBehind, bus } = checkOptions(optionsSchema, options, 'HybridBackend options');
    const near = new NearTier(checkBackend(l1, 'l1'), clock);
    const given = checkBackend(l2, 'l2');
    this.#l2 = withBreaker(given);
    const far = new FarWriter(this.#l2, given.isolatesFailures !== true);
    const state = new TierState({ near, far }, { l1Ttl, l2Ttl }, clock);
    this.#state = state;
    this.#changes = new Changes(state, this.#l2);
    this.limits = given.limits ?? {};
    Object.assign(this, this.#offered(this.#l2));
    if (writeBehind !== false) {
      const { maxBytes = QUEUE_BYTES, maxWait = QUEUE_WAIT } = writeBehind === true ? {} : writeBehind;
      const hooks = {
        onWritten: (keys: string[]) => state.coherence?.announce({ keys }),
        onRefused: (keys: string[]) => void state.dropNear(keys),
      };
      state.queue = new WriteBehindQueue(far, { maxBytes, maxWait }, hooks, clock);
    }
    const theBus = bus === undefined ? given.bus : bus || undefined;
    if (theBus !== undefined) {
      const hooks = {
        drop: (change: Change, isRemoval: boolean) => this.#changes.hear(change, isRemoval),
        forget: () => this.#changes.forget(),
      };
      state.coherence = new Coherence(theBus, hooks, clock);
      this.bus = state.coherence.relay;
    }
  }

  /** What is queued for the second tier and what was lost; undefined without `writeBehind`. */
  get writeBehind(): WriteBehindStats | undefined {
    return this.#state.queue?.stats;
  }

  /** Without a context, a failure of either tier rejects; with one, it is told to it and what the other tier has is returned. */
  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    const state = this.#state;
    return this.#calls.run(() =>
      state.overlaps.read(async (wasChanged) => {
        const mark = state.coherence?.mark();
        const { isNearSound } = state;
        const values: (Uint8Array | undefined)[] = isNearSound
          ? await partOf((asked) => state.near.getMany(keys, asked), keys.length, context, undefined)
          : new Array(keys.length).fill(undefined);
        const missing: number[] = [];
        let queued = 0;
        for (const [place, key] of keys.entries()) {
          if (values[place] !== undefined) continue;
          values[place] = state.queue?.get(key);
          if (values[place] === undefined) missing.push(place);
          else queued += 1;
        }
        const told = (far: number) => {
          if (context?.isRepeated) return;
          const near = keys.length - missing.length - queued;
          tell('tiers', () => ({ keys: keys.length, near, queued, far }));
        };
        if (missing.length === 0) {
          told(0);
          return values;
        }

        const missingKeys = missing.map((place) => keys[place] as string);
        let hasFailed = false;
        const noted = context && {
          ...context,
          onPartialFailure: (error: unknown) => {
            hasFailed = true;
            context.onPartialFailure(error);
          },
        };
        // Places are the caller's only where nothing is near.
        const onPart = missing.length === keys.length ? context?.onPart : undefined;
        const askFar = (asked: ReadContext | undefined) => attempt(() => this.#l2.getMany(missingKeys, asked));
        const found = await partOf(askFar, missing.length, noted, onPart);
        told(found.reduce((count, value) => count + (value === undefined ? 0 : 1), 0));
        state.noteFar(!hasFailed);
        if (state.isDeaf) await state.bridge.serve(missingKeys, found);
        const copies: BackendEntry[] = [];
        const mayKeep = isNearSound && state.isLiveSince(mark);
        for (const [index, place] of missing.entries()) {
          const value = found[index];
          if (value === undefined) continue;
          values[place] = value;
          const key = keys[place] as string;
          if (mayKeep && !wasChanged(key)) copies.push(state.copyOf(key, value));
        }
        // The answer does not wait for the copies, and loses nothing where they fail.
        if (copies.length > 0) state.near.add(copies).catch(() => {});
        return values;
      }),
    );
  }

  async setMany(entries: readonly BackendEntry[]): Promise<void> {
    await this.#setMany(entries, { isFill: false });
  }

  /** Returns what the second tier counts, and what only its queue had: the first one holds copies. */
  deleteMany(keys: readonly string[]): Promise<number> {
    if (keys.length === 0) return this.#calls.run(async () => 0);
    const copied = [...keys];
    return this.#remove({ keys: copied }, () => this.#l2.deleteMany(copied));
  }

  /** Returns what the second tier counts, and what only its queue had: the first one holds copies. */
  clear(prefix: string): Promise<number> {
    return this.#remove({ prefix }, () => this.#l2.clear(prefix));
  }

  /**
   * Runs what computes values anew. What others wrote or removed meanwhile, in whatever instance, is left as it is: by the holder's
   * locks, where one is named and the second tier has locks, and otherwise as far as it is heard of. Where that cannot be known,
   * storing rejects with `BackendError` and keeps nothing; while the second tier fails, too, it keeps what it is given near.
   */
  async fill<T>(work: (fill: BackendFill) => Promise<T>): Promise<T> {
    const state = this.#state;
    const run = (farFill?: BackendFill) =>
      state.overlaps.read((wasChanged) => {
        const isCurrent = (key: string) => !wasChanged(key) && farFill?.isCurrent(key) !== false;
        const setMany = async (entries: readonly BackendEntry[], holder?: string) => {
          // First this: an instance that was paused learns here that it may have missed something.
          const mayStore = state.coherence?.mayStore !== false;
          const current = entries.filter(({ key }) => isCurrent(key));
          if (holder !== undefined && this.locks) await this.#fillLocked(current, holder);
          else if (mayStore) await this.#setMany(current, { isFill: true, farFill });
          // Others may be removing it.
          else if (!state.bridge.isNeeded) throw new BackendError(`not stored: ${NOT_HEARD}`);
          else await this.#calls.run(() => state.bridge.put(state.nearOf(current)));
        };
        const keepNear = async (entries: readonly BackendEntry[]) => {
          if (!state.isDeaf || !state.bridge.isNeeded) return;
          const current = entries.filter(({ key }) => isCurrent(key));
          await this.#calls.run(() => state.bridge.put(state.nearOf(current)));
        };
        return work({ isCurrent, setMany, keepNear });
      });
    const { fill } = this.#l2;
    return fill ? (fill.call(this.#l2, run) as Promise<T>) : run();
  }

  /** The latency is the second tier's. */
  health(): Promise<BackendHealth> {
    const state = this.#state;
    return this.#calls.run(async () => {
      const [near, far] = await Promise.all([state.near.health(), attempt(() => this.#l2.health())]);
      const detail = [
        near.detail && `l1: ${near.detail}`,
        far.detail && `l2: ${far.detail}`,
        state.near.isBroken &&
          'the first tier is not used: it failed to drop copies, and could not be cleared since then',
        state.isDeaf && `the first tier is not used: ${NOT_HEARD}`,
      ]
        .filter(Boolean)
        .join('; ');
      return { ok: near.ok && far.ok, latencyMs: far.latencyMs, ...(detail && { detail }) };
    });
  }

  /**
   * Waits for the calls under way. With `writeBehind` what is queued is written first, for as long as something of it gets written
   * within 1.5 s. Rejects with `BackendError` where accepted entries were lost, now or before.
   */
  close(): Promise<void> {
    const { coherence, far, near, queue } = this.#state;
    queue?.hurry();
    return this.#calls.close(async () => {
      const steps = [
        () => queue?.close(),
        () => coherence?.close(),
        () =>
          both(
            near.close(),
            attempt(() => this.#l2.close()),
          ),
      ];
      const errors: unknown[] = [];
      for (const step of steps) await attempt(step).catch((error: unknown) => errors.push(error));
      far.close();
      if (errors.length > 0) throw errors[0];
    });
  }

  /** What the second tier can is offered for both. */
  #offered(l2: CacheBackend): Pick<CacheBackend, 'touchMany' | 'leases' | 'locks'> {
    const { leases, locks } = l2;
    const touchFar = l2.touchMany?.bind(l2);
    const run = <T>(call: () => Promise<T>) => this.#calls.run(call);
    const store: LockStore | undefined = locks && {
      acquire: (keys, holder, lifeMs, force) =>
        force ? this.#changes.takeOver(locks, keys, holder, lifeMs) : locks.acquire(keys, holder, lifeMs),
      renew: (keys, holder, lifeMs) => locks.renew(keys, holder, lifeMs),
      release: (keys, holder) => locks.release(keys, holder),
      setMany: (entries, holder) => this.#changes.setLocked(entries, holder, false),
    };
    return {
      ...(touchFar && { touchMany: (entries) => run(() => this.#touch(entries, touchFar)) }),
      ...(leases && { leases: leasesOver(leases, run, this.limits) }),
      ...(store && { locks: locksOver(store, run, { limits: this.limits }) }),
    };
  }

  async #setMany(entries: readonly BackendEntry[], write: Write): Promise<void> {
    const { fitting, removed, error } = splitByLimits(entries, this.limits);
    // Bytes that were handed in may change before the second tier reads them.
    const copied = fitting.map((entry) => ({ ...entry, value: entry.value.slice() }));
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
    touchFar: (entries: readonly BackendTouch[]) => Promise<void>,
  ): Promise<void> {
    // Checked before anything that is queued changes.
    const lives = livesOf(entries, this.limits);
    await this.#state.queue?.touch(lives);
    await touchFar(Array.from(lives, ([key, ttlMs]) => ({ key, ttlMs })));
  }

  #remove(change: Change, fromFar: () => Promise<number>): Promise<number> {
    return this.#calls.run(() => this.#changes.remove(change, fromFar));
  }
}

function checkBackend(backend: unknown, option: string): CacheBackend {
  if (isBackend(backend)) return backend;
  throw new InvalidOptionError(option, BACKEND_EXPECTED, describeValue(backend, option));
}
