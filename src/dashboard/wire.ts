// What the handler tells the page.

/**
 * A namespace: what it has seen since the cache was made or the last reset, and estimates of what
 * its hits saved.
 */
export interface NamespaceFigures extends Saved {
  name: string;
  hits: number;
  misses: number;
  corrupt: number;
  unsupported: number;
  fills: number;
  errors: number;
  bytesRead: number;
  bytesWritten: number;
}

/** Estimates from the mean call of the model so l2; null where no call told of it. */
export interface Saved {
  tokensSaved: number | null;
  /** null where no price is known either. */
  moneySaved: number | null;
  /** Milliseconds that the model would have taken. */
  timeSaved: number | null;
}

/** Milliseconds; null where there was none. */
export interface Latency {
  p50: number | null;
  p95: number | null;
}

/** Ten seconds. */
export interface Bucket extends Latency {
  /** Its beginning, in milliseconds since 1970. */
  at: number;
  hits: number;
  misses: number;
}

/** Failures that are alike, the last of them at `at`. `error` tells no key and no value. */
export interface Failure {
  at: number;
  namespace: string | null;
  operation: string;
  error: string;
  count: number;
}

export interface DashboardData {
  title: string;
  currency: string;
  /** Whether there is a price, so that money is shown. */
  isPriced: boolean;
  /** Whether the page may reset figures and clear namespaces. */
  actions: boolean;
  at: number;
  /** Since when events are counted. */
  since: number;
  health: { ok: boolean; latencyMs: number | null; detail: string | null; engine: string | null };
  namespaces: NamespaceFigures[];
  lookup: Latency;
  model: Latency & { calls: number; inputs: number };
  /** Where keys were found; null where no `HybridBackend` was read. */
  tiers: { l1: number; queued: number; l2: number; missing: number } | null;
  /** Names of circuit breakers, and how many of each are open. */
  breakers: [what: string, open: number][];
  /** Of write-behind; null where there is none. */
  queue: { entries: number; bytes: number; limitBytes: number; dropped: number } | null;
  failures: Failure[];
  history: Bucket[];
}
