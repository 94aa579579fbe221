/** Parts of a window: what is older than it is forgotten in steps of a 60th. */
const PARTS = 60;

/**
 * Several counts, of what happened within the last `windowMs`: a ring of parts, whose size does not
 * depend on what happens.
 */
export class WindowCounts {
  readonly #width: number;
  readonly #partMs: number;
  readonly #counts: Float64Array;
  /** The number of the latest part, since the clock's beginning. */
  #latest = 0;

  /** @param width how many counts there are */
  constructor(width: number, windowMs: number) {
    this.#width = width;
    this.#partMs = windowMs / PARTS;
    this.#counts = new Float64Array(PARTS * width);
  }

  add(now: number, place: number, count: number): void {
    const index = this.#advance(now) + place;
    this.#counts[index] = (this.#counts[index] as number) + count;
  }

  /** Each count, over the window. */
  sums(now: number): number[] {
    this.#advance(now);
    const sums = new Array<number>(this.#width).fill(0);
    for (const [index, count] of this.#counts.entries()) {
      const place = index % this.#width;
      sums[place] = (sums[place] as number) + count;
    }
    return sums;
  }

  /** Empties the parts whose time has come again; returns where the latest one begins. */
  #advance(now: number): number {
    const part = Math.floor(now / this.#partMs);
    const emptied = Math.min(PARTS, part - this.#latest);
    for (let i = 0; i < emptied; i++) {
      const start = ((part - i) % PARTS) * this.#width;
      this.#counts.fill(0, start, start + this.#width);
    }
    this.#latest = Math.max(part, this.#latest);
    return (this.#latest % PARTS) * this.#width;
  }
}
