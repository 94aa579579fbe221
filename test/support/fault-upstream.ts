import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { prf } from './prf.js';

/** What becomes of one request to the upstream. */
export type Fault = 'none' | '429' | '500' | 'cut' | 'count' | 'half';

export interface UpstreamOptions {
  dimensions?: number;
  /** Keys that are accepted; every one unless set. */
  keys?: Set<string>;
  /** Draws what becomes of a request. @default none */
  fault?: () => Fault;
  /** How many seconds a 429 asks to wait. @default 0 */
  retryAfter?: number;
  /** Whether an input is refused with 400, or has a vector of zeros. @default none */
  refuse?: (input: unknown) => boolean;
  zero?: (input: unknown) => boolean;
  /** Answers later, in milliseconds. @default 0 */
  delay?: () => number;
}

/** A local API of OpenAI's shape, whose vector of a text is made from the text, and which may fail. */
export interface FaultUpstream {
  /** With /v1. */
  url: string;
  options: UpstreamOptions;
  /** How often each input was answered well, by its JSON. */
  answered: Map<string, number>;
  /** The same by key, model, dimensions and input. */
  answeredApart: Map<string, number>;
  /** Requests for embeddings, good or bad. */
  calls: { status: number | Fault; inputs: number; headers: IncomingMessage['headers']; query: string; at: number }[];
  /** Requests for embeddings that have come, whether they are answered or not. */
  received: number;
  stop(): Promise<void>;
}

/** What the vector of an input is made from. */
export const textOf = (input: unknown) => (typeof input === 'string' ? input : JSON.stringify(input));

export async function startFaultUpstream(options: UpstreamOptions = {}): Promise<FaultUpstream> {
  const answered: FaultUpstream['answered'] = new Map();
  const answeredApart: FaultUpstream['answered'] = new Map();
  const count = (counts: Map<string, number>, one: string) => counts.set(one, (counts.get(one) ?? 0) + 1);
  const calls: FaultUpstream['calls'] = [];
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const upstream: FaultUpstream = {
    url: `http://127.0.0.1:${port}/v1`,
    options,
    answered,
    answeredApart,
    calls,
    received: 0,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search } = new URL(request.url ?? '/', 'http://upstream');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const json = (status: number, body: object, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'of-upstream', ...headers });
      response.end(JSON.stringify(body));
    };
    const key = request.headers.authorization?.replace('Bearer ', '') ?? request.headers['api-key'] ?? '';
    const isKnown = upstream.options.keys?.has(String(key)) ?? true;
    const wrongKey = {
      error: {
        message: 'Incorrect API key provided.',
        type: 'invalid_request_error',
        param: null,
        code: 'invalid_api_key',
      },
    };
    if (pathname.startsWith('/v1/models')) {
      if (!isKnown) return json(401, wrongKey);
      return json(200, { object: 'list', path: pathname, query: search, data: [{ id: 'm', object: 'model' }] });
    }
    if (pathname !== '/v1/embeddings') return json(404, { error: { message: 'no such path' } });
    upstream.received += 1;
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    const isTokens = Array.isArray(body.input) && typeof body.input[0] === 'number';
    const inputs = (Array.isArray(body.input) && !isTokens ? body.input : [body.input]) as unknown[];
    const fault = isKnown ? (upstream.options.fault?.() ?? 'none') : 'none';
    const note = (status: number | Fault) =>
      calls.push({ status, inputs: inputs.length, headers: request.headers, query: search, at: performance.now() });
    const delay = upstream.options.delay?.() ?? 0;
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay).unref());
    if (!isKnown) {
      note(401);
      return json(401, wrongKey);
    }
    if (fault !== 'none') note(fault);
    if (fault === '429')
      return json(
        429,
        { error: { message: 'slow down', type: 'requests' } },
        { 'retry-after': String(upstream.options.retryAfter ?? 0) },
      );
    if (fault === '500') return json(500, { error: { message: 'broken', type: 'server_error' } });
    if (fault === 'cut') return void request.socket.destroy();
    if (inputs.length === 0 || inputs.some((input) => input === '' || upstream.options.refuse?.(input))) {
      note(400);
      return json(400, {
        error: { message: 'input is empty', type: 'invalid_request_error', param: 'input', code: null },
      });
    }
    const dimensions = Number(body.dimensions ?? upstream.options.dimensions ?? 64);
    const data = inputs.map((input, index) => {
      const vector = upstream.options.zero?.(input) ? new Float32Array(dimensions) : prf(textOf(input), dimensions);
      const embedding = body.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
      return { object: 'embedding', index, embedding };
    });
    // Rows come in any order: what counts is their index.
    for (let i = data.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [data[i], data[j]] = [data[j] as (typeof data)[0], data[i] as (typeof data)[0]];
    }
    if (fault === 'count') data.pop();
    const tokens = inputs.reduce<number>((sum, input) => sum + tokensOf(input), 0);
    const text = JSON.stringify({
      object: 'list',
      data,
      model: `${body.model}-v2`,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    });
    if (fault === 'half') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
      response.write(text.slice(0, text.length / 2));
      return void setImmediate(() => request.socket.destroy());
    }
    if (fault === 'none') {
      note(200);
      for (const input of inputs) {
        count(answered, JSON.stringify(input));
        count(answeredApart, JSON.stringify([key, body.model, body.dimensions ?? null, input]));
      }
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(text);
  }
  return upstream;
}

/** How many tokens the upstream says that an input has. */
export function tokensOf(input: unknown): number {
  return Array.isArray(input) ? input.length : Math.ceil(String(input).length / 4);
}
