import { hashOfKey, type Identity } from '../../keys/digest.js';

/** The distinct keys of a batch, and which of them each place asks for. */
export interface LookupPlan {
  /** Each key once, in order of first appearance. */
  keys: readonly string[];
  /** For each distinct key, the first place that asks for it. */
  firstPlaces: Uint32Array;
  /** For each place, the index of its key in `keys`. */
  keyOfPlace: Uint32Array;
}

/**
 * Makes keys, and 30 bits or so of each one's digest: equal keys have equal hashes, others should
 * not.
 */
export type MakeKeys = (identities: readonly Identity[], hashes: Uint32Array) => readonly string[];

/**
 * Inputs in the first run: few enough that the server has them early, and enough that it does not
 * wait for the next.
 */
const FIRST_RUN = 128;

/** How many times as many inputs as came before are in each other run. */
const GROWTH = 2;

/**
 * Spreads hashes over slots: another number in each process, so that nobody can choose texts whose
 * keys meet in one.
 */
let spread: number | undefined;

/**
 * Plans a lookup run by run: makes the keys of some inputs, and folds duplicates, so that what is
 * asked for twice is looked up, computed and paid for once. Its runs, which are made when they are
 * asked for, are the distinct keys that come with each.
 */
export class LookupPlanner implements Iterable<readonly string[]> {
  /** The distinct keys of the runs made so far. */
  readonly keys: string[] = [];
  readonly #identities: readonly Identity[];
  readonly #makeKeys: MakeKeys;
  /** By place. */
  readonly #hashes: Uint32Array;
  readonly #keyOfPlace: Uint32Array;
  /** By distinct key. */
  readonly #firstPlaces: Uint32Array;
  /**
   * A slot holds the index of a key, one up. A table of numbers costs a fraction of a `Map` of
   * strings.
   */
  readonly #slots: Uint32Array;
  readonly #shift: number;
  #planned = 0;

  constructor(identities: readonly Identity[], makeKeys: MakeKeys) {
    const { length } = identities;
    // A copy: the array may be the caller's.
    this.#identities = identities.slice();
    this.#makeKeys = makeKeys;
    this.#hashes = new Uint32Array(length);
    this.#keyOfPlace = new Uint32Array(length);
    this.#firstPlaces = new Uint32Array(length);
    // More than twice as many slots as keys, so that few keys meet in one.
    const bits = 32 - Math.clz32(2 * length);
    this.#slots = new Uint32Array(2 ** bits);
    this.#shift = 32 - bits;
    spread ??= (Math.random() * 2 ** 32) | 1;
  }

  get inputs(): number {
    return this.#identities.length;
  }

  /** No `return`: what one reader of the runs leaves is there for the next. */
  [Symbol.iterator](): Iterator<readonly string[]> {
    return { next: () => this.#nextRun() };
  }

  /** All distinct keys: what was not asked for run by run is made now. */
  allKeys(): readonly string[] {
    this.#advance(this.inputs);
    return this.keys;
  }

  /** The whole plan. */
  plan(): LookupPlan {
    const keys = this.allKeys();
    const firstPlaces = keys.length === this.inputs ? this.#firstPlaces : this.#firstPlaces.subarray(0, keys.length);
    return { keys, firstPlaces, keyOfPlace: this.#keyOfPlace };
  }

  #nextRun(): IteratorResult<readonly string[]> {
    const before = this.keys.length;
    while (this.keys.length === before && this.#planned < this.inputs)
      this.#advance(Math.max(FIRST_RUN, (1 + GROWTH) * this.#planned));
    if (this.keys.length === before) return { done: true, value: undefined };
    return { done: false, value: this.keys.slice(before) };
  }

  /** Plans as far as the place `end`. */
  #advance(end: number): void {
    const start = this.#planned;
    if (start === this.inputs) return;
    const isWhole = start === 0 && end >= this.inputs;
    const identities = isWhole ? this.#identities : this.#identities.slice(start, end);
    const hashes = this.#hashes;
    const keys = this.#makeKeys(identities, isWhole ? hashes : hashes.subarray(start, end));
    const { keys: distinct } = this;
    const firstPlaces = this.#firstPlaces;
    const slots = this.#slots;
    const isAnother = (index: number, place: number) =>
      hashes[firstPlaces[index - 1] as number] !== hashes[place] || distinct[index - 1] !== keys[place - start];
    for (let place = start; place < start + identities.length; place++) {
      let slot = Math.imul(hashes[place] as number, spread as number) >>> this.#shift;
      let index = slots[slot] as number;
      while (index !== 0 && isAnother(index, place)) {
        slot = (slot + 1) & (slots.length - 1);
        index = slots[slot] as number;
      }
      if (index === 0) {
        firstPlaces[distinct.length] = place;
        index = distinct.push(keys[place - start] as string);
        slots[slot] = index;
      }
      this.#keyOfPlace[place] = index - 1;
    }
    this.#planned += identities.length;
  }
}

/** Plans a lookup of keys that were made before. */
export function plannerOfKeys(keys: readonly string[]): LookupPlanner {
  return new LookupPlanner(keys, (part, hashes) => {
    part.forEach((key, i) => {
      hashes[i] = hashOfKey(key as string);
    });
    return part as readonly string[];
  });
}

/** What there is for each key, for each place. */
export function ofPlaces<T>({ keyOfPlace }: LookupPlan, ofKeys: readonly T[]): T[] {
  return Array.from(keyOfPlace, (k) => ofKeys[k] as T);
}
