import { randomUUID } from 'node:crypto';
import { chunksOf } from '../../async/chunks.js';
import { startDeadline } from '../../async/deadline.js';
import { Renewal } from '../../async/renewal.js';
import { forEachConcurrently } from '../../async/semaphore.js';
import { withTimeout } from '../../async/timeout.js';
import type { BackendEntry, BackendLocks } from '../../backends/backend.js';
import { BackendError } from '../../errors.js';
import { performance } from '../../runtime.js';

/** How long the keys of a process that died are left to it, in milliseconds. */
export const LOCK_TTL = 5_000;

/** How often locks are renewed while they are held, in milliseconds. */
const RENEWAL = LOCK_TTL / 3;

/** Keys that are asked for at once: a store that answers some of them is at the others. */
const CHUNK = 256;
const CHUNKS_AT_ONCE = 8;

/**
 * How many read timeouts a store that has just been read may take to lock a chunk: what is not
 * locked is not stored.
 */
const LOCK_TIMEOUTS = 4;

/** How many more it may take for all of them, where it goes on answering. */
const MAX_LOCK_TIMEOUTS = 40;

/** How long a call of the store is waited for, in milliseconds. */
const CALL_TIMEOUT = 10_000;

export interface LockOwner {
  failed(error: unknown): void;
  answered(isInTime: boolean): void;
  release(keys: readonly string[], holder: string): void;
  released(keys: readonly string[]): Promise<void>;
}

/**
 * What the store said of locks that were asked for. Keys that are in neither set are locked by
 * others.
 */
export interface Locked {
  /** Keys that are locked for whoever asked. */
  readonly own: ReadonlySet<string>;
  /** Keys of which the store said nothing, or not in time: they must not be stored. */
  readonly unknown: ReadonlySet<string>;
}

/** Locks that were asked for. Nothing in here rejects but `setMany`. */
export class HeldLocks {
  /** Keys that were stored, as far as the store tells. */
  readonly stored = new Set<string>();
  /**
   * Keys that were locked for this, and were not stored since others took the locks over, or
   * removed the keys.
   */
  readonly refused = new Set<string>();
  readonly #locks: BackendLocks;
  readonly #owner: LockOwner;
  readonly #holder = randomUUID();
  /** When the store has said all that it will. */
  readonly #answered: Promise<void>;
  /** Keys that are locked for this, so far. */
  readonly #own = new Set<string>();
  /** Keys of which it has not said anything yet. */
  readonly #unknown: Set<string>;
  /** What counts, where it was not waited for everything. */
  #locked: Locked;
  /** Keys that are still to be given back. */
  readonly #held = new Set<string>();
  #renewal: Renewal | undefined;
  /** When the locks were asked for, by the monotonic clock. */
  #askedAt = Number.POSITIVE_INFINITY;
  #isOver = false;

  /** What waits for an answer is told of each part of it. */
  #onProgress = () => {};

  constructor(locks: BackendLocks, keys: readonly string[], force: boolean, owner: LockOwner) {
    this.#locks = locks;
    this.#owner = owner;
    this.#unknown = new Set(keys);
    this.#locked = { own: this.#own, unknown: this.#unknown };
    this.#answered = this.#acquire(keys, force);
  }

  /** What the store says in time; what it says later no longer counts. */
  async lockedInTime(readTimeout: number): Promise<Locked> {
    const deadline = startDeadline(LOCK_TIMEOUTS * readTimeout, MAX_LOCK_TIMEOUTS * readTimeout);
    this.#onProgress = () => deadline.progress();
    try {
      await deadline.within(this.#answered);
      this.#locked = { own: new Set(this.#own), unknown: new Set(this.#unknown) };
      this.#owner.answered(this.#unknown.size === 0);
      return this.#locked;
    } finally {
      deadline.clear();
    }
  }

  /** Whether its locks may have expired by now, for all that the store told. */
  get hasExpired(): boolean {
    return performance.now() > (this.#renewal?.expiresAt ?? this.#askedAt + LOCK_TTL);
  }

  /** Whether a key is locked for this, as far as that was waited for. */
  has(key: string): boolean {
    return this.#locked.own.has(key);
  }

  /**
   * Stores, by `put`, those of the entries whose keys are locked; `put` is one of
   * `BackendLocks.setMany`'s kind, or tells nothing. Rejects where it does, and, of locks that were
   * not waited for before, where the store could not say what is locked.
   */
  async setMany(
    entries: readonly BackendEntry[],
    put: (entries: readonly BackendEntry[], holder: string) => Promise<unknown>,
  ): Promise<void> {
    // By `lockedInTime`: what the store says later no longer counts.
    const isSettled = this.#locked.own !== this.#own;
    if (!isSettled) {
      await this.#answered;
      // The caller was answered by now, and what others removed since is newer: nothing of it lies
      // in the store's locks.
      if (this.hasExpired)
        throw new BackendError(`not stored: the store took longer than ${LOCK_TTL / 1000} s to lock the keys`);
    }
    const own = entries.filter(({ key }) => this.has(key));
    if (own.length > 0) {
      const answers: unknown = await put(own, this.#holder);
      own.forEach(({ key }, i) => {
        this.#held.delete(key);
        (Array.isArray(answers) && answers[i] === false ? this.refused : this.stored).add(key);
      });
    }
    if (!isSettled && entries.some(({ key }) => this.#unknown.has(key)))
      throw new BackendError('not stored: the store did not say whether it may be');
  }

  /** Gives back `keys` now: they are not needed. */
  giveBack(keys: Iterable<string>): void {
    const mine = Array.from(keys).filter((key) => this.#held.delete(key));
    if (mine.length > 0) this.#owner.release(mine, this.#holder);
  }

  /** Ends it, and gives back what was not stored. */
  end(): void {
    this.#isOver = true;
    this.#renewal?.stop();
    this.giveBack([...this.#held]);
  }

  async #acquire(asked: readonly string[], force: boolean): Promise<void> {
    this.#askedAt = performance.now();
    await this.#owner.released(asked);
    const failures: unknown[] = [];
    await forEachConcurrently(chunksOf(asked, CHUNK), CHUNKS_AT_ONCE, async (keys) => {
      try {
        const answers = await ended(() => this.#locks.acquire(keys, this.#holder, LOCK_TTL, { force }));
        keys.forEach((key, i) => {
          this.#unknown.delete(key);
          if (!answers[i]) return;
          this.#own.add(key);
          this.#held.add(key);
        });
        // What comes too late is of no use.
        if (this.#isOver) this.end();
        else this.#renew();
        this.#onProgress();
      } catch (error) {
        failures.push(error);
        // It may have been done all the same.
        this.#owner.release(keys, this.#holder);
      }
    });
    if (failures.length > 0) this.#owner.failed(failures[0]);
  }

  #renew(): void {
    if (this.#renewal !== undefined || this.#held.size === 0) return;
    this.#renewal = new Renewal(this.#askedAt, {
      ttlMs: LOCK_TTL,
      intervalMs: RENEWAL,
      renew: async () => {
        let isRenewed = true;
        for (const keys of chunksOf([...this.#held], CHUNK)) {
          if (this.#isOver) break;
          const answers = await ended(() => this.#locks.renew(keys, this.#holder, LOCK_TTL)).catch(() => []);
          isRenewed &&= keys.every((_, i) => answers[i] === true);
        }
        return isRenewed;
      },
    });
  }
}

/** A backend of somebody else's may throw where it should reject, or never answer. */
export function ended<T>(call: () => Promise<T>): Promise<T> {
  return withTimeout(call, { timeoutMs: CALL_TIMEOUT });
}
