import { DIGEST_LENGTH } from '../keys/digest.js';

/** The distinct keys of a batch, and which of them each place asks for. */
export interface LookupPlan {
  /** Each key once, in order of first appearance. */
  keys: string[];
  /** For each distinct key, the first place that asks for it. */
  firstPlaces: number[];
  /** For each place, the index of its key in `keys`. */
  keyOfPlace: Uint32Array;
}

/**
 * Folds duplicates: what is asked for twice is looked up, computed and paid for once. The keys are those of one namespace and model:
 * their digests tell them apart, and are hashed faster than the whole.
 */
export function planLookup(keys: readonly string[]): LookupPlan {
  const plan: LookupPlan = { keys: [], firstPlaces: [], keyOfPlace: new Uint32Array(keys.length) };
  const indices = new Map<string, number>();
  for (let place = 0; place < keys.length; place++) {
    const key = keys[place] as string;
    const digest = key.substring(key.length - DIGEST_LENGTH);
    let index = indices.get(digest);
    if (index === undefined) {
      index = plan.keys.length;
      indices.set(digest, index);
      plan.keys.push(key);
      plan.firstPlaces.push(place);
    }
    plan.keyOfPlace[place] = index;
  }
  return plan;
}

/** `items` in runs of at most `size`. */
export function batches<T>(items: readonly T[], size: number): T[][] {
  const runs: T[][] = [];
  for (let at = 0; at < items.length; at += size) runs.push(items.slice(at, at + size));
  return runs;
}
