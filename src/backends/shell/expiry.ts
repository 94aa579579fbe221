import type { BackendEntry } from '../backend.js';

/**
 * What stands in front of a value whose end the shell keeps: its end by the wall clock, in
 * milliseconds, as a big-endian float64.
 */
export const EXPIRY_BYTES = 8;

/**
 * The entry as it is stored, with its end in front of its value. One that stays has no finite end.
 */
export function withExpiry(entry: BackendEntry, now: number): BackendEntry {
  const { value, ttlMs } = entry;
  const bytes = new Uint8Array(EXPIRY_BYTES + value.length);
  new DataView(bytes.buffer).setFloat64(0, ttlMs === undefined ? Number.POSITIVE_INFINITY : now + ttlMs);
  bytes.set(value, EXPIRY_BYTES);
  return { ...entry, value: bytes };
}

/**
 * The value in what was stored; undefined where its end has come, or where it is none of the
 * shell's.
 */
export function liveValue(stored: Uint8Array | undefined, now: number): Uint8Array | undefined {
  if (stored === undefined || stored.length < EXPIRY_BYTES) return undefined;
  const end = new DataView(stored.buffer, stored.byteOffset).getFloat64(0);
  return end > now ? stored.subarray(EXPIRY_BYTES) : undefined;
}
