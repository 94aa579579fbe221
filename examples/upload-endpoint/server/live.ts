import type { Metrics } from 'vecstash/observability';
import type { Point, Snapshot } from '../wire.js';
import { type Counters, readCounters, since } from './counters.js';
import type { Desk } from './uploads.js';

const SECOND = 1000;
/** Points that the charts show. */
const POINTS = 300;
/** Seconds that a point tells of. */
const WINDOW = 60;

/** The service itself: through an `ObservableCache` the look at its health would be counted each second. */
export interface LiveSources extends Desk {
  metrics: Metrics;
  /** Whether there is a price, so that money is counted. */
  isPriced: boolean;
}

/** Takes a snapshot each second, and keeps what the charts of a page that opens later need. */
export class Live {
  readonly points: Point[] = [];
  readonly #sources: LiveSources;
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  /** Of the last WINDOW seconds, and one before them. */
  readonly #before: Counters[] = [];
  readonly #timer: NodeJS.Timeout;
  #isTaking = false;
  #base: Counters | undefined;
  #resets = 0;

  constructor(sources: LiveSources) {
    this.#sources = sources;
    this.#timer = setInterval(() => void this.#take(), SECOND);
  }

  /** Hands over each snapshot until the returned function is called. */
  listen(hear: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(hear);
    return () => void this.#listeners.delete(hear);
  }

  async isStoreUp(): Promise<boolean> {
    return (await this.#sources.service.health()).ok;
  }

  /** Empties the cache, and begins all figures anew. */
  async reset(): Promise<void> {
    const { service, uploads, metrics } = this.#sources;
    await service.clear();
    this.#base = await readCounters(metrics);
    this.#before.length = this.points.length = 0;
    this.#resets += 1;
    uploads.reset();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
  }

  async #take(): Promise<void> {
    // A store that does not answer holds up its own snapshot, and no second one beside it.
    if (this.#isTaking) return;
    this.#isTaking = true;
    try {
      // The store is not asked for nobody.
      const isStoreUp = this.#listeners.size === 0 || (await this.isStoreUp());
      const snapshot = this.#snapshotOf(since(await readCounters(this.#sources.metrics), this.#base), isStoreUp);
      for (const hear of this.#listeners) hear(snapshot);
    } finally {
      this.#isTaking = false;
    }
  }

  #snapshotOf(counters: Counters, isStoreUp: boolean): Snapshot {
    const { uploads, models, isPriced } = this.#sources;
    const { hits, misses, hitsOf, readBytes, moneySaved, ...shown } = counters;
    const before = this.#before[0] ?? { hits: 0, misses: 0 };
    this.#before.push(counters);
    if (this.#before.length > WINDOW) this.#before.shift();

    const at = Date.now();
    const hitRate = rateOf(hits - before.hits, misses - before.misses);
    const point: Point = { at, hitRate, ...uploads.percentiles(at) };
    this.points.push(point);
    if (this.points.length > POINTS) this.points.shift();

    const rawOf = (namespace: string, { dimensions }: { dimensions: number }) =>
      4 * dimensions * (hitsOf[namespace] ?? 0);
    const raw = rawOf('text-embeddings', models.texts) + rawOf('image-embeddings', models.images);
    return {
      ...shown,
      point,
      hits,
      misses,
      hitRate: rateOf(hits, misses),
      uploads: { ...uploads.counts },
      moneySaved: isPriced ? moneySaved : null,
      bytes: { read: readBytes, raw },
      isStoreUp,
      batches: [...uploads.batches],
      resets: this.#resets,
    };
  }
}

function rateOf(hits: number, misses: number): number | null {
  return hits + misses === 0 ? null : hits / (hits + misses);
}
