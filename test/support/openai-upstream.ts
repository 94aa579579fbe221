import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { prf } from './prf.js';

export type UpstreamInput = string | number[];
export type UpstreamBody = Record<string, unknown> & { input: UpstreamInput | UpstreamInput[]; model: string };

/** What the upstream was asked. */
export interface UpstreamRequest {
  url: string;
  body: UpstreamBody;
  headers: IncomingHttpHeaders;
  inputs: UpstreamInput[];
  /** Whether the caller went away before it was answered. */
  aborted: boolean;
}

/** Answers a request in another way; what it returns is sent with status 200. */
export type Reply = (request: UpstreamRequest, response: ServerResponse) => unknown;

export interface OpenAIUpstream {
  /** Ends with /v1. */
  url: string;
  requests: UpstreamRequest[];
  /** Replies to the next requests, one each. */
  replies: Reply[];
  /** How many inputs it was asked for so far. */
  asked(): number;
  stop(): void;
}

const DIMENSIONS = 24;

/** The vector of an input: of the model, and of every field that a provider's model may heed. */
export function upstreamVector(body: Partial<UpstreamBody>, input: UpstreamInput): Float32Array {
  const { input: _, user, encoding_format, dimensions = DIMENSIONS, ...rest } = body;
  const fields = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
  return prf(JSON.stringify([fields, input]), dimensions as number);
}

/** The tokens that an input takes: an array's length, else some that go by the text. */
export function upstreamTokens(input: UpstreamInput): number {
  return typeof input === 'string' ? 1 + Math.ceil(input.length / 4) : input.length;
}

/** The answer to a request: rows in disorder, base64 where it is asked for. */
export function upstreamAnswer({ body, inputs }: UpstreamRequest) {
  const data = inputs.map((input, index) => {
    const vector = upstreamVector(body, input);
    const embedding = body.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  data.sort((a, b) => ((a.index * 7919) % 101) - ((b.index * 7919) % 101));
  const tokens = inputs.reduce((sum, input) => sum + upstreamTokens(input), 0);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { object: 'list', data, model: `${body.model}-2026`, usage };
}

/** A server of the shape of OpenAI's `POST /v1/embeddings`, on 127.0.0.1. */
export async function startOpenAIUpstream(): Promise<OpenAIUpstream> {
  const requests: UpstreamRequest[] = [];
  const replies: Reply[] = [];
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as UpstreamBody;
    const { input } = body;
    const isOne = typeof input === 'string' || typeof input?.[0] === 'number';
    const inputs = (isOne ? [input] : input) as UpstreamInput[];
    const { url = '', headers } = incoming;
    const request: UpstreamRequest = { url, body, headers, inputs, aborted: false };
    requests.push(request);
    response.on('close', () => {
      request.aborted = !response.writableFinished;
    });
    const reply = replies.shift() ?? (inputs.length === 0 || inputs.includes('') ? refuse : upstreamAnswer);
    const answer = await reply(request, response);
    if (response.writableEnded || response.destroyed) return;
    response.setHeader('content-type', 'application/json');
    response.setHeader('x-request-id', `req_${requests.length}`);
    response.end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    replies,
    asked: () => requests.reduce((sum, { inputs }) => sum + inputs.length, 0),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Fails as OpenAI does. */
export function failing(status: number, message: string, headers: Record<string, string> = {}): Reply {
  return (_, response) => {
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    return { error: { message, type: 'upstream_error', param: 'input', code: 'from_upstream' } };
  };
}

const refuse = failing(400, "'$.input' is invalid");
