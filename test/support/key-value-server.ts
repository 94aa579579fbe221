import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How many keys a page lists. */
const PAGE = 100;

/** A key-value service as examples/custom-backend/http.ts describes it. */
export interface KeyValueServer {
  readonly url: string;
  readonly values: Map<string, Buffer>;
  /** The TTLs that were asked for, by key. */
  readonly ttls: Map<string, string | undefined>;
  /** Answers a request instead of the service, where it returns a status; `undefined` for the service's own, 0 for none at all. */
  onRequest: (request: { method: string; key: string | undefined }) => number | undefined;
  close(): Promise<void>;
}

/** @param token what requests have to bring */
export async function startKeyValueServer(token: string): Promise<KeyValueServer> {
  const values = new Map<string, Buffer>();
  const ttls = new Map<string, string | undefined>();
  const listed = (query: URLSearchParams) => {
    const [prefix, after] = [query.get('prefix') ?? '', query.get('after')];
    const all = [...values.keys()].filter((key) => key.startsWith(prefix)).sort();
    const left = after === null ? all : all.filter((key) => key > after);
    const keys = left.slice(0, PAGE);
    return JSON.stringify(keys.length < left.length ? { keys, after: keys.at(-1) } : { keys });
  };
  const http = createServer(async (request, response) => {
    const { method = '', headers } = request;
    const url = new URL(request.url ?? '', 'http://localhost');
    const key = url.pathname === '/keys' ? undefined : decodeURIComponent(url.pathname.replace('/keys/', ''));
    const body = await bodyOf(request);
    const status = headers.authorization === `Bearer ${token}` ? server.onRequest({ method, key }) : 401;
    if (status === 0) return;
    if (status !== undefined) return void response.writeHead(status).end('refused');
    if (key === undefined) return void response.end(listed(url.searchParams));
    const value = values.get(key);
    if (method === 'PUT') {
      values.set(key, body);
      ttls.set(key, headers['ttl-seconds'] as string | undefined);
    } else if (method === 'DELETE') values.delete(key);
    if (method !== 'PUT' && value === undefined) response.writeHead(404);
    response.end(method === 'GET' ? value : undefined);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const server: KeyValueServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    values,
    ttls,
    onRequest: () => undefined,
    close: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
  return server;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
