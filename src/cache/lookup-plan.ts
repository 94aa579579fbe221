/** The distinct keys of a batch, and which of them each place asks for. */
export interface LookupPlan {
  /** Each key once, in order of first appearance. */
  keys: string[];
  /** For each distinct key, the first place that asks for it. */
  firstPlaces: number[];
  /** For each place, the index of its key in `keys`. */
  keyOfPlace: Uint32Array;
}

/** Characters of a digest that tell keys apart well enough for a table: 30 bits. */
const HASHED = 5;
const BITS_PER_CHARACTER = 6;

/** Spreads hashes over slots: another number in each process, so that nobody can choose texts whose keys meet in one. */
let spread: number | undefined;

/**
 * Folds duplicates: what is asked for twice is looked up, computed and paid for once. The keys are those of one namespace and model, and
 * end with digests, which are as good as random: a few of their characters serve as a hash, which costs less than a `Map` of strings.
 */
export function planLookup(keys: readonly string[]): LookupPlan {
  const plan: LookupPlan = { keys: [], firstPlaces: [], keyOfPlace: new Uint32Array(keys.length) };
  // More than twice as many slots as keys, so that few keys meet in one. A slot holds the index of a key, one up.
  const slots = new Uint32Array(2 ** (32 - Math.clz32(2 * keys.length)));
  const shift = Math.clz32(slots.length) + 1;
  const hashes = new Uint32Array(keys.length);
  spread ??= (Math.random() * 2 ** 32) | 1;
  for (let place = 0; place < keys.length; place++) {
    const key = keys[place] as string;
    const hash = hashOf(key);
    let slot = Math.imul(hash, spread) >>> shift;
    let index = slots[slot] as number;
    while (index !== 0 && !(hashes[index - 1] === hash && plan.keys[index - 1] === key)) {
      slot = (slot + 1) & (slots.length - 1);
      index = slots[slot] as number;
    }
    if (index === 0) {
      plan.firstPlaces.push(place);
      index = plan.keys.push(key);
      hashes[index - 1] = hash;
      slots[slot] = index;
    }
    plan.keyOfPlace[place] = index - 1;
  }
  return plan;
}

function hashOf(key: string): number {
  let hash = 0;
  for (let at = key.length - HASHED; at < key.length; at++) hash = (hash << BITS_PER_CHARACTER) ^ key.charCodeAt(at);
  return hash >>> 0;
}

/** `items` in runs of at most `size`. */
export function batches<T>(items: readonly T[], size: number): T[][] {
  const runs: T[][] = [];
  for (let at = 0; at < items.length; at += size) runs.push(items.slice(at, at + size));
  return runs;
}
