import type { BackendEntry, BackendLimits, BackendLocks } from './backend.js';
import { checkKeys, fits, splitByLimits } from './limits.js';
import { lifeOf } from './lives.js';
import { checkHolder, checkNamesFit } from './names.js';

/** How long after its time a lock is still its holder's, unless another one took it over, in milliseconds. */
export const LOCK_GRACE = 60_000;

/** What a store implements: keys are distinct and fit, lives are whole milliseconds, no batch is empty. */
export interface LockStore {
  acquire(keys: readonly string[], holder: string, lifeMs: number, force: boolean): Promise<boolean[]>;
  renew(keys: readonly string[], holder: string, lifeMs: number): Promise<boolean[]>;
  setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]>;
  release(keys: readonly string[], holder: string): Promise<void>;
}

/** Runs a call of the backend that the locks belong to. */
type Run = <T>(call: () => Promise<T>) => Promise<T>;

/** The locks of a store, held to the rules of `BackendLocks`: what is asked is checked, and nothing is asked twice or for nothing. */
export function locksOver(store: LockStore, run: Run, limits: BackendLimits = {}): BackendLocks {
  const ofEach = async (keys: readonly string[], ask: (distinct: string[]) => Promise<boolean[]>) => {
    const distinct = [...new Set(keys)];
    const answers = distinct.length === 0 ? [] : await ask(distinct);
    const held = new Set(distinct.filter((_, place) => answers[place]));
    return keys.map((key) => held.has(key));
  };
  return {
    acquire: (keys, holder, ttlMs, { force = false } = {}) =>
      run(async () => {
        checkHolder(holder);
        checkKeys(keys);
        const life = lifeOf(ttlMs);
        checkNamesFit(keys, limits);
        return ofEach(keys, (distinct) => store.acquire(distinct, holder, life, force));
      }),
    renew: (keys, holder, ttlMs) =>
      run(async () => {
        checkHolder(holder);
        checkKeys(keys);
        const life = lifeOf(ttlMs);
        return ofEach(keys, (distinct) =>
          store.renew(
            distinct.filter((key) => fits(key, limits)),
            holder,
            life,
          ),
        );
      }),
    setMany: (entries, holder) =>
      run(async () => {
        checkHolder(holder);
        checkKeys(entries.map(({ key }) => key));
        // Of a key that is named twice the last entry counts, as everywhere.
        const last = [...new Map(entries.map((entry) => [entry.key, entry])).values()];
        const { fitting, removed, error } = splitByLimits(last, limits);
        const answers = fitting.length === 0 ? [] : await store.setMany(fitting, holder);
        if (removed.length > 0) await store.release(removed, holder);
        if (error) throw error;
        const stored = new Set(fitting.filter((_, place) => answers[place]).map(({ key }) => key));
        return entries.map(({ key }) => stored.has(key));
      }),
    release: (keys, holder) =>
      run(async () => {
        checkHolder(holder);
        checkKeys(keys);
        const distinct = [...new Set(keys)].filter((key) => fits(key, limits));
        if (distinct.length > 0) await store.release(distinct, holder);
      }),
  };
}
