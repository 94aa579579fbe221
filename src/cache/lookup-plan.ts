/** The distinct keys of a batch, and which of them each place asks for. */
export interface LookupPlan {
  /** Each key once, in order of first appearance. */
  keys: string[];
  /** For each distinct key, the first place that asks for it. */
  firstPlaces: number[];
  /** For each place, the index of its key in `keys`. */
  keyOfPlace: Uint32Array;
}

/** Folds duplicates: what is asked for twice is looked up, computed and paid for once. */
export function planLookup(keys: readonly string[]): LookupPlan {
  const plan: LookupPlan = { keys: [], firstPlaces: [], keyOfPlace: new Uint32Array(keys.length) };
  const indices = new Map<string, number>();
  for (let place = 0; place < keys.length; place++) {
    const key = keys[place] as string;
    let index = indices.get(key);
    if (index === undefined) {
      index = plan.keys.length;
      indices.set(key, index);
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
