/**
 * 'vecstash/observability', with the alias 'vecstash/metrics': what the cache tells, as Prometheus
 * metrics, log lines, OpenTelemetry spans and alerts.
 */

export type { Alert, AlertName } from './alerts/alert.js';
export type { AlertThresholds } from './alerts/conditions.js';
export { type AlertWatcher, type WatchAlertsOptions, watchAlerts } from './alerts/watch-alerts.js';
export { type LogContext, withLogContext } from './logging/log-context.js';
export { type EventLogger, type LogEventsOptions, logEvents } from './logging/log-events.js';
export { createMetrics, type Metrics, type MetricsOptions, type NodeResponse } from './metrics/create-metrics.js';
export type { MetricsRegistry } from './metrics/instruments.js';
export { ObservableCache, type ObservableCacheOptions } from './observable-cache.js';
export {
  type EventSpan,
  type EventSpanOptions,
  type EventTracer,
  type TraceEventsOptions,
  traceEvents,
} from './tracing.js';
