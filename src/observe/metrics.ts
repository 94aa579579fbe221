/** 'vecstash/metrics': what the cache tells, as Prometheus metrics and as log lines. */
export { createMetrics, type Metrics, type MetricsOptions } from './create-metrics.js';
export { type LogContext, withLogContext } from './log-context.js';
export { type EventLogger, type LogEventsOptions, logEvents } from './logging.js';
export { ObservableCache, type ObservableCacheOptions } from './observable-cache.js';
