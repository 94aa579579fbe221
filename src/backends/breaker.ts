import { BackendError, BackendLimitError, ClosedError, InvalidInputError } from '../errors.js';
import { type BreakerEvent, newId, tell } from '../events.js';
import type {
  BackendEntry,
  BackendHealth,
  BackendLeases,
  BackendLocks,
  BackendTouch,
  CacheBackend,
  ReadContext,
} from './backend.js';
import { inTime } from './in-time.js';

/** Failures in a row that open a breaker. */
const FAILURES = 3;

/** How long an open breaker refuses calls before it tries one, in milliseconds. */
const PAUSE = 500;

/** A call that takes longer counts as failed, in milliseconds: a breaker must not wait for ever for its one probe. */
const LONGEST_CALL = 10_000;

/**
 * Puts circuit breakers before a backend, one for reads and one for writes, so that a store that is full is still read: after 3
 * failures in a row calls reject at once with `BackendError`, and every 500 ms one call is let through to see. A read whose
 * signal was aborted is a failure, and rejects when it is aborted. Removals are always tried: they are asked for on purpose,
 * and a store that refuses writes still removes. A backend that isolates its failures itself is returned as it is.
 */
export function withBreaker(backend: CacheBackend): CacheBackend {
  return backend.isolatesFailures ? backend : new BreakerBackend(backend);
}

class BreakerBackend implements CacheBackend {
  readonly isolatesFailures = true;
  readonly #backend: CacheBackend;
  readonly #reads = new Breaker('reads');
  readonly #writes = new Breaker('writes');

  declare readonly getRuns?: NonNullable<CacheBackend['getRuns']>;
  /** A write, as far as the store is concerned. */
  declare readonly touchMany?: (entries: readonly BackendTouch[]) => Promise<void>;
  /** As they are: who asks for a lease asks on purpose, and goes on without one where it fails. */
  declare readonly leases?: BackendLeases;
  /** Locks are asked for on purpose like leases; what is stored under them is a write. */
  declare readonly locks?: BackendLocks;
  declare readonly fill?: NonNullable<CacheBackend['fill']>;

  constructor(backend: CacheBackend) {
    this.#backend = backend;
    // Own properties, where the backend has them: their absence says that it has not.
    const { leases, locks } = backend;
    const getRuns = backend.getRuns?.bind(backend);
    const touchMany = backend.touchMany?.bind(backend);
    if (getRuns) this.getRuns = (runs, context) => this.#reads.run(() => getRuns(runs, context), context?.signal);
    if (touchMany) this.touchMany = (entries) => this.#writes.run(() => touchMany(entries));
    if (leases) this.leases = leases;
    if (locks)
      this.locks = { ...locks, setMany: (entries, holder) => this.#writes.run(() => locks.setMany(entries, holder)) };
    const fill = backend.fill?.bind(backend);
    if (fill) this.fill = fill;
  }

  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
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
}

/**
 * Refuses calls for a while after several in a row have failed. Written here because a Worker cannot load cockatiel, which makes an
 * AbortController when it is imported.
 */
export class Breaker {
  readonly #id = newId();
  readonly #what: string;
  #failures = 0;
  #openedAt: number | undefined;
  #isProbing = false;
  #isEnded = false;

  constructor(what: string) {
    this.#what = what;
  }

  async run<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    // Nobody waits for the answer, so the store is not asked, and not judged by it.
    if (signal?.aborted) throw new BackendError('no answer in time');
    if (this.#openedAt === undefined) return this.#watch(call, signal, false);
    if (this.#isProbing || performance.now() - this.#openedAt < PAUSE) {
      throw new BackendError(`${this.#what} are paused after ${FAILURES} failures in a row`);
    }
    this.#isProbing = true;
    try {
      return await this.#watch(call, signal, true);
    } finally {
      this.#isProbing = false;
    }
  }

  /** Nobody hears of it any more, and an open one no longer counts as open: its backend is closed. Calls are guarded as before. */
  end(): void {
    if (this.#openedAt !== undefined) this.#tell('ended');
    this.#isEnded = true;
  }

  async #watch<T>(call: () => Promise<T>, signal: AbortSignal | undefined, isProbe: boolean): Promise<T> {
    try {
      const result = await inTime(call, { limit: LONGEST_CALL, signal });
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
        if (opens) this.#tell('open');
      }
      throw error;
    }
  }

  #close(): void {
    this.#openedAt = undefined;
    this.#tell('closed');
  }

  #tell(state: BreakerEvent['state']): void {
    if (!this.#isEnded) tell('breaker', () => ({ id: this.#id, what: this.#what, state }));
  }
}

/** What the backend was asked wrongly, or after it was closed, says nothing about the store. */
function isFailure(error: unknown): boolean {
  return !(error instanceof ClosedError || error instanceof InvalidInputError || error instanceof BackendLimitError);
}
