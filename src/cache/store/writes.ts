import { attempt } from '../../async/attempt.js';
import type { BackendEntry, BackendFill, CacheBackend } from '../../backends/backend.js';
import { hasPausedWrites } from '../../backends/breaker.js';
import { BackendError, ClosedError } from '../../errors.js';
import { emit } from '../../events.js';
import type { Sealer } from '../../sealing/seal.js';
import { type HeldLocks, LOCK_TTL } from '../locks/held-locks.js';
import type { KeyLocks } from '../locks/key-locks.js';
import type { StatsRecorder } from '../stats.js';
import type { ChangeOrder, OrderedPlace } from './change-order.js';
import type { Failures } from './failures.js';
import { bytesOf, WriteQueue } from './write-queue.js';

/**
 * A write that was asked for: it has its place in the order of events, and what is stored may still
 * be in the making.
 */
export interface PlannedWrite {
  /**
   * Resolves when the entries are written, or given up, to whether nothing failed. Never rejects;
   * how long to wait for it is the caller's to say.
   */
  store(entries: readonly BackendEntry[]): Promise<boolean>;
  /** Nothing comes. */
  giveUp(): void;
}

/**
 * Writes records, each in its place in the order of events, and under locks where the backend has
 * them.
 */
export class Writes {
  readonly queue: WriteQueue;
  readonly #backend: CacheBackend;
  readonly #locks: KeyLocks | undefined;
  readonly #order: ChangeOrder;
  readonly #failures: Failures;
  readonly #sealer: Sealer | undefined;
  readonly #readTimeout: number;
  #isClosed = false;

  /** @param readTimeout in milliseconds */
  constructor(
    backend: CacheBackend,
    locks: KeyLocks | undefined,
    order: ChangeOrder,
    { failures, sealer, readTimeout }: { failures: Failures; sealer: Sealer | undefined; readTimeout: number },
  ) {
    this.#backend = backend;
    this.#locks = locks;
    this.#order = order;
    this.#failures = failures;
    this.#sealer = sealer;
    this.#readTimeout = readTimeout;
    this.queue = new WriteQueue(readTimeout);
  }

  /** Whether writes are refused at once at the moment: what would be written need not be made. */
  get isPaused(): boolean {
    return hasPausedWrites(this.#backend);
  }

  /** Refuses all writes from here on. */
  close(): void {
    this.#isClosed = true;
  }

  /** Takes the place in the order of events for a `set`. It must be stored or given up, once. */
  planSet(keys: readonly string[], recorder: StatsRecorder): PlannedWrite {
    const place = this.#order.enterChange({ keys });
    return this.#planned(
      place,
      recorder,
      () => true,
      async (entries) => {
        if (!this.#locks?.isUsable) {
          await this.put(entries);
          return;
        }
        const held = this.#locks.hold(
          entries.map(({ key }) => key),
          { force: true },
        );
        try {
          await held.setMany(entries, (own, holder) => this.put(own, holder));
          const lost = await this.#locks.giveWay(held, this.#readTimeout);
          if (lost > 0) this.notStored(lost, new BackendError('not stored: its locks expired before'), recorder);
        } catch (error) {
          // Who may not lock may perhaps write.
          if (this.#locks.isUsable) throw error;
          await this.put(entries);
        } finally {
          held.end();
        }
      },
      true,
    );
  }

  /**
   * The same for what was computed, under its locks where it has some: what is not current any more
   * is not written.
   */
  planFill(
    keys: readonly string[],
    recorder: StatsRecorder,
    fill: BackendFill,
    held: HeldLocks | undefined,
  ): PlannedWrite {
    const put = (entries: readonly BackendEntry[]) =>
      held && this.#locks?.isUsable
        ? held.setMany(entries, (own, holder) => fill.setMany(own, holder))
        : fill.setMany(entries);
    return this.#planned(this.#order.enterFill(keys), recorder, (key) => fill.isCurrent(key), put);
  }

