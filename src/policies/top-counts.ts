import { copyOfText } from '../copies.js';

/** What a `TopCounts` held at a time, to be stored. */
export interface CountsRecord {
  /** Milliseconds of the wall clock that the counts are of. */
  at: number;
  counts: [item: string, count: number][];
}

/**
 * Half-lives after which counts are taken down to the present: an exponent must not outgrow a
 * double.
 */
const MAX_HALF_LIVES = 100;

/**
 * The items that are counted most, in a bounded number of places: the Space-Saving sketch
 * (Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data
 * streams", 2005). Whatever makes up more than 1/places of all that is counted is in it; a new item
 * takes the place, and the count, of the rarest one, so that counts are never too low.
 *
 * Counts halve with every half-life. They are kept as of one landmark in time, and what comes later
 * weighs more (forward decay: Cormode, Shkapenyuk, Srivastava, Xu, 2009), so that nothing has to be
 * gone through as time passes.
 */
export class TopCounts {
  readonly #places: number;
  readonly #halfLife: number;
  readonly #counts = new Map<string, number>();
  #landmark: number;

  /**
   * @param halfLife in milliseconds
   * @param now milliseconds of the wall clock, as everywhere in here: counts of several processes
   * are added up
   */
  constructor(places: number, halfLife: number, now: number) {
    this.#places = places;
    this.#halfLife = halfLife;
    this.#landmark = now;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** Counts `item`, as many times as `count` says, at `now`. */
  add(item: string, now: number, count = 1): void {
    if (now - this.#landmark > MAX_HALF_LIVES * this.#halfLife) this.#moveTo(now);
    const weight = count * 2 ** ((now - this.#landmark) / this.#halfLife);
    let known = this.#counts.get(item);
    if (known === undefined && this.#counts.size >= this.#places) {
      const rarest = this.#rarest();
      this.#counts.delete(rarest.item);
      known = rarest.count;
    }
    this.#counts.set(copyOfText(item), (known ?? 0) + weight);
  }

  /** The `most` items that are counted most, first those, with their counts as of `now`. */
  top(most: number, now: number): [item: string, count: number][] {
    const factor = 2 ** ((this.#landmark - now) / this.#halfLife);
    return Array.from(this.#counts, ([item, count]): [string, number] => [item, count * factor])
      .sort(([, a], [, b]) => b - a)
      .slice(0, most);
  }

  toRecord(now: number): CountsRecord {
    return { at: now, counts: this.top(this.#places, now) };
  }

  /**
   * Adds what another process counted. The items that were counted least come first, so that they
   * lose their places.
   */
  addRecord({ at, counts }: CountsRecord, now: number): void {
    // What another clock has in the future is of now.
    const age = Math.max(0, now - at);
    for (const [item, count] of counts.toReversed()) this.add(item, now, count * 2 ** (-age / this.#halfLife));
  }

  #rarest(): { item: string; count: number } {
    let rarest = { item: '', count: Number.POSITIVE_INFINITY };
    for (const [item, count] of this.#counts) if (count < rarest.count) rarest = { item, count };
    return rarest;
  }

  #moveTo(now: number): void {
    const factor = 2 ** ((this.#landmark - now) / this.#halfLife);
    for (const [item, count] of this.#counts) {
      const moved = count * factor;
      if (moved > 0) this.#counts.set(item, moved);
      else this.#counts.delete(item);
    }
    this.#landmark = now;
  }
}
