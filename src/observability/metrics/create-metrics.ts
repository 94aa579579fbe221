import * as v from 'valibot';
import loadPromClient from '#optional/prom-client';
import { VecstashError } from '../../errors.js';
import type {
  BreakerEvent,
  DriftEvent,
  LookupEvent,
  ModelEvent,
  Outcome,
  QueueEvent,
  TiersEvent,
  WriteEvent,
} from '../../events.js';
import { checkOptions } from '../../options.js';
import { packageProblem } from '../../packages.js';
import { listen } from '../listen.js';
import { NamespaceLabels } from '../namespace-labels.js';
import { OpenBreakers } from '../open-breakers.js';
import { OpenQueues } from '../open-queues.js';
import { Savings, soundTokens } from '../savings.js';
import {
  type Instruments,
  type MetricsRegistry,
  type PromClient,
  registerInstruments,
  type SizeSource,
} from './instruments.js';

export interface MetricsOptions {
  /** A `Registry` of prom-client that the metrics are entered into. @default a new one */
  registry?: MetricsRegistry | undefined;
  /** Stands before every name, such as `'shop_'`. @default '' */
  prefix?: string | undefined;
  /**
   * What a million tokens cost, for each namespace whose savings are counted in money. @default
   * none
   */
  money?: Record<string, number> | undefined;
  /**
   * What `cache_size_bytes` tells, each under its name as the namespace: `{ memory: () =>
   * backend.bytes }`. They are asked whenever the metrics are read, which waits for them; one that
   * fails is left out of that reading.
   * @default none
   */
  sizes?: Record<string, SizeSource> | undefined;
  /**
   * The most namespaces that get a label of their own; later ones count as 'other'. @default 100
   */
  maxNamespaces?: number | undefined;
}

/** What is used of Node's `ServerResponse`, which Express and others hand over too. */
export interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body?: string): unknown;
}

/** The metrics of every cache in this process. */
export interface Metrics {
  readonly registry: MetricsRegistry;
  /** The content type of `text()`. */
  readonly contentType: string;
  /** All of the registry, in Prometheus' text format. */
  text(): Promise<string>;
  /**
   * The same as an answer of a fetch-style server: `export const GET = () => metrics.response()`.
   */
  response(): Promise<Response>;
  /**
   * The same for `node:http` and what is built on it: `createServer(metrics.handler)`,
   * `app.get('/metrics', metrics.handler)`.
   */
  readonly handler: (request: unknown, response: NodeResponse) => Promise<void>;
  /**
   * Counts a call of a service, as `ObservableCache` does. `method` becomes a label: it must be one
   * of few.
   */
  countServiceCall(method: string, ok: boolean): void;
  /**
   * Hears no more. What was counted can still be read, until the registry is given to another
   * `createMetrics`.
   */
  stop(): void;
}

const optionsSchema = v.strictObject({
  registry: v.optional(v.custom<MetricsRegistry>(isRegistry, 'a Registry of prom-client')),
  prefix: v.optional(
    v.pipe(v.string(), v.regex(/^([a-zA-Z_:][a-zA-Z0-9_:]*)?$/, 'letters, digits, _ and :, no digit first')),
    '',
  ),
  money: v.optional(
    v.record(v.string(), v.pipe(v.number('a price'), v.finite('a price'), v.minValue(0, 'a price'))),
    {},
  ),
  sizes: v.optional(
    v.record(
      v.string(),
      v.custom<SizeSource>((value) => typeof value === 'function', 'a function'),
    ),
    {},
  ),
  maxNamespaces: v.optional(
    v.pipe(v.number(), v.safeInteger('a whole number'), v.minValue(1, 'at least 1 namespace')),
    100,
  ),
});

/**
 * Counts what all caches of this process tell, from now on, as metrics of prom-client.
 *
 * Throws `InvalidOptionError` for options it does not take, a registry that already has such
 * metrics included, and `VecstashError` with the code `PACKAGE_MISSING` where prom-client is not
 * installed.
 */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const { prefix, money, sizes, maxNamespaces, ...checked } = checkOptions(
    optionsSchema,
    options,
    'createMetrics options',
  );
  const client = openPromClient();
  const registry: MetricsRegistry = checked.registry ?? new client.Registry();
  const { instruments, retire } = registerInstruments(client, registry, prefix, sizes);
  const labels = new NamespaceLabels(maxNamespaces, Object.keys(money));
  const stopListening = listen(counting(instruments, labels, new Map(Object.entries(money))));
  const text = () => registry.metrics();
  return {
    registry,
    get contentType() {
      return registry.contentType;
    },
    text,
    async response() {
      return new Response(await text(), { headers: { 'content-type': registry.contentType } });
    },
    async handler(_request, response) {
      try {
        const body = await text();
        response.setHeader('content-type', registry.contentType);
        response.end(body);
      } catch {
        // Of another metric in the user's registry. Node would end the process where nobody waits
        // for the handler.
        response.statusCode = 500;
        response.end();
      }
    },
    countServiceCall(method, ok) {
      instruments.serviceCalls.inc({ method, status: statusOf(ok) });
    },
    stop() {
      stopListening();
      retire();
    },
  };
}

