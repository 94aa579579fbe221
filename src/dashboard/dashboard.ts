/** 'vecstash/dashboard': a page that shows how a cache does, for any web framework. */
import * as v from 'valibot';
import { describeValue } from '../describe.js';
import { InvalidOptionError } from '../errors.js';
import { checkOptions } from '../options.js';
import { answer } from './answer.js';
import { Panel } from './panel.js';
import type { Dashboard, DashboardCache, DashboardOptions, DashboardRequest } from './types.js';

export type { Dashboard, DashboardCache, DashboardOptions, DashboardRequest } from './types.js';

const optionsSchema = v.strictObject({
  title: v.optional(v.pipe(v.string(), v.minLength(1, 'a title')), 'Cache'),
  price: v.optional(v.union([price(), v.record(v.string(), price())], 'a price, or one for each namespace')),
  currency: v.optional(v.pipe(v.string(), v.check(isCurrency, 'an ISO 4217 code, such as EUR')), 'USD'),
  actions: v.optional(v.boolean(), false),
});

/**
 * A page that shows the hit rates, latencies, savings, health and errors of a cache, from now on.
 * Mount `fetch` or `handler` under one path, with GET and, where `actions` are on, POST. Who may
 * see it is for the application to decide, before it calls either.
 *
 * Figures by namespace are the cache's own. Tiers, circuit breakers and queues are those of all
 * caches of the process.
 *
 * Throws `InvalidOptionError`.
 */
export function createDashboard(cache: DashboardCache, options: DashboardOptions = {}): Dashboard {
  const checked = checkOptions(optionsSchema, options, 'createDashboard options');
  if (typeof cache?.stats !== 'function' || typeof cache.health !== 'function') {
    throw new InvalidOptionError('cache', 'a cache, with stats() and health()', describeValue(cache, 'cache'));
  }
  const panel = new Panel(cache, checked);
  const fetch: Dashboard['fetch'] = (request) => answer(panel, request);
  return { fetch, handler: createNodeHandler(fetch), stop: () => panel.stop() };
}

/** Makes a handler for `node:http`, Express and the like of one for Web requests. */
function createNodeHandler(fetch: Dashboard['fetch']): Dashboard['handler'] {
  return async (request, response, next) => {
    if (next !== undefined && isBelow(request)) {
      next();
      return;
    }
    const answer = await fetch(request);
    response.statusCode = answer.status;
    for (const [name, value] of answer.headers) response.setHeader(name, value);
    response.end(await answer.text());
  };
}

/**
 * Express hands over whatever lies below the path of `app.use`, which it takes off: the dashboard
 * is the path itself.
 */
function isBelow({ baseUrl, url = '/' }: DashboardRequest & { baseUrl?: unknown }): boolean {
  return typeof baseUrl === 'string' && baseUrl !== '' && !/^\/?(\?|$)/.test(url);
}

function price() {
  return v.pipe(v.number('a price'), v.finite('a price'), v.minValue(0, 'a price'));
}

function isCurrency(code: string): boolean {
  try {
    new Intl.NumberFormat('en', { style: 'currency', currency: code });
    return true;
  } catch {
    return false;
  }
}
