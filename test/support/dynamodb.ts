import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { devNull } from 'node:os';
import { type AttributeValue, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';

/** Nothing of this machine's AWS settings is read, and no service is asked for credentials. */
for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
Object.assign(process.env, {
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ACCESS_KEY_ID: 'access-key-nobody-may-see',
  AWS_SECRET_ACCESS_KEY: 'secret-key-nobody-may-see',
});

/** Fake, as they are given to clients and, for clients that a backend makes itself, in the environment. */
const credentials = { accessKeyId: 'access-key-nobody-may-see', secretAccessKey: 'secret-key-nobody-may-see' };

export const REGION = 'us-east-1';

/** A server that speaks DynamoDB's protocol. */
export interface DynamoDBServer {
  endpoint: string;
  /** How many requests came, by operation. */
  requests: Record<string, number>;
  /** A client of this server, to be destroyed by whoever asked for it. */
  client(config?: DynamoDBClientConfig): DynamoDBClient;
  connections(): Promise<number>;
  stop(): Promise<void>;
}

export function startDynamoDB(options: { createTableMs?: number } = {}): Promise<DynamoDBServer> {
  return serve(dynalite({ createTableMs: 0, ...options }));
}

/** A server that answers every request by itself, or never. */
export function startFake(answer: RequestListener): Promise<DynamoDBServer> {
  return serve(createServer(answer));
}

async function serve(server: Server): Promise<DynamoDBServer> {
  const requests: Record<string, number> = {};
  server.prependListener('request', ({ headers }) => {
    const operation = String(headers['x-amz-target']).split('.')[1] as string;
    requests[operation] = (requests[operation] ?? 0) + 1;
  });
  // Longer than any test: a connection that the server closes while a client reuses it would fail a request.
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    requests,
    client: (config) => new DynamoDBClient({ region: REGION, credentials, endpoint, ...config }),
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Keys = { Keys: Record<string, AttributeValue>[] };
/** The inputs of the operations that tests look into. */
export interface Input {
  RequestItems?: Record<string, Keys | unknown[]>;
  ConsistentRead?: boolean;
  [name: string]: unknown;
}
type Output = Record<string, unknown>;
type Next = (input: Input) => Promise<Output>;

/** Puts a function between what a client is asked and what it does. The last one is the first to see a command. */
export function intercept(
  client: DynamoDBClient,
  handle: (operation: string, input: Input, next: Next) => Promise<Output>,
): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      let response: unknown;
      const output = await handle(String(context.commandName), args.input as Input, async (input) => {
        const result = await next({ ...args, input: input as never });
        response = result.response;
        return result.output as unknown as Output;
      });
      return { output: { $metadata: {}, ...output } as never, response };
    },
    { step: 'initialize' },
  );
}

/** Counts the requests that are under way at the same time; `note` is told of each. */
export function countAtOnce(
  client: DynamoDBClient,
  note: (operation: string, input: Input) => void = () => {},
): { most: number } {
  const counted = { most: 0 };
  let atOnce = 0;
  intercept(client, async (operation, input, next) => {
    note(operation, input);
    atOnce += 1;
    counted.most = Math.max(counted.most, atOnce);
    try {
      return await next(input);
    } finally {
      atOnce -= 1;
    }
  });
  return counted;
}

/** Leaves a part of each batch unprocessed: `keep` says how many of so many are processed. The ones that are left come first. */
export function leaveUnprocessed(client: DynamoDBClient, keep: (count: number) => number): void {
  intercept(client, async (operation, input, next) => {
    const [table, request] = Object.entries(input.RequestItems ?? {})[0] ?? [];
    if (table === undefined || request === undefined) return next(input);
    const isRead = operation === 'BatchGetItemCommand';
    const all: unknown[] = Array.isArray(request) ? request : request.Keys;
    const kept = keep(all.length);
    const left = all.slice(0, all.length - kept);
    const some = (items: unknown[]) => (isRead ? { ...(request as Keys), Keys: items } : items) as Keys | unknown[];
    const output =
      kept === 0
        ? { Responses: { [table]: [] } }
        : await next({ ...input, RequestItems: { [table]: some(all.slice(all.length - kept)) } });
    const unprocessed = left.length === 0 ? {} : { [table]: some(left) };
    return { ...output, [isRead ? 'UnprocessedKeys' : 'UnprocessedItems']: unprocessed };
  });
}
