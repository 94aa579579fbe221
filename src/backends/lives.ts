import { entryTtl } from '../ttl.js';
import type { BackendLimits, BackendTouch } from './backend.js';
import { checkKeys, fits } from './limits.js';

/** A life in whole milliseconds. Throws `InvalidInputError` for a time that is not positive and finite. */
export function lifeOf(ttlMs: number): number {
  // No default stands in for it: nobody asked for that life.
  return entryTtl(ttlMs ?? Number.NaN, undefined) as number;
}

/**
 * The life that each key is to have at least, in whole milliseconds: the longest that it is named with. Without the keys that a
 * store with these limits cannot hold. Throws `InvalidInputError` for a key that is no text, and for a time that is not positive and
 * finite.
 */
export function livesOf(entries: readonly BackendTouch[], limits: BackendLimits = {}): Map<string, number> {
  checkKeys(entries.map(({ key }) => key));
  const lives = new Map<string, number>();
  for (const { key, ttlMs } of entries) {
    const life = lifeOf(ttlMs);
    if (fits(key, limits)) lives.set(key, Math.max(life, lives.get(key) ?? 0));
  }
  return lives;
}
