/** 'vecstash/metrics': what the cache tells, as Prometheus metrics, log lines, OpenTelemetry spans and alerts. */
export { createMetrics, type Metrics, type MetricsOptions } from './create-metrics.js';
export { type LogContext, withLogContext } from './log-context.js';
export { type EventLogger, type LogEventsOptions, logEvents } from './logging.js';
export { ObservableCache, type ObservableCacheOptions } from './observable-cache.js';
export {
  type EventSpan,
  type EventSpanOptions,
  type EventTracer,
  type TraceEventsOptions,
  traceEvents,
} from './tracing.js';
export type { Alert, AlertName } from './watch/alert.js';
export type { AlertThresholds } from './watch/conditions.js';
export { type AlertWatcher, type WatchAlertsOptions, watchAlerts } from './watch-alerts.js';
