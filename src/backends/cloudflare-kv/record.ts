import { Buffer } from 'node:buffer';
import type { BackendEntry, BackendLimits } from '../backend.js';
import type { KvPair } from './namespace.js';

/**
 * In front of every key: KV takes no empty key, and none that is '.' or '..'. It also keeps other
 * users of the namespace out of what is cleared.
 */
const MARK = '~';

/** In front of every value, so that an empty one is not nothing, and what is not ours is seen. */
const TAG = '1';

/** KV's longest key, without the mark. */
const KEY_BYTES = 511;

/**
 * KV takes values of 25 MiB, but a read of many at most 25 MB in all. This is what can be read so,
 * alone, in base64.
 */
const VALUE_BYTES = 18_000_000;

export const KV_LIMITS: BackendLimits = { keyBytes: KEY_BYTES, valueBytes: VALUE_BYTES };

/** KV refuses shorter TTLs, in seconds. */
const MIN_TTL = 60;

/** 68 years: the binding takes the seconds as an int32. */
const MAX_TTL = 2 ** 31 - 1;

/** The name under which a key, or the beginning of one, is stored. */
export function nameOf(key: string): string {
  return MARK + key;
}

/**
 * An entry as it is stored: the bytes as text, since only text can be read in bulk, and its exact
 * end in the metadata.
 */
export function encodePair({ key, value, ttlMs }: BackendEntry): KvPair {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const pair = { name: nameOf(key), value: TAG + bytes.toString('base64') };
  if (ttlMs === undefined) return pair;
  // KV counts whole seconds from the last full one: without one more it could forget the entry too
  // early.
  const seconds = Math.ceil(ttlMs / 1000) + 1;
  const ttlSeconds = Math.min(Math.max(seconds, MIN_TTL), MAX_TTL);
  return { ...pair, ttlSeconds, metadata: { expires: Date.now() + ttlMs } };
}

/** What a pair takes in a request beside its name and its value, in bytes. */
const PAIR_OVERHEAD = 100;

/**
 * The most bytes that an entry takes in a request: a key's characters take up to 6 bytes in JSON.
 */
export function requestBytes({ key, value }: BackendEntry): number {
  return 6 * nameOf(key).length + TAG.length + 4 * Math.ceil(value.length / 3) + PAIR_OVERHEAD;
}

/** The bytes of a stored value; undefined where it is none of ours, or damaged. */
export function decodeValue(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string' || !value.startsWith(TAG)) return undefined;
  const text = value.slice(TAG.length);
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  // Decoding skips or stops at what is no base64, and then there are fewer bytes.
  const bytes = Buffer.from(text, 'base64');
  return text.length % 4 === 0 && bytes.length === (text.length / 4) * 3 - padding ? bytes : undefined;
}

/** Whether an entry with this metadata is there at the time `now`. */
export function isLive(metadata: unknown, now: number): boolean {
  if (metadata === undefined || metadata === null) return true;
  const { expires } = metadata as { expires?: unknown };
  return typeof expires === 'number' && expires > now;
}
