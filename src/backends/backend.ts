import type { RecordSpans } from '../record-spans.js';
import type { InvalidationBus } from './bus.js';

/** One record to write. */
export interface BackendEntry {
  key: string;
  value: Uint8Array;
  /**
   * Time to live in milliseconds from the write. Absent: the backend's default, or for ever where
   * it has none.
   */
  ttlMs?: number | undefined;
}

/** What a reader who is short of time hands to `getMany`. */
export interface ReadContext {
  /** Aborted when the answer is no longer waited for: a backend may then return what it has. */
  signal: AbortSignal;
  /**
   * Tells that a part of the read failed although the call succeeds: the keys concerned are
   * returned as misses.
   */
  onPartialFailure: (error: unknown) => void;
  /**
   * Is told of parts of the answer that are there before the whole: the records of the keys from
   * the place `first` on. The answer holds them too. A backend need not call it; one that asks
   * another backend for other keys must not hand it on.
   */
  onPart?: ((first: number, part: RecordSpans) => void) | undefined;
  /**
   * Whether these keys were read just before and are read again under their locks: that is no
   * second look of anybody's.
   */
  isRepeated?: boolean | undefined;
  /**
   * Tells that bytes of this answer, or of one before it on the same connection, have come, or that
   * the first connection is still being made: the read timeout begins anew, up to a bound. A
   * backend that cannot tell need not call it.
   */
  onProgress?: (() => void) | undefined;
}

/** What a store cannot hold. What is absent has no limit that matters. */
export interface BackendLimits {
  /** The longest key, in bytes of UTF-8. */
  readonly keyBytes?: number | undefined;
  /** The largest value, in bytes. */
  readonly valueBytes?: number | undefined;
}

/** Values that are being computed for keys that were missing. */
export interface BackendFill {
  /**
   * Whether the key was neither written nor removed since the fill began: if it was, the value may
   * be out of date already.
   */
  isCurrent(key: string): boolean;
  /**
   * Stores what is current and, where a holder of locks is named, what that still has locked (see
   * `BackendLocks`). May tell, as that does, which entries were stored.
   */
  setMany(entries: readonly BackendEntry[], holder?: string): Promise<unknown>;
  /**
   * Where there is an L1: keeps what is current in that alone, for as long as L2 cannot be asked.
   */
  keepInL1?(entries: readonly BackendEntry[]): Promise<unknown>;
}

/** A longer TTL for a record. */
export interface BackendTouch {
  key: string;
  /** Milliseconds from now that the record is to live at least. */
  ttlMs: number;
}

/**
 * Names that one holder has at a time, among all processes that share the store. A name is a key
 * like any other, and lies among the records: give names a prefix of their own. A name is no
 * record, so what `getMany` has for it means nothing, and a `clear` that covers it may end its
 * lease. An end is measured by the store's clock where it has one (Redis, Upstash), otherwise by
 * the wall clock of whoever asks (SQLite, DynamoDB), which has to agree among them; in memory by
 * the monotonic clock.
 *
 * Names and holders that are no well-formed text are refused with `InvalidInputError`, names beyond
 * the limits with `BackendLimitError`: then nothing is taken.
 */
export interface BackendLeases {
  /**
   * Takes, for `ttlMs` milliseconds from now, each name that nobody else holds, in one round trip;
   * who holds it already holds it for longer, and never for less. Tells for each name, in order,
   * whether `holder` has it now. Where it rejects, some may have been taken.
   */
  acquire(names: readonly string[], holder: string, ttlMs: number): Promise<boolean[]>;
  /** Gives back those of the names that `holder` still has, and no others. */
  release(names: readonly string[], holder: string): Promise<void>;
}

/**
 * Locks on the keys of records, which fence writes in the store itself: whoever computes a value
 * locks its key first, and what it stores later is refused once anybody has written or removed that
 * key in between, however long its process was paused, its command queued or its connection cut.
 * Rules, held by the contract suite:
 *
 * - a lock is held for `ttlMs` milliseconds. After that another holder may take it over; until one
 *   does, and for 60 s at least, whoever had it can still store or renew;
 * - `setMany`, `deleteMany` and `clear` of the backend end the locks of the keys that they affect,
 *   at the latest together with the change and never after it;
 * - a lock is no record: `getMany` has nothing for it, and `deleteMany` and `clear` do not count
 *   it;
 * - keys and holders are checked like those of `BackendLeases`. A batch may name a key twice.
 */
