import { CreateTableCommand, DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createDynamoDBTable, DynamoDBBackend } from '../../src/backends/dynamodb/dynamodb.js';
import { InvalidOptionError } from '../../src/errors.js';
import { intercept, REGION, startDynamoDB } from '../support/dynamodb.js';
import { close, newTable, open } from '../support/dynamodb-tables.js';
import { entry, plain } from '../support/entries.js';
import { rejection } from '../support/rejection.js';
import { assertTellsNothing } from '../support/secrets.js';

const server = await startDynamoDB();
const test = suite('the table of a DynamoDBBackend');

/** Makes a table whose key has these attributes. */
async function createTable(client: DynamoDBClient, table: string, key: Record<string, 'S' | 'N'>): Promise<void> {
  const attributes = Object.entries(key);
  await client.send(
    new CreateTableCommand({
      TableName: table,
      KeySchema: attributes.map(([AttributeName], n) => ({ AttributeName, KeyType: n === 0 ? 'HASH' : 'RANGE' })),
      AttributeDefinitions: attributes.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
}

test.after(() => server.stop());

test('makes the table, waits for it, and leaves one that is there', async () => {
  const slow = await startDynamoDB({ createTableMs: 150 });
  const client = slow.client();
  for (const round of [1, 2]) {
    await createDynamoDBTable({ table: 'made', client });
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'made' }));
    assert.is(Table?.TableStatus, 'ACTIVE', `round ${round}`);
    assert.equal(Table?.KeySchema, [{ AttributeName: 'k', KeyType: 'HASH' }]);
    assert.is(Table?.BillingModeSummary?.BillingMode, 'PAY_PER_REQUEST');
    const backend = new DynamoDBBackend({ table: 'made', client });
    assert.ok((await backend.health()).ok);
    assert.equal(plain(await backend.getMany(['a'])), [round === 1 ? undefined : [1, 1, 1, 1]]);
    await backend.setMany([entry('a')]);
  }
  assert.is(slow.requests.UpdateTimeToLive, 2, 'it asks for the TTL, which this server does not know');
  client.destroy();
  await slow.stop();
});

test('turns the TTL on where it is off, and refuses one of another attribute', async () => {
  // The server knows no TTL: this one is the client's.
  const client = server.client();
  let description: object = {};
  const orders: unknown[] = [];
  intercept(client, async (operation, input, next) => {
    if (operation === 'DescribeTimeToLiveCommand') return { TimeToLiveDescription: description };
    if (operation !== 'UpdateTimeToLiveCommand') return next(input);
    orders.push(input.TimeToLiveSpecification);
    return {};
  });
  const table = await newTable(server);
  for (const status of ['DISABLED', 'ENABLING', 'ENABLED']) {
    description = { TimeToLiveStatus: status, ...(status !== 'DISABLED' && { AttributeName: 't' }) };
    await createDynamoDBTable({ table, client });
  }
  assert.equal(orders, [{ AttributeName: 't', Enabled: true }]);
  description = { TimeToLiveStatus: 'ENABLED', AttributeName: 'expires' };
  assert.match((await rejection(createDynamoDBTable({ table, client }))).message, /another TTL attribute/);
  client.destroy();
});

test('refuses a table of another key, and tells what fails', async () => {
  const client = server.client();
  await createTable(client, 'numbers', { k: 'N' });
  await createTable(client, 'ranges', { k: 'S', r: 'S' });
  for (const table of ['numbers', 'ranges']) {
    const { message } = await rejection(createDynamoDBTable({ table, client }));
    assert.is(message, "DynamoDB: the table's key is not k (String) alone");
  }
  client.destroy();
  const gone = await startDynamoDB();
  await gone.stop();
  const failure = await rejection(createDynamoDBTable({ table: 'abc', region: REGION, endpoint: gone.endpoint }));
  assertTellsNothing(failure);
  assert.is(failure.message, 'DynamoDB: ECONNREFUSED');
  const misspelt = { table: 'abc', ttl: '1h' } as never;
  assert.instance(await rejection(createDynamoDBTable(misspelt)), InvalidOptionError);
});

test('health wants an active table with our key', async () => {
  const opened = await open(server);
  let status = 'CREATING';
  intercept(opened.client, async (_, input, next) => {
    const { Table } = await next(input);
    return { Table: { ...(Table as object), TableStatus: status } };
  });
  for (status of ['CREATING', 'DELETING']) {
    const { ok, detail } = await opened.backend.health();
    assert.equal({ ok, detail }, { ok: false, detail: `DynamoDB: the table is ${status}` });
  }
  status = 'ACTIVE';
  assert.ok((await opened.backend.health()).ok);
  await createTable(opened.client, 'theirs', { id: 'S' });
  const theirs = new DynamoDBBackend({ table: 'theirs', client: opened.client });
  assert.is((await theirs.health()).detail, "DynamoDB: the table's key is not k (String) alone");
  await close(opened);
});

test.run();
