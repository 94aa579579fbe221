import { quietly } from '../events.js';
import type { CacheService } from '../service/service.js';
import { type LogContext, withLogContext } from './logging/log-context.js';
import type { Metrics } from './metrics/create-metrics.js';

export interface ObservableCacheOptions {
  /** Counts the calls, as `cache_service_calls_total`. @default not counted */
  metrics?: Pick<Metrics, 'countServiceCall'> | undefined;
  /** Whether log lines of searches show the beginning of the query. @default false */
  snippets?: boolean | undefined;
}

/** The methods that are a user's: the user's id is their first argument. */
const OF_A_USER = ['getSearchResults', 'setSearchResults', 'getRecentAssets', 'setRecentAssets', 'deleteRecentAssets'];

/** Of these, the ones whose second argument is a query. */
const OF_A_QUERY = ['getSearchResults', 'setSearchResults'];

/** A `CacheService` whose calls are counted and whose log lines name their user. */
export type ObservableCache = CacheService;

/**
 * `new ObservableCache(service, { metrics, snippets })` is the service with all its methods. What
 * `logEvents` logs of searches and assets says whose they are; `metrics` count each method's calls.
 */
export const ObservableCache = function ObservableCache(service: CacheService, options: ObservableCacheOptions = {}) {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(service, {
    get(target, name) {
      // The service has private fields, which a proxy has not: it is always the service itself that
      // is called.
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || typeof name !== 'string' || name === 'constructor') return value;
      if (!methods.has(name)) methods.set(name, observed(name, value.bind(target), options));
      return methods.get(name);
    },
  });
} as unknown as new (
  service: CacheService,
  options?: ObservableCacheOptions,
) => CacheService;

function observed(method: string, call: (...args: unknown[]) => unknown, options: ObservableCacheOptions) {
  return (...args: unknown[]): unknown => {
    const result = withLogContext(contextOf(method, args, options), () => call(...args));
    // `stats` and `migration` only look at what was counted.
    if (!(result instanceof Promise)) return result;
    const count = (ok: boolean) => quietly(() => options.metrics?.countServiceCall(method, ok));
    return result.then(
      (value) => {
        count(true);
        return value;
      },
      (error) => {
        count(false);
        throw error;
      },
    );
  };
}

function contextOf(method: string, [userId, query]: unknown[], { snippets }: ObservableCacheOptions): LogContext {
  if (!OF_A_USER.includes(method) || typeof userId !== 'string') return {};
  const isShown = snippets === true && OF_A_QUERY.includes(method) && typeof query === 'string';
  return isShown ? { userId, query } : { userId };
}
