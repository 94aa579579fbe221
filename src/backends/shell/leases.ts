import type { BackendLeases, BackendLimits } from '../backend.js';
import { checkHolder, checkKeys, checkNamesFit, fits } from './limits.js';
import { ttlOf } from './ttls.js';

/** Runs a call of the backend that the leases belong to. */
type Run = <T>(call: () => Promise<T>) => Promise<T>;

/**
 * The leases of a store, held to the rules of `BackendLeases`: what is asked is checked, and the
 * store is asked for each name once, for whole milliseconds, and not for nothing.
 */
export function leasesOver(store: BackendLeases, run: Run, limits: BackendLimits = {}): BackendLeases {
  return {
    acquire: (names, holder, ttlMs) =>
      run(async () => {
        checkNames(names, holder);
        const ttl = ttlOf(ttlMs);
        checkNamesFit(names, limits);
        const distinct = [...new Set(names)];
        const answers = distinct.length === 0 ? [] : await store.acquire(distinct, holder, ttl);
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
  checkHolder(holder);
}
