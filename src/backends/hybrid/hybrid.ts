import type { Clock } from '../../clock.js';
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
  type BackendTouch,
  type CacheBackend,
  isBackend,
  type ReadContext,
} from '../backend.js';
import { withBreaker } from '../breaker.js';
import { type Change, type Touches, touchesOf } from '../change.js';
import { leasesOver } from '../leases.js';
import { splitByLimits } from '../limits.js';
import { livesOf } from '../lives.js';
import { OpenCalls } from '../open-calls.js';
import { Overlaps } from '../overlap.js';
import { Bridge } from './bridge.js';
import { Coherence, type CoherenceHooks } from './coherence.js';
import { type HybridBackendOptions, optionsSchema } from './options.js';
import { WriteBehindQueue, type WriteBehindStats } from './write-behind.js';

const NOT_HEARD = 'changes of other instances are not heard';

/** What may be queued, where nothing else is said, in bytes. */
const QUEUE_BYTES = 32 * 2 ** 20;

/**
 * Two tiers: a near one, usually `MemoryBackend`, and a far one that several processes share. Reads ask the second tier only
 * for what the first one lacks, and copy what it has to the first. Writes go to both at once. Where the second tier is down or
 * slow, circuit breakers keep it out of the way (see `withBreaker`), and what the first tier has is still served to a reader who
 * gave a context.
 *
 * With a bus, writes and removals reach the first tiers of all other instances. A removal resolves when no instance serves what it
 * removed any more, and rejects with `BackendError` where that cannot be known. The first tier is emptied when the subscription is
 * lost and again when it returns; in between only the second is read. An instance that reaches neither the bus nor the second tier
 * serves what it has computed or written since then (see `Bridge`).
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
  readonly #l1: CacheBackend;
  readonly #l2: CacheBackend;
  readonly #l1Ttl: number;
  readonly #l2Ttl: number | undefined;
  readonly #queue: WriteBehindQueue | undefined;
  readonly #coherence: Coherence | undefined;
  readonly #bridge: Bridge;
  readonly #calls = new OpenCalls('HybridBackend');
  readonly #overlaps = new Overlaps();
  /** Writes to the second tier that are under way. */
  readonly #farWrites = new Set<{ keys: string[]; done: Promise<void> }>();

  /** The tiers belong to this backend from now on: closing it closes them. */
  constructor(l1: CacheBackend, l2: CacheBackend, options: HybridBackendOptions = {}, clock?: Clock) {
    const { l1Ttl, l2Ttl, writeBehind, bus } = checkOptions(optionsSchema, options, 'HybridBackend options');
    this.#l1 = checkBackend(l1, 'l1');
    this.#bridge = new Bridge(this.#l1);
    const far = checkBackend(l2, 'l2');
    this.#l2 = withBreaker(far);
    this.limits = far.limits ?? {};
    const touchFar = this.#l2.touchMany?.bind(this.#l2);
    if (touchFar) this.touchMany = (entries) => this.#calls.run(() => this.#touch(entries, touchFar));
    const { leases } = this.#l2;
    if (leases) this.leases = leasesOver(leases, (call) => this.#calls.run(call), this.limits);
    this.#l1Ttl = l1Ttl;
    this.#l2Ttl = l2Ttl;
    if (writeBehind !== false) {
      const { maxBytes = QUEUE_BYTES } = writeBehind === true ? {} : writeBehind;
      this.#queue = new WriteBehindQueue(this.#l2, maxBytes, (keys) => this.#coherence?.announce({ keys }));
    }
    const theBus = bus === undefined ? far.bus : bus || undefined;
    if (theBus !== undefined) {
      const hooks = {
        drop: (change: Change) => this.#drop(change),
        hold: (change: Change) => this.#hold(change),
        forget: () => this.#forget(),
      };
      this.#coherence = new Coherence(theBus, hooks, clock);
    }
  }

  /** What is queued for the second tier and what was lost; undefined without `writeBehind`. */
  get writeBehind(): WriteBehindStats | undefined {
    return this.#queue?.stats;
  }

  /** Without a context, a failure of either tier rejects; with one, it is told to it and what the other tier has is returned. */
  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return this.#calls.run(() =>
      this.#overlaps.read(async (wasWritten) => {
        const isNearSound = this.#coherence?.isNearSound ?? true;
        const values: (Uint8Array | undefined)[] = isNearSound
          ? await partOf(this.#l1, keys, context && { ...context, onPart: undefined })
          : new Array(keys.length).fill(undefined);
        const missing: number[] = [];
        let queued = 0;
        for (const [place, key] of keys.entries()) {
          if (values[place] !== undefined) continue;
          values[place] = this.#queue?.get(key);
          if (values[place] === undefined) missing.push(place);
          else queued += 1;
        }
        const told = (far: number) => {
          const near = keys.length - missing.length - queued;
          tell('tiers', () => ({ keys: keys.length, near, queued, far }));
        };
        if (missing.length === 0) {
          told(0);
          return values;
        }

        const missingKeys = missing.map((place) => keys[place] as string);
        let hasFailed = false;
        // Places are the caller's only where nothing is near.
        const onPart = missing.length === keys.length ? context?.onPart : undefined;
        const found = await partOf(
          this.#l2,
          missingKeys,
          context && { ...noting(context, () => (hasFailed = true)), onPart },
        );
        told(found.reduce((count, value) => count + (value === undefined ? 0 : 1), 0));
        this.#noteFar(!hasFailed);
        if (this.#isDeaf) await this.#bridge.serve(missingKeys, found);
        const copies: BackendEntry[] = [];
        for (const [index, place] of missing.entries()) {
          const value = found[index];
          if (value === undefined) continue;
          values[place] = value;
          const key = keys[place] as string;
          if (isNearSound && !wasWritten(key)) copies.push({ key, value, ttlMs: this.#l1Ttl });
        }
        // The answer does not wait for the copies, and loses nothing where they fail.
        if (copies.length > 0) this.#l1.setMany(copies).catch(() => {});
        return values;
      }),
    );
  }

  async setMany(entries: readonly BackendEntry[]): Promise<void> {
    const { fitting, removed, error } = splitByLimits(entries, this.limits);
    await this.#writeBoth(fitting);
    if (removed.length > 0) await this.deleteMany(removed);
    if (error) throw error;
  }

  /** Returns what the second tier counts, and what only its queue had: the first one holds copies. */
  deleteMany(keys: readonly string[]): Promise<number> {
    if (keys.length === 0) return this.#calls.run(async () => 0);
    return this.#remove({ keys }, (tier) => tier.deleteMany(keys));
  }

  /** Returns what the second tier counts, and what only its queue had: the first one holds copies. */
  clear(prefix: string): Promise<number> {
    return this.#remove({ prefix }, (tier) => tier.clear(prefix));
  }

  /**
   * Runs what computes values anew. What others wrote or removed meanwhile, in whatever instance, is left as it is. Where that cannot be
   * known, storing rejects with `BackendError` and keeps nothing; while the second tier fails, too, it keeps what it is given near.
   */
  fill<T>(work: (fill: BackendFill) => Promise<T>): Promise<T> {
    return this.#overlaps.read((wasWritten) => {
      const isCurrent = (key: string) => !wasWritten(key);
      const setMany = async (entries: readonly BackendEntry[]) => {
        const current = entries.filter(({ key }) => isCurrent(key));
        if (this.#coherence?.mayStore !== false) return this.setMany(current);
        // Others may be removing it.
        if (!this.#bridge.isNeeded) throw new BackendError(`not stored: ${NOT_HEARD}`);
        return this.#calls.run(() => this.#bridge.setMany(this.#nearOf(current)));
      };
      return work({ isCurrent, setMany });
    });
  }

  /** The latency is the second tier's. */
  health(): Promise<BackendHealth> {
    return this.#calls.run(async () => {
      const [near, far] = await Promise.all([this.#l1.health(), this.#l2.health()]);
      const isNearSound = this.#coherence?.isNearSound ?? true;
      const detail = [
        near.detail && `l1: ${near.detail}`,
        far.detail && `l2: ${far.detail}`,
        !isNearSound && `the first tier is not used: ${NOT_HEARD}`,
      ]
        .filter(Boolean)
        .join('; ');
      return { ok: near.ok && far.ok, latencyMs: far.latencyMs, ...(detail && { detail }) };
    });
  }

  /** With `writeBehind` what is queued is written first, for up to 1.5 s; rejects with `BackendError` where entries are lost. */
  close(): Promise<void> {
    return this.#calls.close(async () => {
      const flushed = this.#queue?.close() ?? Promise.resolve();
      await flushed.catch(() => {});
      await this.#coherence?.close();
      await both(this.#l1.close(), this.#l2.close());
      await flushed;
    });
  }

  #writeBoth(entries: readonly BackendEntry[]): Promise<void> {
    const near = this.#nearOf(entries);
    const l2Ttl = this.#l2Ttl;
    const far = l2Ttl === undefined ? entries : entries.map((entry) => ({ ...entry, ttlMs: entry.ttlMs ?? l2Ttl }));
    const keys = entries.map((entry) => entry.key);
    return this.#write({ keys }, async () => {
      // What others remove while this instance does not hear them must not be written after that.
      if (this.#queue !== undefined && this.#coherence?.mayStore !== false) {
        await this.#l1.setMany(near);
        this.#queue.push(far);
      } else {
        const tier = this.#isDeaf ? this.#bridge : this.#l1;
        await both(tier.setMany(near), this.#writeFar(keys, far));
      }
    });
  }

  #nearOf(entries: readonly BackendEntry[]): BackendEntry[] {
    return entries.map((entry) => ({ ...entry, ttlMs: Math.min(entry.ttlMs ?? this.#l1Ttl, this.#l1Ttl) }));
  }

  #write<T>(change: Change, write: () => Promise<T>): Promise<T> {
    return this.#calls.run(() => this.#overlaps.write(touchesOf(change), write));
  }

  /** Whether changes of other instances are not heard. */
  get #isDeaf(): boolean {
    return this.#coherence?.isLive === false;
  }

  #noteFar(hasAnswered: boolean): void {
    if (!this.#isDeaf) return;
    if (hasAnswered) this.#bridge.end();
    else this.#bridge.begin();
  }

  async #writeFar(keys: string[], entries: readonly BackendEntry[]): Promise<void> {
    const done = this.#l2.setMany(entries);
    const write = { keys, done };
    this.#farWrites.add(write);
    try {
      await done;
      this.#noteFar(true);
    } catch (error) {
      this.#noteFar(false);
      throw error;
    } finally {
      this.#farWrites.delete(write);
    }
    this.#coherence?.announce({ keys });
  }

  async #touch(
    entries: readonly BackendTouch[],
    touchFar: (entries: readonly BackendTouch[]) => Promise<void>,
  ): Promise<void> {
    // Checked before anything that is queued changes.
    const lives = livesOf(entries, this.limits);
    await this.#queue?.touch(lives);
    await touchFar(Array.from(lives, ([key, ttlMs]) => ({ key, ttlMs })));
  }

  #remove(change: Change, from: (tier: CacheBackend) => Promise<number>): Promise<number> {
    const coherence = this.#coherence;
    const removeFar = () => from(this.#l2);
    return this.#write(change, async () => {
      const near = from(this.#l1);
      const far = this.#settled(touchesOf(change)).then(async (queued) => {
        const unwritten = await this.#countAbsent(queued);
        return unwritten + (await (coherence ? coherence.remove(change, removeFar) : removeFar()));
      });
      return both(near, far);
    });
  }

  /**
   * Takes back what is queued for the second tier, whose keys it returns, and waits for what is under way: it must not arrive after
   * a removal.
   */
  async #settled(touches: Touches): Promise<string[]> {
    const underWay = [...this.#farWrites].filter(({ keys }) => keys.some(touches));
    const queued = await this.#queue?.cancel(touches);
    await Promise.allSettled(underWay.map(({ done }) => done));
    return queued ?? [];
  }

  /** How many of the keys the second tier does not have: those that only the queue had. */
  async #countAbsent(keys: readonly string[]): Promise<number> {
    if (keys.length === 0) return 0;
    const found = await this.#l2.getMany(keys).catch(() => []);
    return found.filter((value) => value === undefined).length;
  }

  async #drop(change: Change): Promise<void> {
    const touches = touchesOf(change);
    await this.#overlaps.write(touches, async () => {
      const queued = this.#queue?.cancel(touches);
      await ('prefix' in change ? this.#l1.clear(change.prefix) : this.#l1.deleteMany(change.keys));
      await queued;
    });
  }

  #hold(change: Change): ReturnType<CoherenceHooks['hold']> {
    const touches = touchesOf(change);
    const release = this.#overlaps.begin(touches);
    const dropped = this.#drop(change);
    const ready = this.#settled(touches).then(() => {});
    return { dropped, ready, release };
  }

  async #forget(): Promise<void> {
    this.#bridge.end();
    const clear = () => this.#l1.clear('');
    // Before it was ever heard nobody could know, and nothing was kept for that: it begins with an empty first tier.
    if (!this.#coherence?.wasLive) {
      await clear();
      return;
    }
    this.#queue?.discard();
    await this.#overlaps.write(() => true, clear);
  }
}

/** The same context, which also tells this call of a failure. */
function noting(context: ReadContext, onFailure: () => void): ReadContext {
  return {
    signal: context.signal,
    onPartialFailure: (error) => {
      onFailure();
      context.onPartialFailure(error);
    },
  };
}

async function partOf(
  tier: CacheBackend,
  keys: readonly string[],
  context?: ReadContext,
): Promise<(Uint8Array | undefined)[]> {
  try {
    return await tier.getMany(keys, context);
  } catch (error) {
    if (!context) throw error;
    context.onPartialFailure(error);
    return new Array(keys.length).fill(undefined);
  }
}

/** Waits for both, so that a failure of one leaves nothing under way; returns what the second has. */
async function both<T>(first: Promise<unknown>, second: Promise<T>): Promise<T> {
  const [near, far] = await Promise.allSettled([first, second]);
  if (far.status === 'rejected') throw far.reason;
  if (near.status === 'rejected') throw near.reason;
  return far.value;
}

function checkBackend(backend: unknown, option: string): CacheBackend {
  if (isBackend(backend)) return backend;
  throw new InvalidOptionError(option, BACKEND_EXPECTED, describeValue(backend, option));
}
