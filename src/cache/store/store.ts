import { atMost, startDeadline } from '../../async/deadline.js';
import { attempt } from '../../backends/attempt.js';
import type {
  BackendEntry,
  BackendFill,
  BackendHealth,
  BackendTouch,
  CacheBackend,
  ReadContext,
} from '../../backends/backend.js';
import { hasPausedWrites } from '../../backends/breaker.js';
import type { Change } from '../../backends/change.js';
import { inTime } from '../../backends/in-time.js';
import type { Observation } from '../../backends/overlap.js';
import { BackendError, ClosedError } from '../../errors.js';
import { tell } from '../../events.js';
import type { Sealer } from '../../sealing/seal.js';
import { type KeyHold, KeyLocks } from '../locks/key-locks.js';
import type { LookupPlanner } from '../lookup/plan.js';
import type { Logger } from '../options.js';
import type { Ledger } from '../stats.js';
import { CallsUnderWay } from './call-tracker.js';
import { ChangeOrder, type Turn } from './change-order.js';
import { type ReadAnswer, StoreReads } from './reads.js';
import { bytesOf, Writes } from './write-queue.js';

/** How long `close` waits without anything that ended, in milliseconds: a model may be at work. */
const CLOSE_STALL = 30_000;

/** How long a removal may take, in milliseconds: a clear goes over a whole store. */
const LONGEST_REMOVAL = 600_000;

/** How long it waits for the backend itself, in milliseconds. */
const CLOSE_TIMEOUT = 5_000;

/** A write that was asked for: it has its place in the order of events, and what is stored may still be in the making. */
export interface PlannedWrite {
  /**
   * Resolves when the entries are written, or given up, to whether nothing failed. Never rejects; how long to wait for it is the
   * caller's to say.
   */
  store(entries: readonly BackendEntry[]): Promise<boolean>;
  /** Nothing comes. */
  giveUp(): void;
}

/** What computes values anew, and stores them. */
export interface CacheFill extends BackendFill {
  /** Whether who asks for the key from now on may be given what is being computed. */
  mayBeJoined(key: string): boolean;
}

/**
 * The backend as the cache uses it: it may be down, slow or lying, and costs misses, counts and at most the read timeout. What is asked
 * for later takes effect later, for each key, and what was computed before a change is not stored after it.
 */
export class Store {
  /** What keeps processes from computing the same key at once, and from storing what is out of date; where the backend has it. */
  readonly locks: KeyLocks | undefined;
  readonly readTimeout: number;
  readonly #backend: CacheBackend;
  readonly #logger: Logger | undefined;
  readonly #sealer: Sealer | undefined;
  readonly #reads: StoreReads;
  readonly #writes: Writes;
  readonly #order = new ChangeOrder();
  readonly #calls = new CallsUnderWay();
  readonly #lastWork: (() => Promise<void>)[] = [];
  #lost = 0;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  constructor(backend: CacheBackend, readTimeout: number, logger: Logger | undefined, sealer: Sealer | undefined) {
    this.#backend = backend;
    this.readTimeout = readTimeout;
    this.#logger = logger;
    this.#sealer = sealer;
    this.#reads = new StoreReads(backend, readTimeout, sealer, (error, ledger) => this.#failed('read', error, ledger));
    this.#writes = new Writes(readTimeout);
    const { locks } = backend;
    if (locks) this.locks = new KeyLocks(locks, (error) => this.#failed('lock', error, undefined));
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

  /** See `StoreReads.read`. */
  read(keys: readonly string[], ledger: Ledger): Promise<ReadAnswer> {
    return this.#reads.read(keys, ledger);
  }

  /** See `StoreReads.readAgain`. */
  readAgain(keys: readonly string[], ledger: Ledger): Promise<ReadAnswer> {
    return this.#reads.readAgain(keys, ledger);
  }

  /** See `StoreReads.readRuns`. */
  readRuns(planner: LookupPlanner, ledger: Ledger, onPart?: ReadContext['onPart']): Promise<ReadAnswer> {
    return this.#reads.readRuns(planner, ledger, onPart);
  }

  /**
   * Runs what computes values anew. What is changed meanwhile, by this process or, where the backend hears of others, by any, is no
   * longer current and not to be stored.
   *
   * @param beginning when what it goes by was looked up
   */
  async fill<T>(beginning: Observation, work: (fill: CacheFill) => Promise<T>): Promise<T> {
    const mayBeJoined = (key: string) => !beginning.wasChangedSince(key);
    if (this.#backend.fill === undefined) {
      const setMany: CacheFill['setMany'] = (entries, holder) => this.#put(entries, holder);
      return work({ isCurrent: (key) => !beginning.wasChanged(key), mayBeJoined, setMany });
    }
    return this.#backend.fill((fill) =>
      work({
        isCurrent: (key) => !beginning.wasChanged(key) && fill.isCurrent(key),
        mayBeJoined: (key) => mayBeJoined(key) && fill.isCurrent(key),
        setMany: (entries, holder) => fill.setMany(entries, holder),
        ...(fill.keepNear && { keepNear: (entries) => fill.keepNear?.(entries) ?? Promise.resolve() }),
      }),
    );
  }

