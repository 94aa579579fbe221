/** Bins from 1 microsecond up, 12 for each doubling: a percentile is right to 3 %. */
const MIN_MS = 0.001;
const PER_DOUBLING = 12;
/** The last bin ends beyond an hour. */
const BINS = 33 * PER_DOUBLING;

/** Durations, counted in bins, so that any number of them takes the same memory. */
export class Histogram {
  readonly #bins = new Map<number, number>();
  #count = 0;

  /** @param milliseconds what is no duration is left out */
  add(milliseconds: number): void {
    if (!(milliseconds >= 0)) return;
    const bin = Math.round(Math.log2(Math.max(milliseconds, MIN_MS) / MIN_MS) * PER_DOUBLING);
    const kept = Math.min(bin, BINS);
    this.#bins.set(kept, (this.#bins.get(kept) ?? 0) + 1);
    this.#count += 1;
  }

  /** Milliseconds that a share of the durations stayed within; null where there is none. */
  percentile(share: number): number | null {
    let left = Math.ceil(share * this.#count);
    for (const bin of [...this.#bins.keys()].sort((a, b) => a - b)) {
      left -= this.#bins.get(bin) as number;
      if (left <= 0) return MIN_MS * 2 ** (bin / PER_DOUBLING);
    }
    return null;
  }

  /** The two that are shown. */
  latency(): { p50: number | null; p95: number | null } {
    return { p50: this.percentile(0.5), p95: this.percentile(0.95) };
  }
}
