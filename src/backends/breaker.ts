import { withTimeout } from '../async/timeout.js';
import { BackendError, BackendLimitError, ClosedError, InvalidInputError, PartialFailureError } from '../errors.js';
import { type BreakerEvent, emit, newId } from '../events.js';
import type {
  BackendEntry,
  BackendFill,
  BackendHealth,
  BackendLeases,
  BackendLimits,
  BackendLocks,
  CacheBackend,
  ReadContext,
} from './backend.js';
import type { InvalidationBus } from './bus.js';
import { isLending, markLending } from './lending.js';
import { assignCapabilities, type Capabilities, fillOf } from './shell/capabilities.js';

/** Failures in a row that open a breaker. */
const FAILURES = 3;

/** How long an open breaker refuses calls before it tries one, in milliseconds. */
const PAUSE = 500;

/**
 * A call that takes longer counts as failed, in milliseconds: a breaker must not wait for ever for
 * its one probe.
 */
const MAX_CALL_MS = 10_000;

/** How long a probe of reads may take, in milliseconds. */
const MAX_PROBE_MS = 1_000;

/**
 * Puts circuit breakers before a backend, one for reads and one for writes, so that a store that is
 * full is still read: after 3 failures in a row calls reject at once with `BackendError`. Every 500
 * ms it is tried again: by a read of the breaker's own, so that nobody waits for it and whoever
 * asks when the store is back is answered, and by one of the writes. A read whose signal was
 * aborted is a failure, and rejects when it is aborted. Removals are always tried: they are asked
 * for on purpose, and a store that refuses writes still removes. A backend that isolates its
 * failures itself is returned as it is.
 */
export function withBreaker(backend: CacheBackend): CacheBackend {
  return backend.isolatesFailures ? backend : new BreakerBackend(backend);
}

/** Whether a backend with breakers refuses writes at once at the moment. */
export function hasPausedWrites(backend: CacheBackend): boolean {
  return backend instanceof BreakerBackend && backend.hasPausedWrites;
}

class BreakerBackend implements CacheBackend {
  readonly isolatesFailures = true;
  readonly #backend: CacheBackend;
  /**
   * A key that was asked for: what the breaker itself asks for must be one that this user may read.
   */
  #askedFor: string | undefined;
  readonly #reads = new Breaker('reads', (signal) => this.#probe(signal));
  readonly #writes = new Breaker('writes');

  declare readonly limits?: BackendLimits;
  declare readonly bus?: InvalidationBus;
  declare readonly leases?: BackendLeases;
  declare readonly locks?: BackendLocks;
  declare readonly getRuns?: NonNullable<CacheBackend['getRuns']>;
  declare readonly touchMany?: NonNullable<CacheBackend['touchMany']>;
  declare readonly fill?: NonNullable<CacheBackend['fill']>;

  constructor(backend: CacheBackend) {
    if (isLending(backend)) markLending(this);
    this.#backend = backend;
    assignCapabilities(this, this.#capabilities(backend));
  }

  get hasPausedWrites(): boolean {
    return this.#writes.isPaused;
  }

  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    this.#askedFor = keys[0] ?? this.#askedFor;
    return this.#reads.run(() => this.#backend.getMany(keys, context), context?.signal);
  }

  setMany(entries: readonly BackendEntry[]): Promise<void> {
    return this.#writes.run(() => this.#backend.setMany(entries));
  }

  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#backend.deleteMany(keys);
  }

  clear(prefix: string): Promise<number> {
    return this.#backend.clear(prefix);
  }

  health(): Promise<BackendHealth> {
    return this.#backend.health();
  }

  close(): Promise<void> {
    this.#reads.end();
    this.#writes.end();
    return this.#backend.close();
  }

  /** What the backend has is asked of itself: its methods and getters may need it. */
  #capabilities(backend: CacheBackend): Capabilities {
    const { limits, bus, leases, locks } = backend;
    const getRuns = backend.getRuns?.bind(backend);
    const touchMany = backend.touchMany?.bind(backend);
    const fill = backend.fill?.bind(backend);
    return {
      isolatesFailures: true,
      limits,
      bus,
      // As they are: who asks for a lease asks on purpose, and goes on without one where it fails.
      leases,
      // Taken for what is to be written: while writes are paused nothing is locked.
      locks: locks && this.#guarded(locks),
      getRuns:
        getRuns && ((runs, context) => this.#reads.run(() => getRuns(this.#noting(runs), context), context?.signal)),
      // A write, as far as the store is concerned.
      touchMany: touchMany && ((entries) => this.#writes.run(() => touchMany(entries))),
      fill: fill && ((work) => fill((inner) => work(this.#guardedFill(inner)))),
    };
  }

  #guardedFill(inner: BackendFill): BackendFill {
    return fillOf({
      isCurrent: (key) => inner.isCurrent(key),
      setMany: (entries, holder) => this.#writes.run(() => inner.setMany(entries, holder)),
      // The store has no part in it.
      keepInL1: inner.keepInL1?.bind(inner),
    });
  }

  #guarded(locks: BackendLocks): BackendLocks {
    const ended = async <T>(call: () => Promise<T>): Promise<T> => {
      if (this.#writes.isPaused) throw this.#writes.refusal();
      return withTimeout(call, { timeoutMs: MAX_CALL_MS });
    };
    return {
      acquire: (keys, holder, ttlMs, options) => ended(() => locks.acquire(keys, holder, ttlMs, options)),
      renew: (keys, holder, ttlMs) => ended(() => locks.renew(keys, holder, ttlMs)),
      setMany: (entries, holder) => this.#writes.run(() => locks.setMany(entries, holder)),
      release: (keys, holder) => ended(() => locks.release(keys, holder)),
    };
  }

  *#noting(runs: Iterable<readonly string[]>): Generator<readonly string[]> {
    for (const keys of runs) {
      this.#askedFor = keys[0] ?? this.#askedFor;
      yield keys;
    }
  }

  async #probe(signal: AbortSignal): Promise<void> {
    const keys = this.#askedFor === undefined ? [] : [this.#askedFor];
    // A part that fails is not the whole: the key may be one of a node that is away.
    await this.#backend.getMany(keys, { signal, onPartialFailure: () => {} });
  }
}