  /** The locks, where they may be asked for now and what they are for may be stored. */
  get usableLocks(): KeyLocks | undefined {
    const { locks } = this;
    return locks?.isUsable && !locks.isPaused && !this.hasPausedWrites ? locks : undefined;
  }

  /** Whether writes are refused at once at the moment: what would be written need not be made. */
  get hasPausedWrites(): boolean {
    return hasPausedWrites(this.#backend);
  }

  /** Keeps near, where there is such a place, what may not be stored. Never rejects. */
  async keepNear(entries: readonly BackendEntry[], ledger: Ledger, fill: BackendFill): Promise<void> {
    try {
      await fill.keepNear?.(this.#sealed(entries));
    } catch (error) {
      this.#failed('write', error, ledger);
    }
  }

  /** Says that so many entries were not even made, since they would not be stored. */
  skipped(entries: number, ledger: Ledger): void {
    const why = this.hasPausedWrites
      ? 'writes are paused after several failures in a row'
      : 'not stored: the store did not lock the keys in time';
    this.notStored(entries, new BackendError(why), ledger);
  }

  /** Says that so many entries were not stored. */
  notStored(entries: number, error: unknown, ledger: Ledger): void {
    this.#lost += entries;
    this.#failed('write', error, ledger, entries);
  }

  /** Waits until there is room for more writes, where those under way go on. */
  room(): Promise<void> {
    return this.#writes.room();
  }

  /** Takes the place in the order of events for a write on purpose. What comes of it must be told, once. */
  planWrite(keys: readonly string[], ledger: Ledger): PlannedWrite {
    const turn = this.#order.enterChange({ keys });
    return this.#planned(
      turn,
      ledger,
      () => true,
      async (entries) => {
        if (!this.locks?.isUsable) {
          await this.#put(entries);
          return;
        }
        const hold = this.locks.hold(
          entries.map(({ key }) => key),
          { force: true },
        );
        try {
          await hold.setMany(entries, (own, holder) => this.#put(own, holder));
          const lost = await this.locks.giveWay(hold, this.readTimeout);
          if (lost > 0) this.notStored(lost, new BackendError('not stored: its locks expired before'), ledger);
        } catch (error) {
          // Who may not lock may perhaps write.
          if (this.locks.isUsable) throw error;
          await this.#put(entries);
        } finally {
          hold.end();
        }
      },
      true,
    );
  }

  /** The same for what was computed, under its locks where it has some: what is not current any more is not written. */
  planFill(keys: readonly string[], ledger: Ledger, fill: BackendFill, hold: KeyHold | undefined): PlannedWrite {
    const put = (entries: readonly BackendEntry[]) =>
      hold && this.locks?.isUsable
        ? hold.setMany(entries, (own, holder) => fill.setMany(own, holder))
        : fill.setMany(entries);
    return this.#planned(this.#order.enterFill(keys), ledger, (key) => fill.isCurrent(key), put);
  }

  /** Lets entries live longer. Resolves to whether they do; never rejects. */
  async touch(entries: readonly BackendTouch[], ledger: Ledger): Promise<boolean> {
    try {
      await attempt(async () => this.#backend.touchMany?.(entries));
      return true;
    } catch (error) {
      this.#failed('touch', error, ledger);
      return false;
    }
  }

  /** Has `work`, which never rejects, done when the cache is closed. */
  beforeClose(work: () => Promise<void>): void {
    this.#lastWork.push(work);
  }

  /** Rejects where the backend does: an invalidation that was lost must be known. */
  async delete(keys: readonly string[], ledger: Ledger): Promise<number> {
    return this.#invalidate('delete', { keys }, () => this.#backend.deleteMany(keys), ledger);
  }

  /** Rejects where the backend does. */
  async clear(prefix: string, ledger?: Ledger): Promise<number> {
    return this.#invalidate('clear', { prefix }, () => this.#backend.clear(prefix), ledger);
  }

  async health(): Promise<BackendHealth> {
    if (this.#closing !== undefined) return { ok: false, latencyMs: Number.NaN, detail: 'closed' };
    const deadline = startDeadline(Math.max(this.readTimeout, 1_000));
    try {
      const health = await deadline.within(attempt(() => this.#backend.health()));
      return health ?? { ok: false, latencyMs: Number.NaN, detail: 'no answer in time' };
    } catch (error) {
      return { ok: false, latencyMs: Number.NaN, detail: describe(error) };
    } finally {
      deadline.clear();
    }
  }

  /**
   * Waits for all that was accepted, as long as it goes on, then closes the backend. Rejects with `BackendError` where entries were
   * lost on the way, and where the backend lost some itself.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const lostBefore = this.#lost;
    await this.#calls.idle(CLOSE_STALL, () => this.#writes.movedAt);
    await atMost(CLOSE_TIMEOUT, Promise.all(this.#lastWork.map((work) => attempt(work).catch(() => {}))));
    this.#isClosed = true;
    const failures: unknown[] = [];
    const closed = attempt(() => this.#backend.close()).catch((error) => {
      failures.push(error);
    });
    await atMost(CLOSE_TIMEOUT, closed);
    const lost = this.#lost - lostBefore + this.#writes.entries;
    if (lost > 0) throw new BackendError(`the cache was closed, and ${lost} entries could not be stored before`);
    if (failures.length > 0) throw failures[0];
  }

  #planned(
    turn: Turn,
    ledger: Ledger,
    isCurrent: (key: string) => boolean,
    put: (entries: readonly BackendEntry[]) => Promise<unknown>,
    isChange = false,
  ): PlannedWrite {
    return {
      // Who is behind waits for those ahead as well.
      giveUp: () => void Promise.resolve(turn.before).then(() => turn.end()),
      store: async (entries) => {
        let overtaken: string[] = [];
        let ok = true;
        try {
          await turn.before;
          overtaken = entries.flatMap(({ key }) => (turn.isLast(key) ? [] : [key]));
          const newest = entries.filter(({ key }) => turn.isLast(key) && isCurrent(key));
          ok = newest.length === 0 || (await this.#write(newest, ledger, put));
        } finally {
          turn.end();
        }
        // What takes its place is in the store before a change is answered: nobody may read what is older than both.
        if (isChange && overtaken.length > 0) await this.#order.ended(overtaken);
        return ok;
      },
    };
  }

  async #write(
    entries: readonly BackendEntry[],
    ledger: Ledger,
    put: (entries: readonly BackendEntry[]) => Promise<unknown>,
  ): Promise<boolean> {
    const bytes = bytesOf(entries);
    const startedAt = performance.now();
    let ok = true;
    let written = 0;
    try {
      if (this.#isClosed) throw new ClosedError('the cache');
      ledger.stats.bytesWritten += bytes;
      await this.#writes.put(this.#sealed(entries), async (chunk) => {
        await attempt(() => put(chunk));
        written += chunk.length;
      });
    } catch (error) {
      ok = false;
      this.notStored(entries.length - written, error, ledger);
    }
    const { namespace } = ledger;
    const durationMs = performance.now() - startedAt;
    tell('write', () => ({ namespace, operation: 'set', entries: entries.length, bytes, durationMs, ok }));
    return ok;
  }

  /** Hands entries to the backend, under the locks of a holder where one is named: then it tells which were stored. */
  async #put(entries: readonly BackendEntry[], holder?: string): Promise<unknown> {
    const { locks } = this.#backend;
    return holder === undefined || locks === undefined
      ? this.#backend.setMany(entries)
      : locks.setMany(entries, holder);
  }

  async #invalidate(
    operation: 'delete' | 'clear',
    change: Change,
    call: () => Promise<number>,
    ledger?: Ledger,
  ): Promise<number> {
    this.assertOpen();
    const startedAt = performance.now();
    const told = (entries: number, ok: boolean) =>
      tell('write', () => {
        const durationMs = performance.now() - startedAt;
        return { namespace: ledger?.namespace, operation, entries, bytes: 0, durationMs, ok };
      });
    const turn = this.#order.enterChange(change);
    return this.accept(async () => {
      try {
        // What is being written must not arrive after the removal: not every backend keeps the order.
        await turn.before;
        const error = () =>
          new BackendError(`the backend did not answer a ${operation} within ${LONGEST_REMOVAL / 1000} s`);
        const count = await inTime(() => attempt(call), { limit: LONGEST_REMOVAL, error });
        told(count, true);
        return count;
      } catch (error) {
        told(0, false);
        this.#failed(operation, error, ledger);
        throw error;
      } finally {
        turn.end();
      }
    });
  }

  #sealed(entries: readonly BackendEntry[]): readonly BackendEntry[] {
    const sealer = this.#sealer;
    return sealer ? entries.map((entry) => ({ ...entry, value: sealer.seal(entry.key, entry.value) })) : entries;
  }

  #failed(operation: string, error: unknown, ledger: Ledger | undefined, notStored?: number): void {
    if (ledger !== undefined) ledger.stats.errors++;
    const lost = notStored === undefined ? {} : { notStored };
    tell('failure', () => ({ namespace: ledger?.namespace, operation, error: describe(error), ...lost }));
    try {
      const logged: unknown = this.#logger?.warn(
        { operation, error: describe(error), ...lost },
        `vecstash: cache ${operation} failed`,
      );
      // What a logger returns is its own affair, but for a rejection that nobody would handle.
      if (logged instanceof Promise) logged.catch(() => {});
    } catch {
      // A logger that fails must not cost anybody an answer.
    }
  }
}

/** What may be told of an error: a backend of somebody else's can put keys and values into its messages. */
function describe(error: unknown): string {
  if (error instanceof BackendError || error instanceof ClosedError) return error.message;
  return error instanceof Error ? error.name : typeof error;
}
