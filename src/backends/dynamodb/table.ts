import type { TableDescription } from '@aws-sdk/client-dynamodb';
import * as v from 'valibot';
import { Backoff } from '../../async/backoff.js';
import { BackendError, VecstashError } from '../../errors.js';
import { checkOptions } from '../../options.js';
import { performance, sleep } from '../../runtime.js';
import { connectionEntries, DynamoDBConnection, type DynamoDBConnectionOptions } from './connection.js';
import { dynamodbError } from './error.js';
import { KEY, TTL } from './items.js';

const optionsSchema = v.strictObject(connectionEntries);

/**
 * How long a new table may take until it can be used, in milliseconds. DynamoDB takes some seconds.
 */
const MAX_CREATION_MS = 120_000;

/** Between two looks whether it is active. */
const POLLING = { baseMs: 50, maxMs: 2000 };

/**
 * Makes a table that `DynamoDBBackend` can use, waits until it is active, and turns on its TTL:
 * partition key `k` (String), no sort key, on-demand billing, TTL attribute `t`. A table that is
 * there already is kept, and only its TTL is turned on where it is off. Where a server does not
 * know TTL (it calls it an unknown operation) the table works without: what is expired is never
 * returned, but stays in the table.
 *
 * Needs the rights to CreateTable, DescribeTable, DescribeTimeToLive and UpdateTimeToLive. Throws
 * `InvalidOptionError` for options it does not take; `BackendError` where the SDK is not installed,
 * DynamoDB refuses, the table is not active within 2 minutes, or a table of this name has another
 * key or another TTL attribute.
 */
export async function createDynamoDBTable(options: DynamoDBConnectionOptions): Promise<void> {
  const connection = new DynamoDBConnection(checkOptions(optionsSchema, options, 'createDynamoDBTable options'));
  try {
    await create(connection);
    await untilActive(connection);
    await enableTtl(connection);
  } catch (error) {
    throw error instanceof VecstashError ? error : dynamodbError(error);
  } finally {
    connection.close();
  }
}

/** What keeps a table from being used, or undefined. Rejects with the SDK's errors. */
export async function tableProblem(connection: DynamoDBConnection): Promise<string | undefined> {
  const table = await describe(connection);
  if (!hasOurKey(table)) return `the table's key is not ${KEY} (String) alone`;
  // One that is being changed is read and written as ever.
  return ['ACTIVE', 'UPDATING'].includes(table?.TableStatus ?? '') ? undefined : `the table is ${table?.TableStatus}`;
}

async function create(connection: DynamoDBConnection): Promise<void> {
  const { client, sdk, table } = connection;
  const command = new sdk.CreateTableCommand({
    TableName: table,
    KeySchema: [{ AttributeName: KEY, KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: KEY, AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
  });
  await ignoring(
    'ResourceInUseException',
    connection.inTime((abortSignal) => client.send(command, { abortSignal })),
  );
}

async function untilActive(connection: DynamoDBConnection): Promise<void> {
  const start = performance.now();
  const backoff = new Backoff(POLLING);
  for (;;) {
    // A table that was just made may be unknown for a moment.
    const table = await ignoring('ResourceNotFoundException', describe(connection));
    if (table && !hasOurKey(table)) throw new BackendError(`DynamoDB: the table's key is not ${KEY} (String) alone`);
    if (table?.TableStatus === 'ACTIVE') return;
    if (performance.now() - start > MAX_CREATION_MS) throw new BackendError('DynamoDB: the table is not active yet');
    await sleep(backoff.next());
  }
}

async function enableTtl(connection: DynamoDBConnection): Promise<void> {
  const { client, sdk, table } = connection;
  const question = new sdk.DescribeTimeToLiveCommand({ TableName: table });
  const order = new sdk.UpdateTimeToLiveCommand({
    TableName: table,
    TimeToLiveSpecification: { AttributeName: TTL, Enabled: true },
  });
  const unknown = 'UnknownOperationException';
  const answer = await ignoring(
    unknown,
    connection.inTime((abortSignal) => client.send(question, { abortSignal })),
  );
  const { TimeToLiveStatus: status, AttributeName: attribute } = answer?.TimeToLiveDescription ?? {};
  if (status === 'ENABLED' || status === 'ENABLING') {
    if (attribute !== TTL) throw new BackendError(`DynamoDB: the table has another TTL attribute than ${TTL}`);
    return;
  }
  await ignoring(
    unknown,
    connection.inTime((abortSignal) => client.send(order, { abortSignal })),
  );
}

async function describe(connection: DynamoDBConnection): Promise<TableDescription | undefined> {
  const { client, sdk, table } = connection;
  const command = new sdk.DescribeTableCommand({ TableName: table });
  return (await connection.inTime((abortSignal) => client.send(command, { abortSignal }))).Table;
}

function hasOurKey(table: TableDescription | undefined): boolean {
  const { KeySchema = [], AttributeDefinitions = [] } = table ?? {};
  const type = AttributeDefinitions.find(({ AttributeName }) => AttributeName === KEY)?.AttributeType;
  return KeySchema.length === 1 && KeySchema[0]?.AttributeName === KEY && type === 'S';
}

/** What a call returns, or undefined where it rejects with an error of this name. */
async function ignoring<T>(name: string, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if ((error as Error).name === name) return undefined;
    throw error;
  }
}