/**
 * Refuses calls for a while after several in a row have failed. Written here because a Worker
 * cannot load cockatiel, which makes an AbortController when it is imported.
 */
export class Breaker {
  readonly #id = newId();
  readonly #what: string;
  readonly #probe: ((signal: AbortSignal) => Promise<unknown>) | undefined;
  readonly #isPatient: boolean;
  #failures = 0;
  #openedAt: number | undefined;
  #isProbing = false;
  #isEnded = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param probe tries the store in the background, where that can be done without a call of
   * somebody's
   * @param isPatient whether calls hear their signal themselves, and may answer with what there is
   * when it is aborted
   */
  constructor(what: string, probe?: (signal: AbortSignal) => Promise<unknown>, isPatient = true) {
    this.#what = what;
    this.#probe = probe;
    this.#isPatient = isPatient;
  }

  /** Whether a call would be refused at once. */
  get isPaused(): boolean {
    if (this.#openedAt === undefined) return false;
    return this.#isProbing || performance.now() - this.#openedAt < this.#pause;
  }

  /** What a call is refused with. */
  refusal(): BackendError {
    return new BackendError(`${this.#what} are paused after ${FAILURES} failures in a row`);
  }

  async run<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    // Nobody waits for the answer, so the store is not asked, and not judged by it.
    if (signal?.aborted) throw new BackendError('no answer in time');
    if (this.#openedAt === undefined) return this.#watch(call, signal, false);
    if (this.isPaused) throw this.refusal();
    this.#isProbing = true;
    try {
      return await this.#watch(call, signal, true);
    } finally {
      this.#isProbing = false;
    }
  }

  /**
   * Nobody hears of it any more, and an open one no longer counts as open: its backend is closed.
   * Calls are guarded as before.
   */
  end(): void {
    if (this.#openedAt !== undefined) this.#emit('ended');
    this.#isEnded = true;
    globalThis.clearTimeout(this.#timer);
  }

  /**
   * With a probe of its own calls are let through only where that has not run for long: not every
   * host runs timers by itself.
   */
  get #pause(): number {
    return this.#probe === undefined ? PAUSE : 4 * PAUSE;
  }

  async #watch<T>(call: () => Promise<T>, signal: AbortSignal | undefined, isProbe: boolean): Promise<T> {
    try {
      const result = await withTimeout(call, { timeoutMs: MAX_CALL_MS, signal, hearsSignal: this.#isPatient });
      this.#failures = 0;
      if (isProbe) this.#close();
      return result;
    } catch (error) {
      if (!isFailure(error)) {
        if (isProbe) this.#close();
      } else {
        this.#failures += 1;
        // Calls from before the pause, which fail during it, do not make it longer.
        const opens = this.#openedAt === undefined && this.#failures >= FAILURES;
        if (isProbe || opens) this.#openedAt = performance.now();
        if (opens) {
          this.#emit('open');
          this.#probeLater();
        }
      }
      throw error;
    }
  }

  #probeLater(): void {
    const probe = this.#probe;
    if (probe === undefined || this.#isEnded) return;
    this.#timer = globalThis.setTimeout(async () => {
      if (!this.#isProbing && this.#openedAt !== undefined) {
        this.#isProbing = true;
        const controller = new AbortController();
        const ask = () =>
          withTimeout(
            () => probe(controller.signal),
            { timeoutMs: MAX_PROBE_MS },
            () => controller.abort(),
          );
        await this.#watch(ask, undefined, true).catch(() => {});
        this.#isProbing = false;
      }
      if (this.#openedAt !== undefined) this.#probeLater();
    }, PAUSE);
    this.#timer.unref?.();
  }

  #close(): void {
    this.#openedAt = undefined;
    globalThis.clearTimeout(this.#timer);
    this.#emit('closed');
  }

  #emit(state: BreakerEvent['state']): void {
    if (!this.#isEnded) emit('breaker', () => ({ id: this.#id, what: this.#what, state }));
  }
}

/**
 * What the backend was asked wrongly, or after it was closed, says nothing about the store, and a
 * part of it is not the whole.
 */
const NO_FAILURES = [ClosedError, InvalidInputError, BackendLimitError, PartialFailureError];

function isFailure(error: unknown): boolean {
  return !NO_FAILURES.some((type) => error instanceof type);
}
