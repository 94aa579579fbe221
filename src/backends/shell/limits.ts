import { BackendLimitError, InvalidInputError } from '../../errors.js';
import type { BackendEntry, BackendLimits } from '../backend.js';

/**
 * Throws `InvalidInputError` for a key that has no UTF-8: stores would make one and the same key of
 * it and others.
 */
export function checkKeys(keys: readonly string[]): void {
  for (let i = 0; i < keys.length; i++) {
    if (!(keys[i] as string).isWellFormed())
      throw new InvalidInputError(`keys[${i}]`, 'well-formed text', 'half a surrogate pair');
  }
}

/** Whether a store with these limits can hold the key. */
export function fits(key: string, { keyBytes }: BackendLimits): boolean {
  return keyBytes === undefined || key.length * 3 <= keyBytes || Buffer.byteLength(key) <= keyBytes;
}

/** Throws `InvalidInputError` for a holder that has no UTF-8. */
export function checkHolder(holder: string): void {
  if (!holder.isWellFormed()) throw new InvalidInputError('holder', 'well-formed text', 'half a surrogate pair');
}

/** Throws `BackendLimitError` for names that a store with these limits cannot hold. */
export function checkNamesFit(names: readonly string[], limits: BackendLimits): void {
  const tooLong = names.filter((name) => !fits(name, limits)).length;
  if (tooLong > 0) throw new BackendLimitError('keyBytes', limits.keyBytes as number, tooLong);
}

/** A batch as a store can take it. */
export interface FittingEntries {
  fitting: readonly BackendEntry[];
  /**
   * Keys whose old value is to be removed, since the new one is not stored. Without those that the
   * store cannot hold.
   */
  removed: string[];
  /** What the write rejects with after all that is done. */
  error: BackendLimitError | undefined;
}

/**
 * Splits a batch by what the store can hold. Where there are limits, of a key that is written twice
 * only the last entry counts.
 */
export function splitByLimits(entries: readonly BackendEntry[], limits: BackendLimits): FittingEntries {
  if (limits.keyBytes === undefined && limits.valueBytes === undefined) {
    return { fitting: entries, removed: [], error: undefined };
  }
  const { keyBytes = Number.POSITIVE_INFINITY, valueBytes = Number.POSITIVE_INFINITY } = limits;
  const fitting = new Map<string, BackendEntry>();
  const removed = new Set<string>();
  let count = 0;
  let limit: BackendLimitError['limit'] | undefined;
  for (const entry of entries) {
    fitting.delete(entry.key);
    removed.delete(entry.key);
    if (!fits(entry.key, limits)) limit ??= 'keyBytes';
    else if (entry.value.byteLength > valueBytes) {
      limit ??= 'valueBytes';
      removed.add(entry.key);
    } else {
      fitting.set(entry.key, entry);
      continue;
    }
    count += 1;
  }
  const most = limit === 'keyBytes' ? keyBytes : valueBytes;
  return {
    fitting: [...fitting.values()],
    removed: [...removed],
    error: limit && new BackendLimitError(limit, most, count),
  };
}
