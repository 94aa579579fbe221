import { CloudflareKVBackend } from '../../src/backends/cloudflare-kv/cloudflare-kv.js';
import { DynamoDBBackend } from '../../src/backends/dynamodb/dynamodb.js';
import { UpstashBackend } from '../../src/backends/upstash/upstash.js';
import { opened, type Store } from './chaos-store.js';
import { PATIENT } from './cloudflare-backends.js';
import { startKv } from './cloudflare-kv.js';
import { REGION, startDynamoDB } from './dynamodb.js';
import { newTable } from './dynamodb-tables.js';
import { startUpstash } from './upstash-server.js';

const START = { upstash, dynamodb, 'cloudflare kv': cloudflareKv };

/** Stores that somebody else runs, over the best there is of each on this machine. */
export type HostedName = keyof typeof START;

export function isHosted(name: string): name is HostedName {
  return name in START;
}

export function startHosted(name: HostedName): Promise<Store> {
  return START[name]();
}

async function upstash(): Promise<Store> {
  const { url, token, stop } = await startUpstash();
  return { server: undefined, open: () => opened(new UpstashBackend({ url, token })), stop };
}

async function dynamodb(): Promise<Store> {
  const server = await startDynamoDB();
  const table = await newTable(server);
  const { endpoint } = server;
  return {
    server: undefined,
    open: () => opened(new DynamoDBBackend({ endpoint, table, region: REGION })),
    stop: () => server.stop(),
  };
}

async function cloudflareKv(): Promise<Store> {
  const { binding, stop } = await startKv();
  return { server: undefined, open: () => opened(new CloudflareKVBackend({ ...PATIENT, binding })), stop };
}
