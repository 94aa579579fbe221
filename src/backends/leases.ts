import { BackendLimitError, InvalidInputError } from '../errors.js';
import type { BackendLeases, BackendLimits } from './backend.js';
import { checkKeys, fits } from './limits.js';
import { lifeOf } from './lives.js';

/** Runs a call of the backend that the leases belong to. */
type Run = <T>(call: () => Promise<T>) => Promise<T>;

/**
 * The leases of a store, held to the rules of `BackendLeases`: what is asked is checked, and the store is asked for each name once,
 * for whole milliseconds, and not for nothing.
 */
export function leasesOver(store: BackendLeases, run: Run, limits: BackendLimits = {}): BackendLeases {
  return {
    acquire: (names, holder, ttlMs) =>
      run(async () => {
        checkNames(names, holder);
        const life = lifeOf(ttlMs);
        const tooLong = names.filter((name) => !fits(name, limits)).length;
        if (tooLong > 0) throw new BackendLimitError('keyBytes', limits.keyBytes as number, tooLong);
        const distinct = [...new Set(names)];
        const answers = distinct.length === 0 ? [] : await store.acquire(distinct, holder, life);
        const held = new Set(distinct.filter((_, place) => answers[place]));
        return names.map((name) => held.has(name));
      }),
    release: (names, holder) =>
      run(async () => {
        checkNames(names, holder);
        const distinct = [...new Set(names)].filter((name) => fits(name, limits));
        if (distinct.length > 0) await store.release(distinct, holder);
      }),
  };
}

function checkNames(names: readonly string[], holder: string): void {
  checkKeys(names);
  if (!holder.isWellFormed()) throw new InvalidInputError('holder', 'well-formed text', 'half a surrogate pair');
}
