import type { FailureEvent, LookupEvent, ModelEvent } from '../events.js';
import { listen } from '../observability/listen.js';
import { OpenBreakers } from '../observability/open-breakers.js';
import { OpenQueues } from '../observability/open-queues.js';
import { Savings, soundTokens } from '../observability/savings.js';
import { Histogram } from './histogram.js';
import { History } from './history.js';
import type { DashboardData, Failure, Saved } from './wire.js';

/** Failures that are listed. */
const LISTED = 20;

/**
 * Dollars, or whatever the currency is, for a million tokens of a namespace; undefined where there
 * is no price.
 */
export type PriceOf = (namespace: string) => number | undefined;

type Collected = Pick<
  DashboardData,
  'since' | 'lookup' | 'model' | 'tiers' | 'breakers' | 'queue' | 'failures' | 'history'
>;

/** Counts what the caches of this process tell. */
export class Collector {
  readonly #isOurs: (namespace: string) => boolean;
  readonly #priceOf: PriceOf;
  readonly #stop: () => void;
  // What is open stays open over a reset.
  readonly #breakers = new OpenBreakers();
  readonly #queues = new OpenQueues();
  #hasQueue = false;
  #counts = emptyCounts();

  /** @param isOurs tells the namespaces of the cache from those of others */
  constructor(isOurs: (namespace: string) => boolean, priceOf: PriceOf) {
    this.#isOurs = isOurs;
    this.#priceOf = priceOf;
    this.#stop = listen({
      lookup: (event) => this.#isOurs(event.namespace) && this.#lookup(event),
      model: (event) => this.#isOurs(event.namespace) && this.#model(event),
      failure: (event) => (event.namespace === undefined || this.#isOurs(event.namespace)) && this.#failure(event),
      breaker: (event) => this.#breakers.record(event),
      tiers: ({ keys, l1, queued, l2 }) => {
        this.#counts.tiers ??= { l1: 0, queued: 0, l2: 0, missing: 0 };
        const { tiers } = this.#counts;
        tiers.l1 += l1;
        tiers.queued += queued;
        tiers.l2 += l2;
        tiers.missing += keys - l1 - queued - l2;
      },
      queue: (event) => {
        this.#hasQueue = true;
        this.#counts.dropped += this.#queues.record(event);
      },
    });
  }

  collected(now: number): Collected {
    const { since, lookups, calls, inputs, callTimes, tiers, dropped, failures, history } = this.#counts;
    const { entries, bytes, limitBytes } = this.#queues;
    return {
      since,
      lookup: lookups.latency(),
      model: { ...callTimes.latency(), calls, inputs },
      tiers: tiers ?? null,
      breakers: this.#breakers.counts,
      queue: this.#hasQueue ? { entries, bytes, limitBytes, dropped } : null,
      failures,
      history: history.buckets(now),
    };
  }

  savedBy(namespace: string): Saved {
    const saved = this.#counts.saved.get(namespace);
    const price = this.#priceOf(namespace);
    const tokensSaved = saved?.tokens ?? null;
    return {
      tokensSaved,
      moneySaved: tokensSaved === null || price === undefined ? null : (tokensSaved * price) / 1e6,
      timeSaved: saved?.time ?? null,
    };
  }

  reset(): void {
    this.#counts = emptyCounts();
  }

  stop(): void {
    this.#stop();
  }

  #lookup({ namespace, outcomes, tokens: told, durationMs }: LookupEvent): void {
    const hits = outcomes.filter((outcome) => outcome === 'hit').length;
    const { lookups, history, tokens, time } = this.#counts;
    lookups.add(durationMs);
    history.add(Date.now(), hits, outcomes.length - hits, durationMs);
    const saved = this.#savedOf(namespace);
    const inTokens = tokens.recordHits(namespace, hits, told);
    // Without a call of the model records alone tell of tokens.
    if (saved.tokens !== null || inTokens > 0) saved.tokens = (saved.tokens ?? 0) + inTokens;
    const inTime = time.recordHits(namespace, hits);
    if (saved.time !== null) saved.time += inTime;
  }

  #model({ namespace, inputs, tokens: told, durationMs, ok }: ModelEvent): void {
    const counts = this.#counts;
    counts.calls += 1;
    counts.inputs += inputs;
    if (!ok) return;
    counts.callTimes.add(durationMs);
    const saved = this.#savedOf(namespace);
    saved.time = (saved.time ?? 0) + counts.time.recordCall(namespace, inputs, durationMs);
    const tokens = soundTokens(told);
    if (tokens !== undefined) saved.tokens = (saved.tokens ?? 0) + counts.tokens.recordCall(namespace, inputs, tokens);
  }

  #failure({
    namespace = null,
    operation,
    error,
  }: Omit<FailureEvent, 'namespace'> & { namespace?: string | null | undefined }): void {
    const { failures } = this.#counts;
    const alike = failures.findIndex(
      (known) => known.error === error && known.operation === operation && known.namespace === namespace,
    );
    const [known] = alike === -1 ? [] : failures.splice(alike, 1);
    failures.unshift({ at: Date.now(), namespace, operation, error, count: (known?.count ?? 0) + 1 });
    failures.length = Math.min(failures.length, LISTED);
  }

  #savedOf(namespace: string) {
    const known = this.#counts.saved.get(namespace) ?? { tokens: null, time: null };
    this.#counts.saved.set(namespace, known);
    return known;
  }
}

function emptyCounts() {
  return {
    since: Date.now(),
    lookups: new Histogram(),
    history: new History(),
    calls: 0,
    inputs: 0,
    callTimes: new Histogram(),
    tiers: undefined as NonNullable<DashboardData['tiers']> | undefined,
    dropped: 0,
    failures: [] as Failure[],
    tokens: new Savings(),
    time: new Savings(),
    saved: new Map<string, { tokens: number | null; time: number | null }>(),
  };
}
