import type { CacheBackend } from './backend.js';

const lending = new WeakSet<CacheBackend>();

/**
 * Says that the memory of a backend's records is used again when they are given back. A backend of
 * somebody else's that asks such a one is not marked: it may hand records to several callers, or
 * look at them later.
 */
export function markLending(backend: CacheBackend): void {
  lending.add(backend);
}

export function isLending(backend: CacheBackend): boolean {
  return lending.has(backend);
}
