import type { Metric } from 'prom-client';
import { InvalidOptionError } from '../../errors.js';

export type PromClient = typeof import('prom-client');

/**
 * What is used of a `Registry` of prom-client, for either format. It stands here so that logs and
 * traces do not need prom-client's types.
 */
export interface MetricsRegistry {
  readonly contentType: string;
  /** All metrics as text, in the registry's format. */
  metrics(): Promise<string>;
  /** Each metric with its `name` and its `values`. */
  getMetricsAsJSON(): Promise<object[]>;
  getSingleMetric(name: string): object | undefined;
  registerMetric(metric: object): void;
  removeSingleMetric(name: string): void;
}

/** Tells how many bytes something takes, when it is asked. */
export type SizeSource = () => number | Promise<number>;

export type Instruments = ReturnType<typeof defineInstruments>['instruments'];

/** The bounds of latencies, in milliseconds: from a cache in memory to a model that is slow. */
export const LATENCY_MS = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

const BATCH_KEYS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/** Metrics that nobody feeds any more, whose names are free again. */
const retired = new WeakSet<object>();

/**
 * Makes the metrics and enters all of them into the registry, or none: throws `InvalidOptionError`
 * where one of the names is taken. `retire` leaves them there to be read and frees their names.
 */
export function registerInstruments(
  client: PromClient,
  registry: MetricsRegistry,
  prefix: string,
  sizes: Record<string, SizeSource>,
): { instruments: Instruments; retire: () => void } {
  const { instruments, metrics } = defineInstruments(client, prefix, sizes);
  for (const name of metrics.keys()) {
    const other = registry.getSingleMetric(name);
    if (other === undefined || retired.has(other)) continue;
    throw new InvalidOptionError(
      'registry',
      'a registry without metrics of these names (share one createMetrics, or give each a prefix)',
      `one that has ${name}`,
    );
  }
  for (const [name, metric] of metrics) {
    registry.removeSingleMetric(name);
    registry.registerMetric(metric);
  }
  return {
    instruments,
    retire() {
      for (const metric of metrics.values()) retired.add(metric);
    },
  };
}

function defineInstruments(client: PromClient, prefix: string, sizes: Record<string, SizeSource>) {
  const metrics = new Map<string, Metric>();
  const enter = <M>(name: string, metric: M): M => {
    metrics.set(name, metric as Metric);
    return metric;
  };
  const settings = <Label extends string>(name: string, help: string, labelNames: Label[]) => ({
    name: prefix + name,
    help,
    labelNames,
    registers: [],
  });
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    enter(prefix + name, new client.Counter<Label>(settings(name, help, labelNames)));
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    enter(prefix + name, new client.Gauge<Label>(settings(name, help, labelNames)));
  const histogram = <Label extends string>(name: string, buckets: number[], help: string, ...labelNames: Label[]) =>
    enter(prefix + name, new client.Histogram<Label>({ ...settings(name, help, labelNames), buckets }));

  const instruments = {
    requests: counter('cache_requests_total', 'Keys looked up, by what became of them', 'namespace', 'status'),
    latency: histogram('cache_latency_ms', LATENCY_MS, 'Milliseconds a call took', 'namespace', 'operation'),
    batchKeys: histogram('cache_batch_keys', BATCH_KEYS, 'Distinct keys of a lookup', 'namespace'),
    readBytes: counter('cache_read_bytes_total', 'Bytes of the records found', 'namespace'),
    writtenBytes: counter('cache_written_bytes_total', 'Bytes of the records written', 'namespace'),
    failures: counter('cache_failures_total', 'Calls to the backend that failed', 'namespace', 'operation'),
    breakerOpen: gauge('cache_breaker_open', 'Circuit breakers that are open', 'what'),
    tierKeys: counter('cache_tier_keys_total', 'Keys read through tiers, by where they were found', 'tier'),
    queueEntries: gauge('cache_queue_entries', 'Entries that wait for L2'),
    queueBytes: gauge('cache_queue_bytes', 'Bytes that wait for L2'),
    queueLimitBytes: gauge('cache_queue_limit_bytes', 'The most bytes that may wait for L2'),
    queueDropped: counter('cache_queue_dropped_total', 'Entries that were lost on their way to L2'),
    modelCalls: counter('cache_model_calls_total', 'Calls of the model', 'namespace', 'status'),
    modelInputs: counter('cache_model_inputs_total', 'Inputs that the model was given', 'namespace'),
    modelTokens: counter('cache_model_tokens_total', 'Tokens that the model said it took', 'namespace'),
    tokensSaved: counter(
      'cache_tokens_saved_total',
      'Tokens that hits saved, as their records say, or by the mean of an input',
      'namespace',
    ),
    moneySaved: counter('cache_money_saved_total', 'What the tokens saved would have cost', 'namespace'),
    driftDistance: gauge('cache_drift_distance', 'How far the canaries moved, as a share of their length', 'namespace'),
    driftLimit: gauge('cache_drift_limit', 'From where on a canary has moved', 'namespace'),
    driftChecks: counter('cache_drift_checks_total', 'Checks for drift, by what they found', 'namespace', 'status'),
    serviceCalls: counter('cache_service_calls_total', 'Calls of an ObservableCache', 'method', 'status'),
  };
  const size = new client.Gauge<'namespace'>({
    ...settings('cache_size_bytes', 'Bytes held, as the given sources tell', ['namespace']),
    collect() {
      return readSizes(this, sizes);
    },
  });
  enter(`${prefix}cache_size_bytes`, size);
  return { instruments, metrics };
}

/** A source that fails costs its own series, not all the metrics. */
async function readSizes(
  gauge: { set(labels: { namespace: string }, value: number): void; remove(labels: { namespace: string }): void },
  sizes: Record<string, SizeSource>,
): Promise<void> {
  const read = async ([namespace, source]: [string, SizeSource]) => {
    try {
      gauge.set({ namespace }, await source());
    } catch {
      gauge.remove({ namespace });
    }
  };
  await Promise.all(Object.entries(sizes).map(read));
}
