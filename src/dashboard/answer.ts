import { ASSETS, PAGE } from '#dashboard';
import { isError } from '../realms.js';
import type { Panel } from './panel.js';
import type { DashboardRequest } from './types.js';

/**
 * Nothing from elsewhere and nothing inline. An application's own stricter policy holds as well.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** A page of another site cannot send this without asking first, which is not answered. */
const GUARD = 'x-vecstash-dashboard';

/**
 * Everything lies at one address, and the query says what is asked for: so no path has to be known,
 * of the mount or of a proxy, and the page's own links are the same with and without a slash at the
 * end.
 */
export async function answer(panel: Panel, request: DashboardRequest): Promise<Response> {
  try {
    const { method = 'GET' } = request;
    const { searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
    if (method === 'GET' || method === 'HEAD') {
      const response = await read(panel, query);
      return method === 'HEAD' ? new Response(null, response) : response;
    }
    if (method !== 'POST') return failure(405, 'This method is not taken here.', { allow: 'GET, HEAD, POST' });
    if (!panel.options.actions) return failure(403, 'This dashboard is read-only: see the option actions.');
    if (headerOf(request, GUARD) === undefined) return failure(403, `The header ${GUARD} is missing.`);
    return await act(panel, query);
  } catch (error) {
    return failure(500, `The cache could not be asked: ${isError(error) ? error.message : 'no reason given'}`);
  }
}

async function read(panel: Panel, query: URLSearchParams): Promise<Response> {
  if (query.has('data')) return json(200, await panel.data());
  const name = query.get('asset');
  if (name === null) return text(PAGE, 'text/html; charset=utf-8', 'private, no-cache');
  const asset = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
  // Its name holds a hash of what is in it.
  if (asset !== undefined) return text(asset.text, asset.type, 'private, max-age=31536000, immutable');
  return failure(404, 'There is nothing of this name here.');
}

async function act(panel: Panel, query: URLSearchParams): Promise<Response> {
  const action = query.get('action');
  if (action === 'reset') {
    panel.reset();
    return json(200, { ok: true });
  }
  if (action !== 'clear') return failure(400, 'The action is neither reset nor clear.');
  const removed = await panel.clear(query.get('namespace') ?? '');
  return removed === undefined ? failure(404, 'The cache has no namespace of this name.') : json(200, { removed });
}

function headerOf({ headers }: DashboardRequest, name: string): string | undefined {
  if (typeof headers.get === 'function') return headers.get(name) ?? undefined;
  const value = (headers as Record<string, string | readonly string[] | undefined>)[name];
  return typeof value === 'object' ? value[0] : value;
}

function text(body: string, type: string, caching: string): Response {
  return new Response(body, { headers: { ...HEADERS, 'content-type': type, 'cache-control': caching } });
}

function json(status: number, body: unknown, more: Record<string, string> = {}): Response {
  const headers = { ...HEADERS, ...more, 'content-type': 'application/json', 'cache-control': 'no-store' };
  return new Response(JSON.stringify(body), { status, headers });
}

function failure(status: number, error: string, more?: Record<string, string>): Response {
  return json(status, { error }, more);
}
