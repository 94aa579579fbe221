import loadPromClient from '#optional/prom-client';
import { createMetrics, type Metrics } from '../../observability/metrics/create-metrics.js';
import { LATENCY_MS, type PromClient } from '../../observability/metrics/instruments.js';

/** What is counted of serve itself, beside the cache's own metrics. */
export interface Counts {
  request(route: string, status: number, durationMs: number): void;
  inputs(hits: number, misses: number): void;
  /** @param status 0 where the upstream did not answer */
  upstream(status: number): void;
  check(isAccepted: boolean): void;
}

export interface ServeMetrics extends Counts {
  handler: Metrics['handler'];
}

/** Throws `VecstashError` where prom-client is not installed. */
export function openMetrics(): ServeMetrics {
  const { registry, handler } = createMetrics();
  const client = loadPromClient() as PromClient;
  const registers = [registry as InstanceType<PromClient['Registry']>];
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new client.Counter<Label>({ name: `serve_${name}_total`, help, labelNames, registers });
  const requests = counter('requests', 'Requests answered', 'route', 'status');
  const inputs = counter('inputs', 'Inputs answered, by where their vectors came from', 'status');
  const upstream = counter('upstream_requests', 'Requests to the upstream; status 0 is no answer', 'status');
  const checks = counter('key_checks', 'Keys that the upstream was asked about', 'status');
  const latency = new client.Histogram({
    name: 'serve_latency_ms',
    help: 'Milliseconds a request took',
    labelNames: ['route'],
    buckets: LATENCY_MS,
    registers,
  });
  return {
    handler,
    request(route, status, durationMs) {
      requests.inc({ route, status });
      latency.observe({ route }, durationMs);
    },
    inputs(hits, misses) {
      inputs.inc({ status: 'hit' }, hits);
      inputs.inc({ status: 'miss' }, misses);
    },
    upstream: (status) => upstream.inc({ status }),
    check: (isAccepted) => checks.inc({ status: isAccepted ? 'accepted' : 'refused' }),
  };
}
