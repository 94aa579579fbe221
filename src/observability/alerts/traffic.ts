import type { LookupEvent } from '../../events.js';
import { LATENCY_MS } from '../metrics/instruments.js';
import { WindowCounts } from './window-counts.js';

/** What a namespace's lookups came to within the window. */
export interface Traffic {
  namespace: string;
  /** Keys looked up. */
  requests: number;
  hits: number;
  corrupt: number;
  lookups: number;
  /** Of the lookups, in milliseconds: as exact as the bounds of `cache_latency_ms` let it be. */
  p95: number;
}

const REQUESTS = 0;
const HITS = 1;
const CORRUPT = 2;
/** Lookups by latency, one count for each bound, and one for those above all of them. */
const LATENCIES = 3;

/** The lookups of one namespace. */
export class NamespaceTraffic {
  readonly #namespace: string;
  readonly #counts: WindowCounts;

  constructor(namespace: string, windowMs: number) {
    this.#namespace = namespace;
    this.#counts = new WindowCounts(LATENCIES + LATENCY_MS.length + 1, windowMs);
  }

  record(now: number, { outcomes, durationMs }: LookupEvent): void {
    const place = LATENCY_MS.findIndex((bound) => durationMs <= bound);
    this.#counts.add(now, LATENCIES + (place === -1 ? LATENCY_MS.length : place), 1);
    let hits = 0;
    let corrupt = 0;
    for (const outcome of outcomes) {
      if (outcome === 'hit') hits += 1;
      else if (outcome === 'corrupt') corrupt += 1;
    }
    this.#counts.add(now, REQUESTS, outcomes.length);
    this.#counts.add(now, HITS, hits);
    this.#counts.add(now, CORRUPT, corrupt);
  }

  read(now: number): Traffic {
    const [requests = 0, hits = 0, corrupt = 0, ...latencies] = this.#counts.sums(now);
    const lookups = latencies.reduce((sum, count) => sum + count, 0);
    return { namespace: this.#namespace, requests, hits, corrupt, lookups, p95: quantileOf(0.95, latencies, lookups) };
  }
}

/**
 * As `histogram_quantile` has it: within a bucket everything is evenly spread, above the last bound
 * nothing is known. NaN of nothing.
 */
function quantileOf(share: number, latencies: readonly number[], total: number): number {
  const rank = share * total;
  let below = 0;
  for (const [place, bound] of LATENCY_MS.entries()) {
    const count = latencies[place] as number;
    if (count > 0 && below + count >= rank) {
      const start = LATENCY_MS[place - 1] ?? 0;
      return start + (bound - start) * ((rank - below) / count);
    }
    below += count;
  }
  return total === 0 ? Number.NaN : (LATENCY_MS.at(-1) as number);
}
