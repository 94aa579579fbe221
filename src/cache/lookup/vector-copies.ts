import type { LookupPlan } from './plan.js';

/** What one kept vector may keep alive, in bytes. */
const BLOCK_BYTES = 64 * 1024;

/**
 * Copies of vectors of one length, which share blocks of at most 64 KiB: that costs a fraction of
 * an array each.
 */
export function copiesOf(vectors: readonly Float32Array[]): Float32Array[] {
  const dimensions = vectors[0]?.length ?? 0;
  const perBlock = Math.max(1, Math.floor(BLOCK_BYTES / (4 * dimensions)));
  const copies: Float32Array[] = [];
  for (let start = 0; start < vectors.length; start += perBlock) {
    const rows = Math.min(perBlock, vectors.length - start);
    const block = new Float32Array(rows * dimensions);
    for (let row = 0; row < rows; row++) {
      block.set(vectors[start + row] as Float32Array, row * dimensions);
      copies.push(new Float32Array(block.buffer, 4 * row * dimensions, dimensions));
    }
  }
  return copies;
}

/**
 * A vector for each input, in their order; an input that repeats another gets a copy, so that
 * changing one changes no other.
 */
export function inInputOrder<T extends Float32Array | undefined>(plan: LookupPlan, vectors: T[]): T[] {
  if (plan.keys.length === plan.keyOfPlace.length) return vectors;
  const repeated: Float32Array[] = [];
  const isCopy = (k: number, place: number) => plan.firstPlaces[k] !== place && vectors[k] !== undefined;
  plan.keyOfPlace.forEach((k, place) => {
    if (isCopy(k, place)) repeated.push(vectors[k] as Float32Array);
  });
  const copies = copiesOf(repeated).values();
  return Array.from(plan.keyOfPlace, (k, place) => (isCopy(k, place) ? (copies.next().value as T) : (vectors[k] as T)));
}
