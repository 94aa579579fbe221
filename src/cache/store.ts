import type {
  BackendEntry,
  BackendFill,
  BackendHealth,
  BackendTouch,
  CacheBackend,
  ReadContext,
} from '../backends/backend.js';
import { type Change, touchesOf } from '../backends/change.js';
import { Overlaps } from '../backends/overlap.js';
import type { Sealer } from '../codec/seal.js';
import { BackendError, ClosedError } from '../errors.js';
import { tell } from '../events.js';
import { Records, recordsFrom } from '../records.js';
import { type Deadline, startDeadline } from './deadline.js';
import type { LookupPlanner } from './lookup-plan.js';
import type { Logger } from './options.js';
import type { Ledger } from './stats.js';

/** Records not yet taken by a backend that has stopped answering, in bytes; what comes on top is dropped and counted. */
const MAX_PENDING_BYTES = 32 * 1024 * 1024;

/** How long `close` waits for what is queued, in milliseconds. */
const CLOSE_TIMEOUT = 2_000;

/** What a read brought, and what it took of the time there is. */
export interface ReadAnswer {
  records: Records;
  startedAt: number;
  /** Milliseconds that are left of the read timeout; 0 where the backend failed. */
  left: number;
}

/**
 * The backend as the cache uses it: it may be down, slow or lying, and costs misses, counts and at most the read timeout.
 */
export class Store {
  readonly #backend: CacheBackend;
  readonly #readTimeout: number;
  readonly #logger: Logger | undefined;
  readonly #sealer: Sealer | undefined;
  readonly #pending = new Map<Promise<void>, readonly BackendEntry[]>();
  readonly #overlaps = new Overlaps();
  readonly #lastWork: (() => Promise<void>)[] = [];
  #pendingBytes = 0;
  #closing: Promise<void> | undefined;

  constructor(backend: CacheBackend, readTimeout: number, logger: Logger | undefined, sealer: Sealer | undefined) {
    this.#backend = backend;
    this.#readTimeout = readTimeout;
    this.#logger = logger;
    this.#sealer = sealer;
  }

