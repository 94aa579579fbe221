import * as v from 'valibot';
import { atMost } from '../async/deadline.js';
import type { Cache } from '../cache/cache.js';
import type { EmbedCallOptions } from '../cache/embeddings.js';
import type { Values } from '../cache/values.js';
import { EmbedError } from '../errors.js';
import { quietly } from '../events.js';
import { checkOptions, ttlSchema } from '../options.js';
import { performance, sleep } from '../runtime.js';
import type { Ttl } from '../ttl.js';
import { POPULAR_QUERIES, PopularQueries, type PopularQuery } from './popular-queries.js';
import { Schedule } from './schedule.js';

/** How far a warming has come. */
export interface WarmingProgress {
  /** Queries to warm, each counted once. */
  total: number;
  done: number;
  /** Of `done`: the cache had them. */
  known: number;
  /** Of `done`: the model gave them. */
  computed: number;
  /** Of `done`: the model failed. */
  failed: number;
}

/** What a warming did. */
export interface WarmingReport extends WarmingProgress {
  /**
   * 'elsewhere': another instance does it; 'stopped': by `close`, a signal, a lost lease, or a
   * model that failed again and again.
   */
  outcome: 'done' | 'elsewhere' | 'stopped';
  /**
   * Hits per lookup to expect of the queries that were done, each weighing as often as it is asked;
   * NaN where there were none.
   */
  hitRateBefore: number;
  hitRateAfter: number;
  durationMs: number;
}

export interface WarmingOptions {
  /** The queries of each user that are warmed: those it asks most. @default 20 */
  queries?: number | undefined;
  /** How often. @default '6h' */
  every?: Ttl | undefined;
  /** Tells one deployment from another: a new one warms at its start. @default '' */
  deployment?: string | undefined;
  /** The users whose queries are counted: those who searched last. @default 1000 */
  users?: number | undefined;
  /** The time in which a count loses half of its weight. @default '1d' */
  halfLife?: Ttl | undefined;
  /**
   * Called after each step of a warming, whoever began it. What it throws, or rejects with, is
   * lost.
   */
  onProgress?: ((progress: WarmingProgress) => void) | undefined;
  /** Whether warmings begin by themselves. @default true */
  scheduled?: boolean | undefined;
}

/** Options of one warming. */
export interface WarmingCallOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: WarmingProgress) => void) | undefined;
}

type EmbedTexts = (texts: readonly string[], options: EmbedCallOptions) => Promise<unknown>;

const LEASE = 'warming';

const count = v.pipe(v.number(), v.integer('a whole number'), v.minValue(1));

const optionsSchema = v.strictObject({
  queries: v.optional(v.pipe(count, v.maxValue(64)), 20),
  every: v.optional(ttlSchema, '6h'),
  deployment: v.optional(v.string(), ''),
  users: v.optional(v.pipe(count, v.maxValue(100_000)), 1000),
  halfLife: v.optional(ttlSchema, '1d'),
  onProgress: v.optional(
    v.custom<NonNullable<WarmingOptions['onProgress']>>((f) => typeof f === 'function', 'a function'),
  ),
  scheduled: v.optional(v.boolean(), true),
});

/** Queries that are embedded at a time: live traffic waits for no more than these. */
const STEP = 16;

/** Steps in a row that the model may fail before the warming gives up. */
const MAX_FAILURES = 3;

/** How often counts are shared, in milliseconds. */
const SHARING = 60_000;

/** Milliseconds from the start of an instance to its first look whether a warming is due. */
const FIRST_LOOK = 1000;

/**
 * Milliseconds after which an instance looks again whether the one that was warming has done it.
 */
const NEXT_LOOK = 60_000;

/** How long `close` waits for the store, in milliseconds. */
const CLOSE_TIMEOUT = 2_000;

/** The warming that was done last, as all instances see it. */
interface Done {
  deployment: string;
  at: number;
}

const LAST = 'last-warming';

/**
 * Warms the queries that users ask most, in one instance at a time: after a deployment, and then at
 * an interval.
 */
export class Warming {
  readonly #cache: Cache;
  readonly #embed: EmbedTexts;
  readonly #options: v.InferOutput<typeof optionsSchema>;
  readonly #popular: PopularQueries;
  readonly #last: Values<Done>;
  readonly #closing = new AbortController();
  readonly #schedules: Schedule[];

