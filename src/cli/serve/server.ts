import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { Cache } from '../../cache/cache.js';
import { clearTimeout, MAX_TIMER_MS, performance, setTimeout } from '../../runtime.js';
import { readBody } from './body.js';
import { Connections } from './connections.js';
import type { EmbeddingsRoute } from './embeddings-route.js';
import { answerable, HttpError, timeoutError, UpstreamError } from './errors.js';
import type { Exchange } from './exchange.js';
import { callerOf } from './identity.js';
import type { ServeMetrics } from './metrics.js';
import { passedOn, type Upstream } from './upstream.js';

/** What is logged of a request: no text, no key, no query string. */
export interface LogLine {
  time: string;
  method: string;
  route: string;
  status: number;
  ms: number;
  hits?: number;
  misses?: number;
}

export interface ServerParts {
  cache: Cache;
  embeddings: EmbeddingsRoute;
  upstream: Upstream;
  /** Undefined where prom-client is not installed. */
  metrics: ServeMetrics | undefined;
  log: ((line: LogLine) => void) | undefined;
  /** Hears of what is our own fault. */
  onError: (error: unknown) => void;
  timeoutMs: number;
  maxBody: number;
}

const GONE = new HttpError(499, 'the caller has gone');

/**
 * Long enough for a request whose sender is slow, in milliseconds: a body has `timeoutMs` at most.
 */
const HEADERS_TIMEOUT = 10_000;

/** How much longer than a request a connection may stand still whose answer is not read, in milliseconds. */
const UNREAD = 1000;

export function createHttpServer(parts: ServerParts): { server: Server; connections: Connections } {
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT, requestTimeout: 0 }, (request, response) => {
    void serve(parts, connections, request, response);
  });
  server.timeout = Math.min(parts.timeoutMs + UNREAD, MAX_TIMER_MS);
  const connections = new Connections(server);
  return { server, connections };
}

async function serve(
  parts: ServerParts,
  connections: Connections,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now();
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(timeoutError(parts.timeoutMs, request.complete ? 504 : 408));
  }, parts.timeoutMs);
  const [path = '/', query] = (request.url ?? '/').split(/\?(.*)/s, 2);
  const route = routeOf(path);
  connections.add(request, response, (isSent) => {
    clearTimeout(timer);
    controller.abort(GONE);
    const ms = performance.now() - startedAt;
    const status = isSent ? response.statusCode : GONE.status;
    parts.metrics?.request(route.name, status, ms);
    if (parts.log) parts.log(lineOf(request, response, { route: route.name, status, ms }));
  });
  const exchange = { request, response, path, search: query ? `?${query}` : '', signal: controller.signal };
  try {
    if (!route.methods.includes(request.method ?? '')) {
      if (route.methods.length > 0) throw new HttpError(405, `this takes ${route.methods.join(' and ')} requests`);
      throw new HttpError(
        404,
        `there is no ${request.method} ${path}: vecstash serve has /v1/embeddings and /v1/models`,
      );
    }
    await route.answer(parts, exchange);
  } catch (error) {
    if (response.destroyed) return;
    const told = answerable(error);
    if (told.status === 500) parts.onError(error);
    writeError(response, told);
  }
}

interface Route {
  name: string;
  methods: readonly string[];
  answer(parts: ServerParts, exchange: Exchange): Promise<void>;
}

const embeddings: Route = {
  name: 'embeddings',
  methods: ['POST'],
  async answer({ embeddings, maxBody }, exchange) {
    await embeddings.answer(exchange, await readBody(exchange.request, maxBody, exchange.signal));
  },
};

const models: Route = {
  name: 'models',
  methods: ['GET'],
  async answer({ upstream }, { request, response, path, search, signal }) {
    await upstream.pass(
      path.slice('/v1'.length),
      { method: 'GET' },
      callerOf(request.headers, search),
      signal,
      response,
    );
  },
};

const health: Route = {
  name: 'healthz',
  methods: ['GET', 'HEAD'],
  async answer({ cache }, { response }) {
    const { ok, ...backend } = await cache.health();
    response.statusCode = ok ? 200 : 503;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ok, uptimeSeconds: Math.floor(process.uptime()), backend }));
  },
};

const metricsRoute: Route = {
  name: 'metrics',
  methods: ['GET'],
  async answer({ metrics }, { request, response }) {
    if (metrics === undefined)
      throw new HttpError(501, 'metrics need the package prom-client: npm install prom-client');
    await metrics.handler(request, response);
  },
};

const unknown: Route = { name: 'other', methods: [], answer: async () => {} };

function routeOf(path: string): Route {
  if (path === '/v1/embeddings') return embeddings;
  // What goes up in the path would leave what is passed through.
  if (path === '/v1/models' || (path.startsWith('/v1/models/') && !/(^|\/|\\)(\.|%2e){1,2}(\/|\\|$)/i.test(path)))
    return models;
  if (path === '/healthz') return health;
  return path === '/metrics' ? metricsRoute : unknown;
}

function writeError(response: ServerResponse, error: HttpError | UpstreamError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // The rest of a body that is not read to its end would be taken for the next request.
  if (!response.req.complete) response.setHeader('connection', 'close');
  if (error instanceof UpstreamError) response.writeHead(error.status, passedOn(error.headers)).end(error.body);
  else {
    response.writeHead(error.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: error.body }));
  }
}

function lineOf(
  { method = '' }: IncomingMessage,
  response: ServerResponse,
  what: Pick<LogLine, 'route' | 'status' | 'ms'>,
): LogLine {
  const hits = response.getHeader('x-vecstash-hits');
  const misses = response.getHeader('x-vecstash-misses');
  return {
    time: new Date().toISOString(),
    method,
    ...what,
    ms: Math.round(what.ms * 10) / 10,
    ...(hits !== undefined && { hits: Number(hits), misses: Number(misses) }),
  };
}