/** The listeners that keep the metrics. */
function counting(metrics: Instruments, labels: NamespaceLabels, money: ReadonlyMap<string, number>) {
  const savings = new Savings();
  const breakers = new OpenBreakers();
  const queues = new OpenQueues();

  const save = (namespace: string, tokens: number) => {
    if (tokens <= 0) return;
    metrics.tokensSaved.inc({ namespace }, tokens);
    const price = money.get(namespace);
    if (price !== undefined) metrics.moneySaved.inc({ namespace }, (tokens * price) / 1e6);
  };

  return {
    lookup({ namespace: name, keys, outcomes, tokens, bytes, durationMs }: LookupEvent) {
      const namespace = labels.of(name);
      const counts: Record<Outcome, number> = { hit: 0, miss: 0, corrupt: 0, unsupported: 0 };
      for (const outcome of outcomes) counts[outcome] += 1;
      // Those of nothing too: a rate of hits needs the series before there is a hit.
      for (const [status, count] of Object.entries(counts)) metrics.requests.inc({ namespace, status }, count);
      metrics.latency.observe({ namespace, operation: 'get' }, durationMs);
      metrics.batchKeys.observe({ namespace }, keys.length);
      metrics.readBytes.inc({ namespace }, bytes);
      save(namespace, savings.recordHits(namespace, counts.hit, tokens));
    },
    write({ namespace: name, operation, bytes, durationMs, ok }: WriteEvent) {
      const namespace = labels.of(name);
      metrics.latency.observe({ namespace, operation }, durationMs);
      if (ok && operation === 'set') metrics.writtenBytes.inc({ namespace }, bytes);
    },
    model({ namespace: name, inputs, tokens: told, durationMs, ok }: ModelEvent) {
      const namespace = labels.of(name);
      metrics.modelCalls.inc({ namespace, status: statusOf(ok) });
      metrics.modelInputs.inc({ namespace }, inputs);
      metrics.latency.observe({ namespace, operation: 'model' }, durationMs);
      const tokens = soundTokens(told);
      if (tokens === undefined) return;
      metrics.modelTokens.inc({ namespace }, tokens);
      save(namespace, savings.recordCall(namespace, inputs, tokens));
    },
    failure({ namespace, operation }: { namespace: string | undefined; operation: string }) {
      metrics.failures.inc({ namespace: labels.of(namespace), operation });
    },
    breaker(event: BreakerEvent) {
      metrics.breakerOpen.set({ what: event.what }, breakers.record(event));
    },
    tiers({ keys, l1, queued, l2 }: TiersEvent) {
      for (const [tier, count] of Object.entries({ l1, queued, l2, missing: keys - l1 - queued - l2 })) {
        metrics.tierKeys.inc({ tier }, count);
      }
    },
    queue(event: QueueEvent) {
      metrics.queueDropped.inc(queues.record(event));
      metrics.queueEntries.set(queues.entries);
      metrics.queueBytes.set(queues.bytes);
      metrics.queueLimitBytes.set(queues.limitBytes);
    },
    drift({ namespace: name, distance, limit, drifted, isOwn }: DriftEvent) {
      const namespace = labels.of(name);
      metrics.driftDistance.set({ namespace }, distance);
      metrics.driftLimit.set({ namespace }, limit);
      // Others count their own; a rate needs the series before there is drift.
      metrics.driftChecks.inc({ namespace, status: 'same' }, Number(isOwn && !drifted));
      metrics.driftChecks.inc({ namespace, status: 'drifted' }, Number(isOwn && drifted));
    },
  };
}

function statusOf(ok: boolean): 'ok' | 'error' {
  return ok ? 'ok' : 'error';
}

function isRegistry(value: unknown): boolean {
  const registry = value as MetricsRegistry | null | undefined;
  return typeof registry?.registerMetric === 'function' && typeof registry.getSingleMetric === 'function';
}

function openPromClient(): PromClient {
  try {
    return loadPromClient() as PromClient;
  } catch (error) {
    throw new VecstashError('PACKAGE_MISSING', packageProblem('createMetrics', 'prom-client', error), { cause: error });
  }
}