  constructor(cache: Cache, embed: EmbedTexts, options: WarmingOptions) {
    this.#cache = cache;
    this.#embed = embed;
    this.#options = checkOptions(optionsSchema, options, 'warming');
    this.#popular = new PopularQueries(cache, this.#options);
    this.#last = cache.values(POPULAR_QUERIES);
    const share = () => this.#popular.share().then(() => SHARING);
    this.#schedules = [new Schedule(SHARING, share)];
    if (this.#options.scheduled) this.#schedules.push(new Schedule(FIRST_LOOK, () => this.#warmWhereDue()));
  }

  count(userId: string, query: string): void {
    this.#popular.count(userId, query);
  }

  /**
   * Warms now, unless another instance does. Rejects with `BackendError` where the backend could
   * not tell.
   */
  async warm(options: WarmingCallOptions = {}): Promise<WarmingReport> {
    const report = await this.#cache.exclusively(LEASE, (lost) => this.#run(options, lost));
    return report ?? reportOf('elsewhere', new Tally(0), 0);
  }

  /** Ends what is under way and shares what was counted, within 2 seconds. */
  async close(): Promise<void> {
    this.#closing.abort();
    const stopped = Promise.all(this.#schedules.map((schedule) => schedule.stop()));
    await atMost(
      CLOSE_TIMEOUT,
      stopped.then(() => this.#popular.share()),
    );
  }

  /** Resolves to the milliseconds until it is to be looked at again. */
  async #warmWhereDue(): Promise<number> {
    const wait = await this.#dueIn();
    if (wait > 0) return wait;
    const report = await this.#cache.exclusively(LEASE, async (lost) => {
      // Another instance may have done it since.
      if ((await this.#dueIn()) <= 0) return this.#run({}, lost);
      return undefined;
    });
    return report?.outcome === 'done' ? this.#options.every : NEXT_LOOK;
  }

  async #dueIn(): Promise<number> {
    const last = await this.#last.get(LAST);
    if (last?.deployment !== this.#options.deployment) return 0;
    return last.at + this.#options.every - Date.now();
  }

  async #run({ signal, onProgress }: WarmingCallOptions, lost: AbortSignal): Promise<WarmingReport> {
    const startedAt = performance.now();
    const stop = AbortSignal.any([this.#closing.signal, lost, ...(signal ? [signal] : [])]);
    const queries = await this.#popular.top(this.#options.queries);
    const tally = new Tally(queries.length);
    let failures = 0;
    for (let at = 0; at < queries.length && failures < MAX_FAILURES && !stop.aborted; at += STEP) {
      const stepAt = performance.now();
      const isAnswered = await this.#warmSome(queries.slice(at, at + STEP), tally, stop);
      failures = isAnswered ? 0 : failures + 1;
      for (const tell of [onProgress, this.#options.onProgress]) quietly(() => tell?.({ ...tally.progress }));
      // As long again as the step took belongs to live traffic.
      await sleep(performance.now() - stepAt, { signal: stop }).catch(() => {});
    }
    const outcome = tally.progress.done === queries.length && failures < MAX_FAILURES ? 'done' : 'stopped';
    const { deployment, every } = this.#options;
    if (outcome === 'done') await this.#last.set(LAST, { deployment, at: Date.now() }, { ttl: every });
    return reportOf(outcome, tally, performance.now() - startedAt);
  }

  /** Whether the model answered, or was not needed. */
  async #warmSome(queries: PopularQuery[], tally: Tally, signal: AbortSignal): Promise<boolean> {
    let found = new Uint8Array(queries.length);
    let failed: readonly number[] = [];
    const onLookup = (places: Uint8Array) => {
      found = Uint8Array.from(places);
    };
    try {
      await this.#embed(
        queries.map(({ query }) => query),
        { signal, onLookup },
      );
    } catch (error) {
      // What was under way is not known to be there.
      if (signal.aborted) return true;
      failed = error instanceof EmbedError ? error.indices : [...queries.keys()];
    }
    queries.forEach(({ weight }, i) => {
      tally.enter(found[i] === 1 ? 'known' : failed.includes(i) ? 'failed' : 'computed', weight);
    });
    return failed.length === 0;
  }
}

/** What became of the queries of one warming, and how much they weigh. */
class Tally {
  readonly progress: WarmingProgress;
  readonly weights = { known: 0, computed: 0, failed: 0 };

  constructor(total: number) {
    this.progress = { total, done: 0, known: 0, computed: 0, failed: 0 };
  }

  enter(fate: 'known' | 'computed' | 'failed', weight: number): void {
    this.progress.done += 1;
    this.progress[fate] += 1;
    this.weights[fate] += weight;
  }
}

function reportOf(outcome: WarmingReport['outcome'], { progress, weights }: Tally, durationMs: number): WarmingReport {
  const { known, computed, failed } = weights;
  const all = known + computed + failed;
  return { ...progress, outcome, hitRateBefore: known / all, hitRateAfter: (known + computed) / all, durationMs };
}
