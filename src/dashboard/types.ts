import type { BackendHealth } from '../backends/backend.js';
import type { NamespaceStats } from '../cache/stats.js';
import type { NodeResponse } from '../observability/metrics/create-metrics.js';

/** What a dashboard shows: a `Cache`, a `CacheService`, or whatever has these methods. */
export interface DashboardCache {
  stats(): Record<string, NamespaceStats>;
  health(): Promise<BackendHealth & { engine?: string | undefined }>;
  /** What the action 'clear' calls. */
  clear?(namespace?: string): Promise<number>;
}

export interface DashboardOptions {
  /** The heading. @default 'Cache' */
  title?: string | undefined;
  /**
   * What a million tokens cost, for all namespaces or for each: then money saved is shown. @default
   * none
   */
  price?: number | Record<string, number> | undefined;
  /** The ISO 4217 code of the price's currency. @default 'USD' */
  currency?: string | undefined;
  /** Whether the page may reset its figures and clear namespaces. @default false, it only shows */
  actions?: boolean | undefined;
}

/**
 * The parts of a request that are read. A Web `Request`, Node's `IncomingMessage` and Fastify's
 * request have them.
 */
export interface DashboardRequest {
  readonly method?: string | undefined;
  /** Absolute, or a path with its query. The path does not matter. */
  readonly url?: string | undefined;
  readonly headers:
    | { get(name: string): string | null }
    | { readonly [name: string]: string | readonly string[] | undefined };
}

export interface Dashboard {
  /** Answers a request: `app.all('/cache', (c) => dashboard.fetch(c.req.raw))`. Never rejects. */
  readonly fetch: (request: DashboardRequest) => Promise<Response>;
  /** The same for Node: `app.use('/cache', dashboard.handler)`. Never rejects. */
  readonly handler: (
    request: DashboardRequest,
    response: NodeResponse,
    next?: (error?: unknown) => void,
  ) => Promise<void>;
  /** Counts no more. */
  stop(): void;
}
