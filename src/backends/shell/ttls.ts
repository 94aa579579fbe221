import { entryTtl } from '../../ttl.js';
import type { BackendLimits, BackendTouch } from '../backend.js';
import { checkKeys, fits } from './limits.js';

/**
 * A TTL in whole milliseconds. Throws `InvalidInputError` for one that is not positive and finite.
 */
export function ttlOf(ttlMs: number): number {
  // No default stands in for it: nobody asked for that TTL.
  return entryTtl(ttlMs ?? Number.NaN, undefined) as number;
}

/**
 * The TTL that each key is to have at least, in whole milliseconds: the longest that it is named
 * with. Without the keys that a store with these limits cannot hold. Throws `InvalidInputError` for
 * a key that is no text, and for a TTL that is not positive and finite.
 */
export function ttlsOf(entries: readonly BackendTouch[], limits: BackendLimits = {}): Map<string, number> {
  checkKeys(entries.map(({ key }) => key));
  const ttls = new Map<string, number>();
  for (const { key, ttlMs } of entries) {
    const ttl = ttlOf(ttlMs);
    if (fits(key, limits)) ttls.set(key, Math.max(ttl, ttls.get(key) ?? 0));
  }
  return ttls;
}
