import { randomUUID } from 'node:crypto';
import { attempt, inBackground } from '../../async/attempt.js';
import { InvalidInputError } from '../../errors.js';
import type { BackendEntry, BackendLocks, CacheBackend } from '../backend.js';
import { Breaker } from '../breaker.js';
import { affects, type Change } from '../change.js';

/**
 * For how long a write locks its keys, in milliseconds: what is lost with its process is in
 * nobody's way for longer.
 */
const LOCK_TTL = 10_000;

/**
 * Writes to L2, in a way that a write which is late cannot undo what somebody did after it, where
 * L2 has locks: the keys are locked first, and only what is still locked is stored. Between the two
 * the writer is asked what it still wants.
 */
export class L2Writer {
  readonly #backend: CacheBackend;
  /** Writes without a lock that are under way. */
  readonly #writes = new Set<{ entries: readonly BackendEntry[]; done: Promise<unknown> }>();
  /**
   * Locking is a part of a write here, and kept out of the way like one, unless L2 does that
   * itself.
   */
  readonly #breaker: Breaker | undefined;

  /** @param hasBreaker whether L2 has no breakers of its own */
  constructor(backend: CacheBackend, hasBreaker: boolean) {
    this.#backend = backend;
    this.#breaker = hasBreaker ? new Breaker('locks') : undefined;
  }

  /** Undefined where L2 has none. */
  get locks(): BackendLocks | undefined {
    return this.#backend.locks;
  }

  /**
   * Stores entries on purpose: whoever computes values for their keys can no longer store those.
   *
   * @param isWanted is asked once the keys are locked, or without locks at once
   * @returns whether each was stored; what was not was overtaken by something newer, or no longer
   * wanted
   */
  async setMany(entries: readonly BackendEntry[], isWanted: (entry: BackendEntry) => boolean): Promise<boolean[]> {
    const { locks } = this;
    if (locks === undefined) {
      const wanted = entries.filter(isWanted);
      if (wanted.length > 0) await this.#setUnlocked(wanted);
      const stored = new Set(wanted);
      return entries.map((entry) => stored.has(entry));
    }
    if (entries.length === 0) return [];
    const keys = entries.map(({ key }) => key);
    const holder = randomUUID();
    const lock = () => attempt(() => locks.acquire(keys, holder, LOCK_TTL, { force: true }));
    await (this.#breaker ? this.#breaker.run(lock) : lock());
    const wanted = entries.filter(isWanted);
    const stored = new Map(entries.map((entry) => [entry, false]));
    if (wanted.length < entries.length) {
      const kept = new Set(wanted.map(({ key }) => key));
      const left = keys.filter((key) => !kept.has(key));
      inBackground(() => locks.release(left, holder));
    }
    if (wanted.length > 0) {
      const answers = await attempt(() => locks.setMany(wanted, holder));
      for (const [place, entry] of wanted.entries()) stored.set(entry, answers[place] === true);
    }
    return entries.map((entry) => stored.get(entry) === true);
  }

  /** Stores what `holder` still has locked, and returns what that was. */
  async setManyLocked(entries: readonly BackendEntry[], holder: string): Promise<boolean[]> {
    const { locks } = this;
    if (locks === undefined) throw new InvalidInputError('holder', 'an L2 that has locks', 'one without');
    if (entries.length === 0) return [];
    const answers = await attempt(() => locks.setMany(entries, holder));
    return entries.map((_, place) => answers[place] === true);
  }

  /** Resolves when no write without a lock is under way to what a change affects. */
  async settled(change: Change): Promise<void> {
    if (this.#writes.size === 0) return;
    const isAffected = affects(change);
    const writes = [...this.#writes].filter(({ entries }) => entries.some(({ key }) => isAffected(key)));
    await Promise.allSettled(writes.map(({ done }) => done));
  }

  async #setUnlocked(entries: readonly BackendEntry[]): Promise<void> {
    const done = attempt(() => this.#backend.setMany(entries));
    const write = { entries, done };
    this.#writes.add(write);
    try {
      await done;
    } finally {
      this.#writes.delete(write);
    }
  }

  close(): void {
    this.#breaker?.end();
  }
}
