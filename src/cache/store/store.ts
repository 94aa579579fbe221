import { attempt } from '../../async/attempt.js';
import { atMost, startDeadline } from '../../async/deadline.js';
import type { BackendFill, BackendHealth, BackendTouch, CacheBackend } from '../../backends/backend.js';
import { fillOf } from '../../backends/shell/capabilities.js';
import type { Observation } from '../../backends/write-tracker.js';
import { BackendError, ClosedError } from '../../errors.js';
import type { Sealer } from '../../sealing/seal.js';
import { KeyLocks } from '../locks/key-locks.js';
import type { Logger } from '../options.js';
import type { StatsRecorder } from '../stats.js';
import { AcceptedCalls } from './accepted-calls.js';
import { ChangeOrder } from './change-order.js';
import { describeError, Failures } from './failures.js';
import { Invalidation } from './invalidation.js';
import { Reads } from './reads.js';
import { Writes } from './writes.js';

/** How long `close` waits without anything that ended, in milliseconds: a model may be at work. */
const CLOSE_STALL = 30_000;

/** How long it waits for the backend itself, in milliseconds. */
const CLOSE_TIMEOUT = 5_000;

/** What computes values anew, and stores them. */
export interface CacheFill extends BackendFill {
  /** Whether who asks for the key from now on may be given what is being computed. */
  mayBeJoined(key: string): boolean;
}

/**
 * The backend as the cache uses it: it may be down, slow or lying, and costs misses, counts and at
 * most the read timeout. What is asked for later takes effect later, for each key, and what was
 * computed before a change is not stored after it.
 */
export class Store {
  /**
   * What keeps processes from computing the same key at once, and from storing what is out of date;
   * where the backend has it.
   */
  readonly locks: KeyLocks | undefined;
  /** In milliseconds. */
  readonly readTimeout: number;
  readonly reads: Reads;
  readonly writes: Writes;
  readonly #backend: CacheBackend;
  readonly #invalidation: Invalidation;
  readonly #failures: Failures;
  readonly #order = new ChangeOrder();
  readonly #calls = new AcceptedCalls();
  readonly #lastWork: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  constructor(backend: CacheBackend, readTimeout: number, logger: Logger | undefined, sealer: Sealer | undefined) {
    const failures = new Failures(logger);
    this.#backend = backend;
    this.readTimeout = readTimeout;
    this.#failures = failures;
    const { locks } = backend;
    if (locks) this.locks = new KeyLocks(locks, (error) => failures.record('lock', error, undefined));
    this.reads = new Reads(backend, readTimeout, sealer, failures);
    this.writes = new Writes(backend, this.locks, this.#order, { failures, sealer, readTimeout });
    this.#invalidation = new Invalidation(backend, this.#order, failures);
  }

  /** Throws once the cache is closed: that is the caller's mistake, not the backend's. */
  assertOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('the cache');
  }

  /** Has `close` wait for a call that was accepted. Settles as `call` does. */
  accept<T>(call: () => Promise<T>): Promise<T> {
    return this.#calls.run(call);
  }

  /** Begins what is out of date for a key as soon as that is changed. */
  begin(): Observation {
    return this.#order.begin();
  }

  /**
   * Runs what computes values anew. What is changed meanwhile, by this process or, where the
   * backend hears of others, by any, is no longer current and not to be stored.
   *
   * @param beginning when what it goes by was looked up
   */
  async fill<T>(beginning: Observation, work: (fill: CacheFill) => Promise<T>): Promise<T> {
    const mayBeJoined = (key: string) => !beginning.wasChangedSince(key);
    if (this.#backend.fill === undefined) {
      const setMany: CacheFill['setMany'] = (entries, holder) => this.writes.put(entries, holder);
      return work({ isCurrent: (key) => !beginning.wasChanged(key), mayBeJoined, setMany });
    }
    return this.#backend.fill((fill) =>
      work({
        ...fillOf({
          isCurrent: (key) => !beginning.wasChanged(key) && fill.isCurrent(key),
          setMany: (entries, holder) => fill.setMany(entries, holder),
          keepInL1: fill.keepInL1?.bind(fill),
        }),
        mayBeJoined: (key) => mayBeJoined(key) && fill.isCurrent(key),
      }),
    );
  }

  /** The locks, where they may be asked for now and what they are for may be stored. */
  get usableLocks(): KeyLocks | undefined {
    const { locks } = this;
    return locks?.isUsable && !locks.isPaused && !this.writes.isPaused ? locks : undefined;
  }

  /** Extends the TTLs of entries. Resolves to whether they do; never rejects. */
  async touch(entries: readonly BackendTouch[], recorder: StatsRecorder): Promise<boolean> {
    try {
      await attempt(async () => this.#backend.touchMany?.(entries));
      return true;
    } catch (error) {
      this.#failures.record('touch', error, recorder);
      return false;
    }
  }

  /** Has `work`, which never rejects, done when the cache is closed. */
  beforeClose(work: () => Promise<void>): void {
    this.#lastWork.push(work);
  }

  /** See `Invalidation.delete`. */
  async delete(keys: readonly string[], recorder: StatsRecorder): Promise<number> {
    this.assertOpen();
    return this.accept(() => this.#invalidation.delete(keys, recorder));
  }

  /** See `Invalidation.clear`. */
  async clear(prefix: string, recorder?: StatsRecorder): Promise<number> {
    this.assertOpen();
    return this.accept(() => this.#invalidation.clear(prefix, recorder));
  }

  async health(): Promise<BackendHealth> {
    if (this.#closing !== undefined) return { ok: false, latencyMs: Number.NaN, detail: 'closed' };
    const deadline = startDeadline(Math.max(this.readTimeout, 1_000));
    try {
      const health = await deadline.within(attempt(() => this.#backend.health()));
      return health ?? { ok: false, latencyMs: Number.NaN, detail: 'no answer in time' };
    } catch (error) {
      return { ok: false, latencyMs: Number.NaN, detail: describeError(error) };
    } finally {
      deadline.clear();
    }
  }

  /**
   * Waits for all that was accepted, as long as it goes on, then closes the backend. Rejects with
   * `BackendError` where entries were lost on the way, and where the backend lost some itself.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const lostBefore = this.#failures.notStored;
    await this.#calls.idle(CLOSE_STALL, () => this.writes.queue.movedAt);
    await atMost(CLOSE_TIMEOUT, Promise.all(this.#lastWork.map((work) => attempt(work).catch(() => {}))));
    this.writes.close();
    const failures: unknown[] = [];
    const closed = attempt(() => this.#backend.close()).catch((error) => {
      failures.push(error);
    });
    await atMost(CLOSE_TIMEOUT, closed);
    const lost = this.#failures.notStored - lostBefore + this.writes.queue.entries;
    if (lost > 0) throw new BackendError(`the cache was closed, and ${lost} entries could not be stored before`);
    if (failures.length > 0) throw failures[0];
  }
}
