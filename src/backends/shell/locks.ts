import type { BackendEntry, BackendLimits, BackendLocks } from '../backend.js';
import type { KeyOrder } from './key-order.js';
import { checkHolder, checkKeys, checkNamesFit, fits, splitByLimits } from './limits.js';
import { ttlOf } from './ttls.js';

/**
 * How long after its time a lock is still its holder's, unless another one took it over, in
 * milliseconds.
 */
export const LOCK_GRACE = 60_000;

/**
 * The locks of a raw store; the rules are those of `BackendLocks`. Keys are distinct and within the
 * limits, TTLs are whole milliseconds, no batch is empty, and calls of the same keys wait for one
 * another unless the store is `ordered: false`.
 */
export interface LockStore {
  /**
   * Locks each key that nobody else holds, or with `force` every key. Returns for each whether
   * `holder` has it now.
   */
  acquire(keys: readonly string[], holder: string, ttlMs: number, force: boolean): Promise<boolean[]>;
  /** Lengthens locks that `holder` still has. Returns for each whether it has it. */
  renew(keys: readonly string[], holder: string, ttlMs: number): Promise<boolean[]>;
  /**
   * Stores the entries whose keys `holder` still has, and unlocks them. Returns for each whether it
   * was stored.
   */
  setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]>;
  /** Unlocks those of the keys that `holder` still has. */
  release(keys: readonly string[], holder: string): Promise<void>;
}

/** Runs a call of the backend that the locks belong to. */
type Run = <T>(call: () => Promise<T>) => Promise<T>;

export interface LockOptions {
  /** What the store's locks cannot hold. */
  limits?: BackendLimits;
  /** The order of all changes of the records: calls of the store take their places in it. */
  order?: KeyOrder | undefined;
  /** Gives an entry its whole TTL. */
  withTtl?: (entry: BackendEntry) => BackendEntry;
}

/**
 * The locks of a store, held to the rules of `BackendLocks`: what is asked is checked, and nothing
 * is asked twice or for nothing.
 */
export function locksOver(store: LockStore, run: Run, options: LockOptions = {}): BackendLocks {
  const { limits = {}, order, withTtl = (entry) => entry } = options;
  const inOrder = <T>(keys: readonly string[], ask: () => Promise<T>) => (order ? order.run({ keys }, ask) : ask());
  const ofEach = async (keys: readonly string[], ask: (distinct: string[]) => Promise<boolean[]>) => {
    const distinct = [...new Set(keys)].filter((key) => fits(key, limits));
    const answers = distinct.length === 0 ? [] : await inOrder(distinct, () => ask(distinct));
    const held = new Set(distinct.filter((_, place) => answers[place]));
    return keys.map((key) => held.has(key));
  };
  return {
    acquire: (keys, holder, ttlMs, { force = false } = {}) =>
      run(async () => {
        check(keys, holder);
        const ttl = ttlOf(ttlMs);
        checkNamesFit(keys, limits);
        return ofEach(keys, (distinct) => store.acquire(distinct, holder, ttl, force));
      }),
    renew: (keys, holder, ttlMs) =>
      run(async () => {
        check(keys, holder);
        const ttl = ttlOf(ttlMs);
        return ofEach(keys, (distinct) => store.renew(distinct, holder, ttl));
      }),
    setMany: (entries, holder) =>
      run(async () => {
        const keys = entries.map(({ key }) => key);
        check(keys, holder);
        // Of a key that is named twice the last entry counts, as everywhere.
        const last = [...new Map(entries.map((entry) => [entry.key, withTtl(entry)])).values()];
        const { fitting, removed, error } = splitByLimits(last, limits);
        const answers = await inOrder(keys, async () => {
          const stored = fitting.length === 0 ? [] : await store.setMany(fitting, holder);
          if (removed.length > 0) await store.release(removed, holder);
          return stored;
        });
        if (error) throw error;
        const stored = new Set(fitting.filter((_, place) => answers[place]).map(({ key }) => key));
        return keys.map((key) => stored.has(key));
      }),
    release: (keys, holder) =>
      run(async () => {
        check(keys, holder);
        const distinct = [...new Set(keys)].filter((key) => fits(key, limits));
        if (distinct.length > 0) await inOrder(distinct, () => store.release(distinct, holder));
      }),
  };
}

function check(keys: readonly string[], holder: string): void {
  checkHolder(holder);
  checkKeys(keys);
}
