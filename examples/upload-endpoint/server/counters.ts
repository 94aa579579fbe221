import type { Metrics } from 'vecstash/observability';
import type { Breaker, Tiers } from '../wire.js';

/** What the page shows of the metrics: the same numbers as /api/metrics has. */
export interface Counters {
  hits: number;
  misses: number;
  hitsOf: Record<string, number>;
  readBytes: number;
  tokensSaved: number | null;
  moneySaved: number;
  tiers: Tiers;
  breakers: Breaker[];
}

interface Series {
  labels: Partial<Record<string, string | number>>;
  value: number;
}

export async function readCounters({ registry }: Metrics): Promise<Counters> {
  const all = (await registry.getMetricsAsJSON()) as unknown as { name: string; values: Series[] }[];
  const seriesOf = (name: string) => all.find((metric) => metric.name === name)?.values ?? [];
  const sum = (series: Series[]) => series.reduce((total, { value }) => total + value, 0);
  const labelled = (name: string, label: string, value: string) =>
    sum(seriesOf(name).filter(({ labels }) => labels[label] === value));

  const requests = seriesOf('cache_requests_total');
  const hitSeries = requests.filter(({ labels }) => labels.status === 'hit');
  const hits = sum(hitSeries);
  const tier = (name: keyof Tiers) => labelled('cache_tier_keys_total', 'tier', name);
  return {
    hits,
    misses: sum(requests) - hits,
    hitsOf: Object.fromEntries(hitSeries.map(({ labels, value }) => [labels.namespace, value])),
    readBytes: sum(seriesOf('cache_read_bytes_total')),
    // Where no model told of tokens there is nothing known to be saved, which is not the same as 0.
    tokensSaved: seriesOf('cache_model_tokens_total').length > 0 ? sum(seriesOf('cache_tokens_saved_total')) : null,
    moneySaved: sum(seriesOf('cache_money_saved_total')),
    tiers: { l1: tier('l1'), queued: tier('queued'), l2: tier('l2'), missing: tier('missing') },
    breakers: ['reads', 'writes'].map((what) => ({ what, isOpen: labelled('cache_breaker_open', 'what', what) > 0 })),
  };
}

/** What came after `before`, an earlier reading: Prometheus' counters are never set back themselves. */
export function since(now: Counters, before: Counters | undefined): Counters {
  if (before === undefined) return now;
  return {
    hits: now.hits - before.hits,
    misses: now.misses - before.misses,
    hitsOf: less(now.hitsOf, before.hitsOf),
    readBytes: now.readBytes - before.readBytes,
    tokensSaved: now.tokensSaved === null ? null : now.tokensSaved - (before.tokensSaved ?? 0),
    moneySaved: now.moneySaved - before.moneySaved,
    tiers: less(now.tiers, before.tiers),
    breakers: now.breakers,
  };
}

function less<K extends string>(now: Record<K, number>, before: Record<K, number>): Record<K, number> {
  const entries = Object.entries(now) as [K, number][];
  return Object.fromEntries(entries.map(([key, value]) => [key, value - (before[key] ?? 0)])) as Record<K, number>;
}