export interface BackendLocks {
  /**
   * Locks, in one round trip, each key that nobody else holds, or with `force` every key: then
   * whoever held it can no longer store what it computed. Who holds a key already holds it for
   * longer, and never for less. Tells for each key, in order, whether `holder` has it now.
   */
  acquire(
    keys: readonly string[],
    holder: string,
    ttlMs: number,
    options?: { readonly force?: boolean },
  ): Promise<boolean[]>;
  /**
   * Lets locks that `holder` still has live for `ttlMs` from now at least; takes none. Tells for
   * each key whether it has it.
   */
  renew(keys: readonly string[], holder: string, ttlMs: number): Promise<boolean[]>;
  /**
   * Stores the entries whose keys `holder` still has locked, each in one step with the check, and
   * unlocks them. Tells for each entry whether it was stored. Limits are those of
   * `CacheBackend.setMany`.
   */
  setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]>;
  /** Unlocks those of the keys that `holder` still has. */
  release(keys: readonly string[], holder: string): Promise<void>;
}

/** What a backend says of its health. */
export interface BackendHealth {
  ok: boolean;
  /** What a probe took, in milliseconds; NaN where there was no answer. */
  latencyMs: number;
  detail?: string | undefined;
}

/**
 * A place that holds records by key. A backend moves bytes: it knows neither vectors nor codecs,
 * and it is the only thing to write for a new store. Rules, held by one contract suite over all
 * backends:
 *
 * - every key and every byte value is kept as it is; a key is well-formed text (one with half a
 *   surrogate pair has no UTF-8, and is refused with `InvalidInputError`);
 * - a write beyond the declared limits stores everything else of its batch and rejects with
 *   `BackendLimitError`; whatever was under such a key is gone. A read or a removal of a key beyond
 *   them finds nothing;
 * - batches may be empty, and may name a key twice: a read answers each place, the last write wins;
 * - bytes that were passed in may be changed by the caller afterwards; bytes that were returned
 *   must not be changed by anyone;
 * - TTL is per entry: each write sets the whole TTL of its key anew, also when it overwrites;
 * - a failure rejects with an error (a `BackendError` where vecstash wrote the backend) and never
 *   with a wrong value;
 * - after `close()`, every call but `close()` rejects with `ClosedError`.
 */
export interface CacheBackend {
  /**
   * True where the backend itself keeps a part of it that fails out of the way: then no circuit
   * breaker is put before the whole.
   */
  readonly isolatesFailures?: boolean | undefined;
  readonly limits?: BackendLimits | undefined;
  /**
   * Where the store can carry messages between the processes that share it: tiers before it use
   * this to stay consistent with it.
   */
  readonly bus?: InvalidationBus | undefined;
  /** The records of `keys`, in their order; undefined where there is none or its time is over. */
  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]>;
  /**
   * Optional, for a store that can be asked for some keys while others are still being made: what
   * `getMany` has for all keys of `runs`, end to end (`RecordSpans.of` makes that of an array).
   * Making a run takes time, so each is to be on its way before the next is taken, and all before
   * an answer is waited for.
   */
  getRuns?(runs: Iterable<readonly string[]>, context?: ReadContext): Promise<RecordSpans>;
  setMany(entries: readonly BackendEntry[]): Promise<void>;
  /** Returns how many of the keys (each counted once) were there. */
  deleteMany(keys: readonly string[]): Promise<number>;
  /**
   * Deletes every key that starts with `prefix`, taken literally, and returns how many there were.
   * '' is every key.
   */
  clear(prefix: string): Promise<number>;
  /**
   * Optional: lets records live longer, in one round trip where the store can. A TTL is never made
   * shorter, a record without one keeps none, and a key that is not there is passed over. Of a key
   * that is named twice the longer TTL counts.
   */
  touchMany?(entries: readonly BackendTouch[]): Promise<void>;
  /** Optional: what instances that share the store need to agree who does a job. */
  readonly leases?: BackendLeases | undefined;
  /**
   * Optional: fences for what is computed or queued. Without them a write that is late may bring
   * back what others removed.
   */
  readonly locks?: BackendLocks | undefined;
  /**
   * Optional, for a backend that hears of what others change: runs what computes values anew and
   * stores them through `BackendFill`.
   */
  fill?<T>(work: (fill: BackendFill) => Promise<T>): Promise<T>;
  /** Never rejects for a store that is down: that is the answer. */
  health(): Promise<BackendHealth>;
  /**
   * Releases what the backend opened itself, after what was already asked of it is done. May be
   * called twice.
   */
  close(): Promise<void>;
}

/** The name the interface has in the application that vecstash was first written for. */
export type ICacheBackend = CacheBackend;

/** How a backend is described where something else was given. */
export const BACKEND_EXPECTED = 'a CacheBackend, with getMany, setMany, deleteMany, clear, health and close';

const METHODS = ['getMany', 'setMany', 'deleteMany', 'clear', 'health', 'close'] as const;

/** Whether a value has the methods of a backend. */
export function isBackend(value: unknown): value is CacheBackend {
  if (typeof value !== 'object' || value === null) return false;
  return METHODS.every((method) => typeof (value as Record<string, unknown>)[method] === 'function');
}
