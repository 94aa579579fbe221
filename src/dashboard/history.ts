import { Histogram } from './histogram.js';
import type { Bucket } from './wire.js';

const BUCKET_MS = 10_000;
/** Ten minutes. */
const BUCKETS = 60;

interface Counts {
  hits: number;
  misses: number;
  times: Histogram;
}

/**
 * Lookups of the last ten minutes, by ten seconds. No timer: a bucket is made by the first event in
 * it.
 */
export class History {
  readonly #buckets = new Map<number, Counts>();

  add(at: number, hits: number, misses: number, durationMs: number): void {
    const start = at - (at % BUCKET_MS);
    let counts = this.#buckets.get(start);
    if (counts === undefined) {
      counts = { hits: 0, misses: 0, times: new Histogram() };
      this.#buckets.set(start, counts);
      for (const old of this.#buckets.keys()) if (old <= start - BUCKETS * BUCKET_MS) this.#buckets.delete(old);
    }
    counts.hits += hits;
    counts.misses += misses;
    counts.times.add(durationMs);
  }

  /** All buckets up to now, the oldest first; those without a lookup are empty. */
  buckets(now: number): Bucket[] {
    const last = now - (now % BUCKET_MS);
    return Array.from({ length: BUCKETS }, (_, i) => {
      const at = last - (BUCKETS - 1 - i) * BUCKET_MS;
      const counts = this.#buckets.get(at);
      if (counts === undefined) return { at, hits: 0, misses: 0, p50: null, p95: null };
      return { at, hits: counts.hits, misses: counts.misses, ...counts.times.latency() };
    });
  }
}
