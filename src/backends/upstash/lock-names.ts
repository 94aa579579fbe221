import { escapeGlob } from '../glob.js';
import { fits } from '../shell/limits.js';

const LOCK = 'lock:{';

/** What a name takes beside the key, once or (for the part before the colon) twice, in bytes. */
const OVERHEAD = LOCK.length + 1;

/** Upstash takes keys of 32 KB, and calls that fixed. */
export const MAX_KEY_BYTES = 32_000;

/** The longest key that can be locked: the lock's name must be a key too, whichever the key is. */
export const MAX_LOCKED_BYTES = Math.floor((MAX_KEY_BYTES - OVERHEAD) / 2);

/**
 * The name of the Redis key that holds a key's lock: `vecstash:lock:{vecstash:v1:docs:1}` is that
 * of `vecstash:v1:docs:1`. A name begins with what its key begins with up to the first colon, so
 * that access rules such as `~vecstash:*` cover it.
 */
export function lockName(key: string): string {
  return `${headOf(key)}${LOCK}${key}}`;
}

/** The names of the locks of keys, without those that can have none. */
export function lockNames(keys: readonly string[]): string[] {
  return keys.filter((key) => fits(key, { keyBytes: MAX_LOCKED_BYTES })).map(lockName);
}

/** The key whose lock has this name; undefined where it is no lock's. */
export function lockedKey(name: string): string | undefined {
  for (const start of new Set([headOf(name).length, 0])) {
    if (!name.startsWith(LOCK, start) || !name.endsWith('}')) continue;
    const key = name.slice(start + LOCK.length, -1);
    if (lockName(key) === name) return key;
  }
  return undefined;
}

/** The pattern of the locks of all keys that begin with `prefix`, and maybe of others. */
export function lockPattern(prefix: string): string {
  return `*${LOCK}${escapeGlob(prefix)}*`;
}

/** Up to its first colon, that included; '' where there is none. */
function headOf(key: string): string {
  return key.slice(0, key.indexOf(':') + 1);
}
