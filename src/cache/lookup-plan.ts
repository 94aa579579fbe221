/** The distinct keys of a batch, and which of them each place asks for. */
export interface LookupPlan {
  /** Each key once, in order of first appearance. */
  keys: readonly string[];
  /** For each distinct key, the first place that asks for it. */
  firstPlaces: Uint32Array;
  /** For each place, the index of its key in `keys`. */
  keyOfPlace: Uint32Array;
}

/** Spreads hashes over slots: another number in each process, so that nobody can choose texts whose keys meet in one. */
let spread: number | undefined;

/**
 * Folds duplicates: what is asked for twice is looked up, computed and paid for once. Equal keys have equal `hashes`, of 32 bits at most;
 * others should not. A table of numbers costs a fraction of a `Map` of strings.
 */
export function planLookup(keys: readonly string[], hashes: Uint32Array): LookupPlan {
  const keyOfPlace = new Uint32Array(keys.length);
  const firstPlaces = new Uint32Array(keys.length);
  let count = 0;
  // More than twice as many slots as keys, so that few keys meet in one. A slot holds the index of a key, one up.
  const slots = new Uint32Array(2 ** (32 - Math.clz32(2 * keys.length)));
  const shift = Math.clz32(slots.length) + 1;
  spread ??= (Math.random() * 2 ** 32) | 1;
  for (let place = 0; place < keys.length; place++) {
    const hash = hashes[place] as number;
    let slot = Math.imul(hash, spread) >>> shift;
    let index = slots[slot] as number;
    while (index !== 0) {
      const first = firstPlaces[index - 1] as number;
      if (hashes[first] === hash && keys[first] === keys[place]) break;
      slot = (slot + 1) & (slots.length - 1);
      index = slots[slot] as number;
    }
    if (index === 0) {
      firstPlaces[count] = place;
      count += 1;
      index = count;
      slots[slot] = index;
    }
    keyOfPlace[place] = index - 1;
  }
  if (count === keys.length) return { keys, firstPlaces, keyOfPlace };
  const places = firstPlaces.subarray(0, count);
  return { keys: Array.from(places, (place) => keys[place] as string), firstPlaces: places, keyOfPlace };
}

/** What there is for each key, for each place. */
export function ofPlaces<T>({ keyOfPlace }: LookupPlan, ofKeys: readonly T[]): T[] {
  return Array.from(keyOfPlace, (k) => ofKeys[k] as T);
}

/** `items` in runs of at most `size`. */
export function batches<T>(items: readonly T[], size: number): T[][] {
  const runs: T[][] = [];
  for (let at = 0; at < items.length; at += size) runs.push(items.slice(at, at + size));
  return runs;
}
