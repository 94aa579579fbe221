import { type AttributeValue, type DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  createDynamoDBTable,
  DynamoDBBackend,
  type DynamoDBBackendOptions,
} from '../../src/backends/dynamodb/dynamodb.js';
import { type DynamoDBServer, REGION } from './dynamodb.js';

let tables = 0;

/** Makes a table that no other test has, and returns its name. */
export async function newTable({ endpoint }: DynamoDBServer): Promise<string> {
  tables += 1;
  const table = `table-${tables}`;
  await createDynamoDBTable({ table, region: REGION, endpoint });
  return table;
}

/** A backend on a table and a client of its own. */
export interface Opened {
  backend: DynamoDBBackend;
  client: DynamoDBClient;
  table: string;
}

export async function open(server: DynamoDBServer, options: Partial<DynamoDBBackendOptions> = {}): Promise<Opened> {
  const table = options.table ?? (await newTable(server));
  const client = options.client ?? server.client();
  return { backend: new DynamoDBBackend({ ...options, table, client }), client, table };
}

export async function close({ backend, client }: Opened): Promise<void> {
  await backend.close();
  client.destroy();
}

export const putRaw = ({ client, table }: Opened, item: Record<string, AttributeValue>) =>
  client.send(new PutItemCommand({ TableName: table, Item: item }));

/** The stored keys of all items, sorted. */
export const itemsIn = async ({ client, table }: Opened) =>
  (await client.send(new ScanCommand({ TableName: table }))).Items?.map(({ k }) => k?.S).sort() ?? [];
