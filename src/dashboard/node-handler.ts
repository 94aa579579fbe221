import type { IncomingMessage } from 'node:http';
import type { Dashboard } from './types.js';

/** Makes a handler for `node:http`, Express and the like of one for Web requests. */
export function createNodeHandler(fetch: Dashboard['fetch']): Dashboard['handler'] {
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
function isBelow({ baseUrl, url = '/' }: IncomingMessage & { baseUrl?: unknown }): boolean {
  return typeof baseUrl === 'string' && baseUrl !== '' && !/^\/?(\?|$)/.test(url);
}
