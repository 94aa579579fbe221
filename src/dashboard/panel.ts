import type { NamespaceStats } from '../cache/stats.js';
import { Collector } from './collector.js';
import type { DashboardCache } from './types.js';
import type { DashboardData, NamespaceFigures } from './wire.js';

/** How long what a probe found is shown to everybody who looks, in milliseconds. */
const PROBE_MS = 2000;

export interface PanelOptions {
  title: string;
  price?: number | Record<string, number> | undefined;
  currency: string;
  actions: boolean;
}

/** The figures of one cache, and what may be done to it. */
export class Panel {
  readonly options: PanelOptions;
  readonly #cache: DashboardCache;
  readonly #collector: Collector;
  #before: Record<string, NamespaceStats> = {};
  #probe: { at: number; health: ReturnType<DashboardCache['health']> } | undefined;

  constructor(cache: DashboardCache, options: PanelOptions) {
    this.options = options;
    this.#cache = cache;
    const { price } = options;
    this.#collector = new Collector(
      (namespace) => Object.hasOwn(cache.stats(), namespace),
      (namespace) => (typeof price === 'object' ? price[namespace] : price),
    );
  }

  async data(): Promise<DashboardData> {
    const { title, currency, actions, price } = this.options;
    const { ok, latencyMs, detail = null, engine = null } = await this.#health();
    const at = Date.now();
    return {
      title,
      currency,
      isPriced: price !== undefined,
      actions,
      at,
      health: { ok, latencyMs: Number.isNaN(latencyMs) ? null : latencyMs, detail, engine },
      namespaces: Object.entries(this.#cache.stats()).map(([name, stats]) => this.#namespace(name, stats)),
      ...this.#collector.collected(at),
    };
  }

  /** Begins all figures anew. The cache keeps its entries. */
  reset(): void {
    this.#before = this.#cache.stats();
    this.#collector.reset();
  }

  /**
   * Removes the entries of a namespace that the cache has; undefined where it has none of this
   * name, or nothing to clear with.
   */
  async clear(namespace: string): Promise<number | undefined> {
    if (!Object.hasOwn(this.#cache.stats(), namespace)) return undefined;
    return this.#cache.clear?.(namespace);
  }

  stop(): void {
    this.#collector.stop();
  }

  #namespace(name: string, stats: NamespaceStats): NamespaceFigures {
    const before = this.#before[name];
    const figures = Object.fromEntries(
      Object.entries(stats)
        .filter(([, value]) => typeof value === 'number')
        .map(([key, value]) => [key, value - (before?.[key as keyof NamespaceStats] ?? 0)]),
    ) as unknown as NamespaceStats;
    return { name, ...figures, ...this.#collector.savedBy(name) };
  }

  #health(): ReturnType<DashboardCache['health']> {
    const now = performance.now();
    if (this.#probe === undefined || now - this.#probe.at > PROBE_MS) {
      const health = Promise.resolve(this.#cache.health());
      this.#probe = { at: now, health };
    }
    return this.#probe.health;
  }
}
