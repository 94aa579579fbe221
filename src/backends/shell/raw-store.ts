import type { Ttl } from '../../ttl.js';
import type {
  BackendEntry,
  BackendLeases,
  BackendLimits,
  BackendTouch,
  CacheBackend,
  ReadContext,
} from '../backend.js';
import type { LockStore } from './locks.js';
import type { Awaitable, OrNothing } from './requests.js';

/** What a call of a store gets beside its keys. */
export interface RawContext {
  /**
   * Aborted when nobody waits for the request any more: its time (`requestTimeout`) is over, or the
   * caller has left.
   */
  readonly signal: AbortSignal;
}

/**
 * What a read gets: beside the signal everything that the backend's caller handed over (see
 * `ReadContext`).
 */
export interface RawReadContext extends RawContext, Omit<ReadContext, 'signal' | 'onPartialFailure'> {
  /**
   * Tells that a part of the read failed although the rest is returned: its keys are returned as
   * undefined. Where the caller cannot hear of it, the whole read is rejected with this error.
   */
  readonly onPartialFailure: (error: unknown) => void;
}

/**
 * What is written for a new store. `defineBackend` makes a `CacheBackend` of it, and owns
 * everything that is the same for all stores.
 *
 * A store is asked for well-formed keys within its limits, for each once, and never for none; TTLs
 * are whole milliseconds of at least 1; after `close` nothing is asked. Any method may answer at
 * once or by a promise, and fails by throwing or rejecting whatever it likes: callers get a
 * `BackendError` without its message, which may hold keys or credentials. Errors of vecstash are
 * passed on as they are. After an error whose name is `TimeoutError` no more chunks of the same
 * call are begun.
 */
export interface RawStore {
  /**
   * For each key, in order, its value; undefined where there is none. The array is the caller's
   * then.
   */
  getMany(keys: readonly string[], context: RawReadContext): Awaitable<readonly (Uint8Array | undefined)[]>;
  /**
   * Stores all entries, each with a TTL of its own: an entry without `ttlMs` stays, also where the
   * one before it had an end. The bytes may be changed by the caller later. Returns how many were
   * not stored, or nothing: all were.
   */
  setMany(entries: readonly BackendEntry[], context: RawContext): Awaitable<OrNothing<number>>;
  /** Returns how many of the keys were there. With `expiry: 'shell'` that is not looked at. */
  deleteMany(keys: readonly string[], context: RawContext): Awaitable<OrNothing<number>>;
  /**
   * Deletes every key that starts with `prefix`, taken literally, and returns how many there were.
   * A store with `list` needs none; with `expiry: 'shell'` it is not used.
   */
  clear?(prefix: string, context: RawContext): Awaitable<number>;
  /**
   * A page of the keys that start with `prefix`; more keys are ignored. `cursor` is that of the
   * page before, which must still hold when the keys of that page have been deleted. The last page
   * has none.
   */
  list?(prefix: string, cursor: string | undefined, context: RawContext): Awaitable<RawPage>;
  /**
   * Asks whether the store works, as cheaply as can be. Returns what is wrong with it, if anything.
   * @default a read of one key
   */
  ping?(context: RawContext): Awaitable<OrNothing<string>>;
  /** Releases what the store opened, after all calls have ended. Runs once. */
  close?(): Awaitable<void>;
  /** See `CacheBackend.getRuns`. Runs come as they are: keys may be there twice. */
  getRuns?(
    runs: Iterable<readonly string[]>,
    context: RawReadContext,
  ): ReturnType<NonNullable<CacheBackend['getRuns']>>;
  /** Lets records live for `ttlMs` from now at least; see `CacheBackend.touchMany`. */
  touchMany?(touches: readonly BackendTouch[], context: RawContext): Awaitable<void>;
  readonly leases?: BackendLeases | undefined;
  readonly locks?: LockStore | undefined;
  readonly bus?: CacheBackend['bus'] | undefined;
  readonly isolatesFailures?: boolean | undefined;
  fill?: CacheBackend['fill'] | undefined;
}

export interface RawPage {
  readonly keys: readonly string[];
  readonly cursor?: string | undefined;
}

/** What `defineBackend` is told of a store. */
export interface BackendDefinition {
  /** The backend's name in errors, such as 'EtcdBackend'. */
  name: string;
  /** The store's name in errors. @default `name` */
  storeName?: string | undefined;
  /**
   * What the store cannot hold. With `expiry: 'shell'`, 8 bytes of a value are the shell's.
   * @default none
   */
  limits?: BackendLimits | undefined;
  /** What the store's locks cannot hold. @default `limits` */
  lockLimits?: BackendLimits | undefined;
  /** The TTL of entries that bring no own. @default none: they stay */
  ttl?: Ttl | undefined;
  /**
   * Who keeps TTLs: a store that forgets an entry to the millisecond, and counts what it deletes
   * without those that have expired (`'store'`); or the shell (`'shell'`), which puts each entry's
   * end in front of its value, checks it at every read, and reads what it deletes, to count it. The
   * store may use `ttlMs` then to free the space, at any time after it. Ends are of the wall clock.
   * @default 'store'
   */
  expiry?: 'store' | 'shell' | undefined;
  /** Keys that one `getMany` of the store takes. @default no limit */
  keysPerRead?: number | undefined;
  /** Entries that one `setMany` of the store takes. @default no limit */
  entriesPerWrite?: number | undefined;
  /**
   * Bytes of keys and values that one `setMany` of the store takes; a larger entry goes alone.
   * @default no limit
   */
  bytesPerWrite?: number | undefined;
  /**
   * What an entry counts for in `bytesPerWrite`. @default its value's bytes, and three for each of
   * its key's characters
   */
  bytesOf?: ((entry: BackendEntry) => number) | undefined;
  /** Keys that one `deleteMany` of the store takes. @default no limit */
  keysPerDelete?: number | undefined;
  /** How many requests of one call are under way at once. @default 4 */
  concurrency?: number | undefined;
  /**
   * How long one request may take. It is given up then, its signal is aborted, and those of the
   * same call that have not begun fail too. Leases and locks bound their requests themselves.
   * @default no limit
   */
  requestTimeout?: Ttl | undefined;
  /**
   * Whether changes of the same key wait for one another: requests may overtake each other on their
   * way. False for a store that takes calls in the order in which they are made. @default true
   */
  ordered?: boolean | undefined;
  /**
   * Whether the store takes a key twice in one batch as `CacheBackend` asks: each place is
   * answered, the last write wins, and what is deleted counts once. Saves the search for them.
   * @default false
   */
  takesDuplicates?: boolean | undefined;
  /**
   * Says in a few words why a request failed, without keys, values or credentials.
   * @default the system's code (such as ECONNREFUSED), or the name of what was thrown
   */
  reasonOf?: ((error: unknown) => string) | undefined;
}