  /** Keeps in L1, where there is one, what may not be stored. Never rejects. */
  async keepInL1(entries: readonly BackendEntry[], recorder: StatsRecorder, fill: BackendFill): Promise<void> {
    try {
      await fill.keepInL1?.(this.#sealed(entries));
    } catch (error) {
      this.#failures.record('write', error, recorder);
    }
  }

  /** Says that so many entries were not even made, since they would not be stored. */
  skipped(entries: number, recorder: StatsRecorder): void {
    const why = this.isPaused
      ? 'writes are paused after several failures in a row'
      : 'not stored: the store did not lock the keys in time';
    this.notStored(entries, new BackendError(why), recorder);
  }

  /** Says that so many entries were not stored. */
  notStored(entries: number, error: unknown, recorder: StatsRecorder): void {
    this.#failures.record('write', error, recorder, entries);
  }

  #planned(
    place: OrderedPlace,
    recorder: StatsRecorder,
    isCurrent: (key: string) => boolean,
    put: (entries: readonly BackendEntry[]) => Promise<unknown>,
    isChange = false,
  ): PlannedWrite {
    const plannedAt = performance.now();
    let waited = 0;
    void place.before?.then(() => {
      waited = performance.now() - plannedAt;
    });
    return {
      // Who is behind waits for those ahead as well.
      giveUp: () => void Promise.resolve(place.before).then(() => place.end()),
      store: async (entries) => {
        let overtaken: string[] = [];
        let ok = true;
        try {
          await place.before;
          // The caller was answered by then, and another process may have changed the keys since:
          // no lock says so.
          if (isChange && waited > LOCK_TTL && this.#locks?.isUsable) {
            const error = new BackendError(
              `not stored: earlier changes of its keys took longer than ${LOCK_TTL / 1000} s`,
            );
            this.notStored(entries.length, error, recorder);
            return false;
          }
          overtaken = entries.flatMap(({ key }) => (place.isLast(key) ? [] : [key]));
          const newest = entries.filter(({ key }) => place.isLast(key) && isCurrent(key));
          ok = newest.length === 0 || (await this.#write(newest, recorder, put));
        } finally {
          place.end();
        }
        // What takes its place is in the store before a change is answered: nobody may read what is
        // older than both.
        if (isChange && overtaken.length > 0) await this.#order.ended(overtaken);
        return ok;
      },
    };
  }

  async #write(
    entries: readonly BackendEntry[],
    recorder: StatsRecorder,
    put: (entries: readonly BackendEntry[]) => Promise<unknown>,
  ): Promise<boolean> {
    const bytes = bytesOf(entries);
    const startedAt = performance.now();
    let ok = true;
    let written = 0;
    try {
      if (this.#isClosed) throw new ClosedError('the cache');
      recorder.stats.bytesWritten += bytes;
      await this.queue.put(this.#sealed(entries), async (chunk) => {
        await attempt(() => put(chunk));
        written += chunk.length;
      });
    } catch (error) {
      ok = false;
      this.notStored(entries.length - written, error, recorder);
    }
    const { namespace } = recorder;
    const durationMs = performance.now() - startedAt;
    emit('write', () => ({ namespace, operation: 'set', entries: entries.length, bytes, durationMs, ok }));
    return ok;
  }

  /**
   * Hands entries to the backend, under the locks of a holder where one is named: then it tells
   * which were stored.
   */
  async put(entries: readonly BackendEntry[], holder?: string): Promise<unknown> {
    const { locks } = this.#backend;
    return holder === undefined || locks === undefined
      ? this.#backend.setMany(entries)
      : locks.setMany(entries, holder);
  }

  #sealed(entries: readonly BackendEntry[]): readonly BackendEntry[] {
    const sealer = this.#sealer;
    return sealer ? entries.map((entry) => ({ ...entry, value: sealer.seal(entry.key, entry.value) })) : entries;
  }
}
