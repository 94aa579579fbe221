import type { Condition } from './alert.js';
import type { Traffic } from './traffic.js';

/** From where on something is wrong. */
export interface AlertThresholds {
  /** The least share of keys that are found. @default 0.4 */
  hitRate?: number | undefined;
  /** With fewer keys looked up within the window nothing is said of the hit rate. @default 100 */
  requests?: number | undefined;
  /**
   * The most that the p95 of lookups may be, in milliseconds. Exact where it is a bound of
   * `cache_latency_ms`. @default 100
   */
  latencyMs?: number | undefined;
  /** With fewer lookups within the window nothing is said of the latency. @default 20 */
  lookups?: number | undefined;
  /** The most corrupt records within the window. @default 0 */
  corrupt?: number | undefined;
  /**
   * The most that the write-behind queues may be filled, as a share of what they take. @default 0.9
   */
  queueFill?: number | undefined;
  /** The most entries that they may lose within the window. @default 0 */
  queueDrops?: number | undefined;
}

/** All of them, known. */
export type Thresholds = { [Name in keyof AlertThresholds]-?: number };

/** The same as in deploy/prometheus/vecstash.rules.yml. */
export const THRESHOLDS: Thresholds = {
  hitRate: 0.4,
  requests: 100,
  latencyMs: 100,
  lookups: 20,
  corrupt: 0,
  queueFill: 0.9,
  queueDrops: 0,
};

const MINUTE = 60_000;

/** What is wrong with a namespace, or is not. */
export function conditionsOf(traffic: Traffic, thresholds: Thresholds): Condition[] {
  const { namespace, requests, hits, corrupt, lookups, p95 } = traffic;
  const { hitRate, latencyMs } = thresholds;
  const labels = { namespace };
  const rate = hits / requests;
  return [
    {
      name: 'VecstashHitRateLow',
      severity: 'warning',
      labels,
      value: rate,
      threshold: hitRate,
      isMet: requests >= thresholds.requests && rate < hitRate,
      holdMs: 5 * MINUTE,
      account: `cache hit rate of ${namespace} is ${percent(rate)}, under ${percent(hitRate)}`,
    },
    {
      name: 'VecstashLatencyHigh',
      severity: 'warning',
      labels,
      value: p95,
      threshold: latencyMs,
      isMet: lookups >= thresholds.lookups && p95 > latencyMs,
      holdMs: 5 * MINUTE,
      account: `cache lookups in ${namespace} are slow: p95 ${Math.round(p95)} ms, over ${latencyMs} ms`,
    },
    {
      name: 'VecstashCorruptRecords',
      severity: 'critical',
      labels,
      value: corrupt,
      threshold: thresholds.corrupt,
      isMet: corrupt > thresholds.corrupt,
      holdMs: 0,
      account: `${corrupt} corrupt cache records in ${namespace}`,
    },
  ];
}

export function breakerCondition(what: string, open: number): Condition {
  return {
    name: 'VecstashBreakerOpen',
    severity: 'critical',
    labels: { what },
    value: open,
    threshold: 0,
    isMet: open > 0,
    holdMs: MINUTE,
    account: `cache ${what} are cut off: ${open} open breakers`,
  };
}

/** @param fill how much of what the queues take is taken; NaN where there is none */
export function queueConditions(fill: number, drops: number, thresholds: Thresholds): Condition[] {
  return [
    {
      name: 'VecstashQueueFull',
      severity: 'warning',
      labels: { cause: 'limit' },
      value: fill,
      threshold: thresholds.queueFill,
      isMet: fill > thresholds.queueFill,
      holdMs: MINUTE,
      account: `write-behind queue is ${percent(fill)} full`,
    },
    {
      name: 'VecstashQueueFull',
      severity: 'critical',
      labels: { cause: 'drops' },
      value: drops,
      threshold: thresholds.queueDrops,
      isMet: drops > thresholds.queueDrops,
      holdMs: 0,
      account: `write-behind queue lost ${drops} entries`,
    },
  ];
}

/** @param distance how far the canaries moved, from `limit` on they have */
export function driftCondition(namespace: string, drifted: boolean, distance: number, limit: number): Condition {
  return {
    name: 'VecstashDrift',
    severity: 'critical',
    labels: { namespace },
    value: Number(drifted),
    threshold: 0,
    isMet: drifted,
    holdMs: 0,
    account: `the model of ${namespace} drifted: its vectors moved by ${distance.toFixed(3)}, over ${limit.toFixed(3)}`,
  };
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
