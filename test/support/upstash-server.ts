import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { startRedis } from './redis-server.js';

type Word = string | number;

/** A request as it arrived. */
export interface UpstashRequest {
  path: string;
  headers: IncomingMessage['headers'];
  /** Of the body. */
  bytes: number;
  /** One command for `/`, several for `/pipeline` and `/multi-exec`. */
  commands: Word[][];
  /** Whether the sender gave it up while it was not answered. */
  isAbandoned: boolean;
}

/** What is done to a request instead of answering it. */
export type Fault =
  /** Never answered. */
  | { kind: 'hang' }
  /** Executed and answered only after this. */
  | { kind: 'late'; after: Promise<void> }
  /** The connection is closed before any answer. */
  | { kind: 'drop' }
  /** Executed, but the connection is closed after half of the answer. */
  | { kind: 'cut' }
  /** Answered with this, as it is. */
  | { kind: 'answer'; status?: number; body: string }
  /** Executed, except for the commands for which this has an error's text. */
  | { kind: 'errors'; errorOf: (command: Word[]) => string | undefined };

/**
 * Stands in for Upstash, for which no local server exists: its REST protocol as documented, over a real Redis. POST `/` takes a
 * command, `/pipeline` and `/multi-exec` take several; results are JSON, their texts in base64 where the header Upstash-Encoding asks
 * for it; an error is `{ "error": text }`, of status 400 unless it is one command's in a pipeline.
 */
export interface UpstashServer {
  url: string;
  token: string;
  /** Every request so far that had the right token. */
  requests: UpstashRequest[];
  /** How many connections were opened so far. */
  connections(): number;
  /** What is done to the next requests; the index counts from 0 from here on. */
  fault: ((request: UpstashRequest, index: number) => Fault | undefined) | undefined;
  /** The Redis behind it, as it is. */
  redis: Redis;
  /** Whether that Redis is this test's alone. */
  isPrivate: boolean;
  stop(): Promise<void>;
}

export async function startUpstash(): Promise<UpstashServer> {
  const behind = await startRedis();
  const redis = new Redis(behind.url);
  let [connections, syncs] = [0, 0];

  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const text = await bodyOf(incoming);
    if (incoming.headers.authorization !== `Bearer ${server.token}`) {
      return send(response, 401, { error: 'WRONGPASS invalid or missing auth token' });
    }
    const path = incoming.url ?? '';
    const parsed = JSON.parse(text) as Word[] | Word[][];
    const commands = path === '/' ? [parsed as Word[]] : (parsed as Word[][]);
    const bytes = Buffer.byteLength(text);
    const request = { path, headers: incoming.headers, bytes, commands, isAbandoned: false };
    server.requests.push(request);
    const fault = server.fault?.(request, faults++);
    if (fault?.kind === 'hang') {
      response.on('close', () => {
        request.isAbandoned = true;
      });
      return;
    }
    if (fault?.kind === 'late') await fault.after;
    if (fault?.kind === 'drop') return void response.destroy();
    if (fault?.kind === 'answer') return send(response, fault.status ?? 200, fault.body);
    const errorOf = fault?.kind === 'errors' ? fault.errorOf : () => undefined;
    const isEncoded = incoming.headers['upstash-encoding'] === 'base64';
    const execute = path === '/multi-exec' ? inTransaction : inPipeline;
    const replies = await execute(redis, commands, errorOf, isEncoded);
    syncs += 1;
    response.setHeader('upstash-sync-token', `sync-${syncs}`);
    if (fault?.kind === 'cut') return cut(response, JSON.stringify(replies));
    if (path !== '/') return send(response, 200, replies);
    return send(response, replies[0]?.error === undefined ? 200 : 400, replies[0]);
  };

  let faults = 0;
  let fault: UpstashServer['fault'];
  const http = createServer((incoming, response) => {
    handle(incoming, response).catch((error) => send(response, 400, { error: `ERR ${error}` }));
  });
  http.on('connection', () => {
    connections += 1;
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');

  const server: UpstashServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    token: 'token-nobody-may-see',
    requests: [],
    connections: () => connections,
    get fault() {
      return fault;
    },
    set fault(next) {
      fault = next;
      faults = 0;
    },
    redis,
    isPrivate: behind.isPrivate,
    stop: async () => {
      http.closeAllConnections();
      http.close();
      redis.disconnect();
      await behind.stop();
    },
  };
  return server;
}

interface Reply {
  result?: unknown;
  error?: string;
}

type Execute = (
  redis: Redis,
  commands: Word[][],
  errorOf: (command: Word[]) => string | undefined,
  isEncoded: boolean,
) => Promise<Reply[]>;

/** One after the other; each may fail. */
const inPipeline: Execute = (redis, commands, errorOf, isEncoded) =>
  Promise.all(
    commands.map(async (command) => {
      const error = errorOf(command);
      if (error !== undefined) return { error };
      const [name, ...words] = command;
      try {
        return { result: jsonOf(await redis.callBuffer(String(name), words), isEncoded) };
      } catch (failure) {
        return { error: (failure as Error).message };
      }
    }),
  );

const inTransaction: Execute = async (redis, commands, _, isEncoded) => {
  const transaction = redis.multi();
  for (const [name, ...words] of commands) transaction.call(String(name), words);
  const replies = (await transaction.exec()) ?? [];
  return replies.map(([error, result]) => (error ? { error: error.message } : { result: jsonOf(result, isEncoded) }));
};

/** A reply of Redis in JSON, in which bytes that are no UTF-8 are lost unless they are encoded. The status OK never is. */
function jsonOf(reply: unknown, isEncoded: boolean): unknown {
  if (Array.isArray(reply)) return reply.map((each) => jsonOf(each, isEncoded));
  if (!Buffer.isBuffer(reply) && typeof reply !== 'string') return reply;
  const bytes = Buffer.from(reply as string);
  return isEncoded && bytes.toString() !== 'OK' ? bytes.toString('base64') : bytes.toString();
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function cut(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}
