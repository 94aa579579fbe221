export type AlertName =
  | 'VecstashHitRateLow'
  | 'VecstashLatencyHigh'
  | 'VecstashCorruptRecords'
  | 'VecstashBreakerOpen'
  | 'VecstashQueueFull'
  | 'VecstashDrift';

/**
 * What is told when something is wrong, and again when it no longer is. The names are those of the
 * Prometheus rules.
 */
export interface Alert {
  name: AlertName;
  state: 'firing' | 'resolved';
  severity: 'warning' | 'critical';
  /**
   * What it is about: `namespace`, or the breakers' `what`, or the `cause` of a full queue, 'limit'
   * or 'drops'.
   */
  labels: Record<string, string>;
  /** What was measured when it was last over the threshold: a share, milliseconds, or a count. */
  value: number;
  threshold: number;
  /** The time of day, as ISO 8601 has it. */
  startedAt: string;
  /** When it was resolved. */
  endedAt?: string;
  /** All of it in a line. */
  text: string;
}

/** One thing that is watched, as it is now. */
export interface Condition extends Pick<Alert, 'name' | 'severity' | 'labels' | 'value' | 'threshold'> {
  isMet: boolean;
  /** How long it must be met until it is told, in milliseconds. */
  holdMs: number;
  /** What `value` and `threshold` mean, in words. */
  account: string;
}
