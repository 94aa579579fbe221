import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KVBinding } from '../../src/backends/cloudflare-kv/cloudflare-kv.js';

/** What a server does with a request instead of answering it. */
export type Trouble = { status: number; body: string } | 'silence' | 'hang up';

export interface AskedOfRest {
  method: string;
  /** The path below the namespace, without the query. */
  path: string;
  query: URLSearchParams;
  body: unknown;
}

export interface TestKvRest {
  /** What a backend takes to reach it. */
  access: { baseUrl: string; accountId: string; namespaceId: string; token: string };
  asked: AskedOfRest[];
  /** The greatest number of requests that were under way at once. */
  mostAtOnce: number;
  /** Decides over each request that is in order: undefined lets it pass. */
  trouble: (request: AskedOfRest) => Trouble | undefined;
  stop(): Promise<void>;
}

interface Pair {
  key: string;
  value: string;
  expiration_ttl?: number;
  metadata?: unknown;
}

const MOST_READ = 100;
const MOST_WRITTEN = 10_000;

/**
 * Stands in for Cloudflare's REST API, of which there is no local server: the four requests that the backend makes, with their
 * limits and the form of their answers, over a real namespace of workerd. Pairs that the namespace refuses are the answer's
 * `unsuccessful_keys`.
 */
export async function startKvRest(namespace: KVBinding): Promise<TestKvRest> {
  const access = { baseUrl: '', accountId: 'account-1', namespaceId: 'namespace_1', token: 'token-nobody-may-see' };
  const root = `/client/v4/accounts/${access.accountId}/storage/kv/namespaces/${access.namespaceId}`;
  let atOnce = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url as string, 'http://localhost');
    const text = await bodyOf(request);
    if (request.headers.authorization !== `Bearer ${access.token}`)
      return refuse(response, 403, 10000, 'Authentication');
    if (!url.pathname.startsWith(`${root}/`)) return refuse(response, 404, 7003, `No route for ${url.pathname}`);
    const asked: AskedOfRest = {
      method: request.method as string,
      path: url.pathname.slice(root.length),
      query: url.searchParams,
      body: text === '' ? undefined : JSON.parse(text),
    };
    rest.asked.push(asked);
    const trouble = rest.trouble(asked);
    if (trouble === 'silence') return;
    if (trouble === 'hang up') {
      request.socket.destroy();
      return;
    }
    if (trouble) {
      response.writeHead(trouble.status, { location: '/elsewhere' }).end(trouble.body);
      return;
    }
    try {
      response.end(JSON.stringify({ success: true, errors: [], messages: [], ...(await answer(namespace, asked)) }));
    } catch (error) {
      const status = Number(/failed: (\d{3})/.exec(String(error))?.[1] ?? 400);
      refuse(response, status, status === 413 ? 10057 : 10014, String(error));
    }
  };
  const server = createServer((request, response) => {
    atOnce += 1;
    rest.mostAtOnce = Math.max(rest.mostAtOnce, atOnce);
    response.on('close', () => {
      atOnce -= 1;
    });
    serve(request, response).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  access.baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`;
  const rest: TestKvRest = {
    access,
    asked: [],
    mostAtOnce: 0,
    trouble: () => undefined,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return rest;
}

async function answer(namespace: KVBinding, { method, path, query, body }: AskedOfRest): Promise<object> {
  switch (`${method} ${path}`) {
    case 'POST /bulk/get': {
      const { keys, type, withMetadata } = body as { keys: string[]; type: string; withMetadata: boolean };
      if (keys.length === 0 || keys.length > MOST_READ || type !== 'text' || !withMetadata)
        throw new Error('not like this');
      const found = await namespace.getWithMetadata(keys, { type: 'text' });
      return { result: { values: Object.fromEntries(found) } };
    }
    case 'PUT /bulk': {
      const pairs = body as Pair[];
      if (pairs.length === 0 || pairs.length > MOST_WRITTEN) throw new Error('not like this');
      const puts = pairs.map(({ key, value, expiration_ttl, metadata }) =>
        namespace.put(key, value, { ...(expiration_ttl && { expirationTtl: expiration_ttl }), metadata }),
      );
      return {
        result: told(
          pairs.map(({ key }) => key),
          await Promise.allSettled(puts),
        ),
      };
    }
    case 'POST /bulk/delete': {
      const keys = body as string[];
      if (keys.length === 0 || keys.length > MOST_WRITTEN) throw new Error('not like this');
      return { result: told(keys, await Promise.allSettled(keys.map((key) => namespace.delete(key)))) };
    }
    case 'GET /keys': {
      const cursor = query.get('cursor');
      const limit = Number(query.get('limit'));
      if (limit < 10 || limit > 1000) throw new Error('not like this');
      const page = await namespace.list({ prefix: query.get('prefix') ?? '', ...(cursor && { cursor }) });
      return { result: page.keys, result_info: { count: page.keys.length, cursor: page.cursor ?? '' } };
    }
    default:
      throw new Error(`no request ${method} ${path}`);
  }
}

function told(keys: string[], outcomes: PromiseSettledResult<unknown>[]): object {
  const unsuccessful = keys.filter((_, index) => outcomes[index]?.status === 'rejected');
  return { successful_key_count: keys.length - unsuccessful.length, unsuccessful_keys: unsuccessful };
}

function refuse(response: ServerResponse, status: number, code: number, message: string): void {
  response
    .writeHead(status)
    .end(JSON.stringify({ success: false, errors: [{ code, message }], messages: [], result: null }));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