  /** Throws once the cache is closed: that is the caller's mistake, not the backend's. */
  assertOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('the cache');
  }

  /**
   * The records of `keys`; misses for whatever did not come in time. Never rejects.
   *
   * @param onPart see `ReadContext`. Sealed records are told of at the end only: each is to be opened once
   */
  read(keys: readonly string[], ledger: Ledger, onPart?: ReadContext['onPart']): Promise<ReadAnswer> {
    const ask = (context: ReadContext) => this.#backend.getMany(keys, context);
    return this.#read(ask, () => keys, ledger, onPart);
  }

  /** The same for the keys that `planner` makes: where the backend can it is asked for the first ones while the others are made. */
  readRuns(planner: LookupPlanner, ledger: Ledger, onPart?: ReadContext['onPart']): Promise<ReadAnswer> {
    const getRuns = this.#backend.getRuns?.bind(this.#backend);
    if (getRuns === undefined) return this.read(planner.allKeys(), ledger, onPart);
    const ask = (context: ReadContext, deadline: Deadline) => getRuns(timed(planner, deadline), context);
    return this.#read(ask, () => planner.allKeys(), ledger, onPart);
  }

  /**
   * Runs what computes values anew. What is removed meanwhile, by this process or, where the backend hears of others, by any, is no
   * longer current and not to be stored.
   */
  fill<T>(work: (fill: BackendFill) => Promise<T>): Promise<T> {
    return this.#overlaps.read((wasRemoved) => {
      const backend = this.#backend;
      if (backend.fill === undefined) {
        return work({ isCurrent: (key) => !wasRemoved(key), setMany: (entries) => backend.setMany(entries) });
      }
      return backend.fill((fill) =>
        work({
          isCurrent: (key) => !wasRemoved(key) && fill.isCurrent(key),
          setMany: (entries) => fill.setMany(entries),
        }),
      );
    });
  }

  /** Resolves when the entries are written, or given up. Never rejects; how long to wait for it is the caller's to say. */
  async write(entries: readonly BackendEntry[], ledger: Ledger, fill?: BackendFill): Promise<void> {
    const bytes = entries.reduce((sum, entry) => sum + entry.value.length, 0);
    if (this.#closing !== undefined || (this.#pendingBytes > 0 && this.#pendingBytes + bytes > MAX_PENDING_BYTES)) {
      const why = this.#closing ? 'the cache is closed' : 'the backend has too much to take already';
      this.#failed('write', new BackendError(why), ledger);
      return;
    }
    this.#pendingBytes += bytes;
    ledger.stats.bytesWritten += bytes;
    const sealer = this.#sealer;
    const stored = sealer
      ? entries.map((entry) => ({ ...entry, value: sealer.seal(entry.key, entry.value) }))
      : entries;
    const startedAt = performance.now();
    const written = this.#attempt(() => (fill ?? this.#backend).setMany(stored))
      .then(
        () => true,
        (error) => {
          this.#failed('write', error, ledger);
          return false;
        },
      )
      .then((ok) => {
        const { namespace } = ledger;
        const durationMs = performance.now() - startedAt;
        tell('write', () => ({ namespace, operation: 'set', entries: entries.length, bytes, durationMs, ok }));
      })
      .finally(() => {
        this.#pendingBytes -= bytes;
        this.#pending.delete(written);
      });
    this.#pending.set(written, entries);
    await written;
  }

  /** Lets entries live longer. Resolves to whether they do; never rejects. */
  async touch(entries: readonly BackendTouch[], ledger: Ledger): Promise<boolean> {
    try {
      await this.#attempt(async () => this.#backend.touchMany?.(entries));
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
    const deadline = startDeadline(Math.max(this.#readTimeout, 1_000));
    try {
      const health = await deadline.within(this.#attempt(() => this.#backend.health()));
      return health ?? { ok: false, latencyMs: Number.NaN, detail: 'no answer in time' };
    } catch (error) {
      return { ok: false, latencyMs: Number.NaN, detail: describe(error) };
    } finally {
      deadline.clear();
    }
  }

  /** Waits for what is queued, then closes the backend, all within CLOSE_TIMEOUT; what is not written by then fails and is counted. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const deadline = startDeadline(CLOSE_TIMEOUT);
      try {
        await deadline.within(Promise.all([...this.#pending.keys(), ...this.#lastWork.map((work) => work())]));
        await deadline.within(this.#attempt(() => this.#backend.close()));
      } finally {
        deadline.clear();
      }
    })();
    return this.#closing;
  }

  async #read(
    ask: (context: ReadContext, deadline: Deadline) => Promise<unknown>,
    keys: () => readonly string[],
    ledger: Ledger,
    onPart?: ReadContext['onPart'],
  ): Promise<ReadAnswer> {
    const startedAt = performance.now();
    const deadline = startDeadline(this.#readTimeout);
    let failed = false;
    const early: ReadContext['onPart'] = (first, records) => {
      if (!deadline.signal.aborted) onPart?.(first, records);
    };
    const onPartialFailure = (error: unknown) => {
      failed = true;
      this.#failed('read', error, ledger);
    };
    const context = {
      signal: deadline.signal,
      onPartialFailure,
      onPart: onPart === undefined || this.#sealer ? undefined : early,
    };
    try {
      const answer = await deadline.within(ask(context, deadline));
      if (answer === undefined) throw new BackendError(`no answer within ${this.#readTimeout} ms`);
      const records = this.#opened(keys(), recordsOf(answer, keys().length));
      return { records, startedAt, left: failed ? 0 : deadline.left() };
    } catch (error) {
      this.#failed('read', error, ledger);
      return { records: Records.none(keys().length), startedAt, left: 0 };
    } finally {
      deadline.clear();
    }
  }

  async #invalidate(
    operation: 'delete' | 'clear',
    change: Change,
    call: () => Promise<number>,
    ledger?: Ledger,
  ): Promise<number> {
    this.assertOpen();
    const touches = touchesOf(change);
    const startedAt = performance.now();
    const told = (entries: number, ok: boolean) =>
      tell('write', () => {
        const durationMs = performance.now() - startedAt;
        return { namespace: ledger?.namespace, operation, entries, bytes: 0, durationMs, ok };
      });
    try {
      const count = await this.#overlaps.write(change, async () => {
        // What is being written must not arrive after the removal: not every backend keeps the order.
        const underWay = [...this.#pending].filter(([, entries]) => entries.some(({ key }) => touches(key)));
        await Promise.all(underWay.map(([written]) => written));
        return call();
      });
      told(count, true);
      return count;
    } catch (error) {
      told(0, false);
      this.#failed(operation, error, ledger);
      throw error;
    }
  }

  /** What does not open becomes a record of nothing, which is refused and counted; least of all may it pass as it is. */
  #opened(keys: readonly string[], records: Records): Records {
    const sealer = this.#sealer;
    if (sealer === undefined) return records;
    const sealed = records.toArray();
    return Records.of(
      sealed.map((record, i) => record && (sealer.open(keys[i] as string, record) ?? new Uint8Array(0))),
    );
  }

  /** A backend of somebody else's may throw where it should reject. */
  async #attempt<T>(call: () => Promise<T>): Promise<T> {
    return call();
  }

  #failed(operation: string, error: unknown, ledger: Ledger | undefined): void {
    if (ledger !== undefined) ledger.stats.errors++;
    tell('failure', () => ({ namespace: ledger?.namespace, operation, error: describe(error) }));
    this.#logger?.warn({ operation, error: describe(error) }, `vecstash: cache ${operation} failed`);
  }
}

/** The same runs: what it takes to make them (large images have long digests) is not the backend's time. */
function timed(runs: Iterable<readonly string[]>, deadline: Deadline): Iterable<readonly string[]> {
  const iterator = runs[Symbol.iterator]();
  const next = () => {
    const before = performance.now();
    const run = iterator.next();
    deadline.prolong(performance.now() - before);
    return run;
  };
  return { [Symbol.iterator]: () => ({ next }) };
}

/** A backend that answers something else than it was asked is not believed at all: the vectors would be somebody else's. */
function recordsOf(answer: unknown, length: number): Records {
  if (Array.isArray(answer) && answer.length === length && answer.every(isRecord)) return Records.of(answer);
  const records = recordsFrom(answer);
  if (records?.length === length) return records;
  throw new BackendError('the backend did not answer with one record or undefined for each key');
}

function isRecord(value: unknown): boolean {
  return value === undefined || value instanceof Uint8Array;
}

/** What may be told of an error: a backend of somebody else's can put keys and values into its messages. */
function describe(error: unknown): string {
  if (error instanceof BackendError || error instanceof ClosedError) return error.message;
  return error instanceof Error ? error.name : typeof error;
}
