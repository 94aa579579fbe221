import { randomBytes } from 'node:crypto';
import Module from 'node:module';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { DescribeTableCommand, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DynamoDBBackend, type DynamoDBBackendOptions } from '../../src/backends/dynamodb/dynamodb.js';
import { BackendError, InvalidOptionError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { countAtOnce, type Input, intercept, REGION, startDynamoDB } from '../support/dynamodb.js';
import { bytesFor } from '../support/dynamodb-bytes.js';
import { close, itemsIn, newTable, open, putRaw } from '../support/dynamodb-tables.js';
import { entry, keysOf, plain } from '../support/entries.js';
import { runNode } from '../support/run-script.js';

const server = await startDynamoDB();
const test = suite('DynamoDBBackend');

test.after(() => server.stop());

test('1000 keys are 10 reads and 40 writes, some at once', async () => {
  const opened = await open(server, { concurrency: 3 });
  const counted = countAtOnce(opened.client);
  const keys = keysOf(1000);
  const asked = async (call: Promise<unknown>) => {
    const before = { ...server.requests };
    await call;
    const names = Object.keys(server.requests);
    const counts = names.map((name) => [name, (server.requests[name] ?? 0) - (before[name] ?? 0)] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  };
  assert.equal(await asked(opened.backend.setMany(keys.map((key) => entry(key)))), { BatchWriteItem: 40 });
  assert.equal(await asked(opened.backend.getMany([...keys, ...keys])), { BatchGetItem: 10 });
  assert.equal(await asked(opened.backend.deleteMany(keys)), { BatchGetItem: 10, BatchWriteItem: 40 });
  assert.equal(await asked(opened.backend.clear('')), { Scan: 1 });
  assert.equal(await asked(opened.backend.health()), { DescribeTable: 1 });
  assert.is(counted.most, 3);
  await close(opened);
});

test('options are checked', () => {
  const client = server.client();
  const cases: [unknown, string][] = [
    [{}, 'table'],
    [{ table: 'x' }, 'table'],
    [{ table: 'a/b/c' }, 'table'],
    [{ table: 'abc', client: {} }, 'client'],
    [{ table: 'abc', client, region: REGION }, 'region'],
    [{ table: 'abc', client, endpoint: server.endpoint }, 'endpoint'],
    [{ table: 'abc', endpoint: 'localhost:8000' }, 'endpoint'],
    [{ table: 'abc', ttl: 0 }, 'ttl'],
    [{ table: 'abc', requestTimeout: 'soon' }, 'requestTimeout'],
    [{ table: 'abc', concurrency: 0 }, 'concurrency'],
    [{ table: 'abc', consistentRead: 'yes' }, 'consistentRead'],
    [{ table: 'abc', tableName: 'abc' }, 'tableName'],
  ];
  for (const [options, name] of cases) {
    assert.throws(
      () => new DynamoDBBackend(options as DynamoDBBackendOptions),
      (error: unknown) => error instanceof InvalidOptionError && error.option === name,
      inspect(options),
    );
  }
  const arn = 'arn:aws:dynamodb:us-east-1:123456789012:table/abc';
  new DynamoDBBackend({ table: arn, client });
  client.destroy();
});

test('without the package it says what to install', () => {
  const loader = Module as unknown as { _load(id: string, ...rest: unknown[]): unknown };
  const load = loader._load;
  loader._load = (id, ...rest) => {
    if (id.startsWith('@aws-sdk/'))
      throw Object.assign(new Error(`Cannot find module '${id}'`), { code: 'MODULE_NOT_FOUND' });
    return load.call(Module, id, ...rest);
  };
  try {
    assert.throws(
      () => new DynamoDBBackend({ table: 'abc' }),
      (error: Error) => error instanceof BackendError && /npm install @aws-sdk\/client-dynamodb/.test(error.message),
    );
  } finally {
    loader._load = load;
  }
});

test("the user's client is used and not destroyed, an own one is", async () => {
  const lonely = await startDynamoDB();
  const client = lonely.client();
  const table = await newTable(lonely);
  const backend = new DynamoDBBackend({ table, client });
  let destroyed = 0;
  const destroy = client.destroy.bind(client);
  client.destroy = () => {
    destroyed += 1;
    destroy();
  };
  await backend.setMany([entry('a')]);
  await backend.close();
  assert.is(destroyed, 0);
  assert.is((await client.send(new DescribeTableCommand({ TableName: table }))).Table?.TableName, table);
  client.destroy();

  await until('no connection is left', async () => (await lonely.connections()) === 0);
  const own = new DynamoDBBackend({ table, region: REGION, endpoint: lonely.endpoint });
  assert.equal(plain(await own.getMany(['a'])), [[1, 1, 1, 1]]);
  assert.ok(await lonely.connections());
  await own.close();
  await until('its connections are closed', async () => (await lonely.connections()) === 0);
  await lonely.stop();
});

test('what one process writes another one reads, bit for bit', async () => {
  const opened = await open(server);
  const script = fileURLToPath(new URL('../support/dynamodb-process.ts', import.meta.url));
  const { code, stderr } = await runNode([...process.execArgv, script, server.endpoint, opened.table, '60']);
  assert.is(code, 0, stderr);
  const values = await opened.backend.getMany(keysOf(60, 'key '));
  for (const [n, value] of values.entries()) {
    assert.is(Buffer.compare(value ?? randomBytes(8), bytesFor(n)), 0, `key ${n}`);
  }
  const raw = new GetItemCommand({ TableName: opened.table, Key: { k: { S: ':key 31' } } });
  const { Item } = await opened.client.send(raw);
  assert.equal(Object.keys(Item ?? {}).sort(), ['k', 'v']);
  assert.is(Buffer.compare(Item?.v?.B ?? randomBytes(8), bytesFor(31)), 0);
  await close(opened);
});

test('25 of the largest records under the longest keys fit one write, and come back in several answers', async () => {
  const opened = await open(server, { requestTimeout: '60s' });
  const { keyBytes = 0, valueBytes = 0 } = opened.backend.limits;
  assert.is(keyBytes, 2047);
  assert.ok(valueBytes > 405_000 && valueBytes + keyBytes + 1 < 400 * 1024);
  const block = randomBytes(valueBytes + 25);
  const keys = Array.from({ length: 25 }, (_, n) => String(n).padStart(2, '0') + '"'.repeat(keyBytes - 2));
  const value = (n: number) => new Uint8Array(block.subarray(n, n + valueBytes));
  const before = { ...server.requests };
  await opened.backend.setMany(keys.map((key, n) => ({ key, value: value(n), ttlMs: 9e12 })));
  assert.is((server.requests.BatchWriteItem ?? 0) - (before.BatchWriteItem ?? 0), 1);
  const values = await opened.backend.getMany(keys);
  for (const [n, read] of values.entries()) assert.is(Buffer.compare(read ?? block, value(n)), 0);
  assert.ok((server.requests.BatchGetItem ?? 0) - (before.BatchGetItem ?? 0) > 1);
  assert.is(await opened.backend.clear(''), 25, 'clear walks several pages');
  await close(opened);
});

test("other people's items are misses, spoil nothing, and survive clear where their keys are not ours", async () => {
  const opened = await open(server);
  const value = { B: Uint8Array.of(7) };
  await Promise.all([
    putRaw(opened, { k: { S: ':no value' } }),
    putRaw(opened, { k: { S: ':text' }, v: { S: 'text' } }),
    putRaw(opened, { k: { S: ':list' }, v: { L: [value] } }),
    putRaw(opened, { k: { S: ':text end' }, v: value, e: { S: '99999999999999' } }),
    putRaw(opened, { k: { S: ':flag end' }, v: value, e: { BOOL: true } }),
    putRaw(opened, { k: { S: 'unmarked' }, v: value }),
  ]);
  await opened.backend.setMany([entry('ours')]);
  const keys = ['no value', 'text', 'list', 'text end', 'flag end', 'unmarked', 'nmarked', 'ours'];
  assert.equal(plain(await opened.backend.getMany(keys)), [...keys.slice(1).map(() => undefined), [1, 1, 1, 1]]);
  assert.is(await opened.backend.deleteMany(['text end', 'flag end', 'ours', 'unmarked']), 1);
  await opened.backend.clear('');
  assert.equal(await itemsIn(opened), ['unmarked']);
  await close(opened);
});

test('clear trusts no filter', async () => {
  const opened = await open(server);
  await opened.backend.setMany([entry('a:1'), entry('b:1')]);
  intercept(opened.client, (operation, input, next) => {
    if (operation !== 'ScanCommand') return next(input);
    const { FilterExpression, ExpressionAttributeValues, ...rest } = input;
    return next(rest);
  });
  assert.is(await opened.backend.clear('a:'), 1);
  assert.equal(await itemsIn(opened), [':b:1']);
  await close(opened);
});

test('reads are consistent unless that is turned off, removals always', async () => {
  for (const consistentRead of [undefined, true, false]) {
    const opened = await open(server, consistentRead === undefined ? {} : { consistentRead });
    const seen: unknown[] = [];
    intercept(opened.client, (operation, input, next) => {
      const request = Object.values(input.RequestItems ?? {})[0] as Input | undefined;
      if (!/Write/.test(operation)) seen.push((request ?? input).ConsistentRead);
      return next(input);
    });
    await opened.backend.getMany(['a']);
    await opened.backend.deleteMany(['a']);
    await opened.backend.clear('a');
    assert.equal(seen, [consistentRead ?? true, true, true]);
    await close(opened);
  }
});

test('a value keeps no whole answer alive', async () => {
  const opened = await open(server);
  await opened.backend.setMany([entry('a', 5)]);
  intercept(opened.client, async (_, input, next) => {
    const answer = new Uint8Array(2 ** 20).fill(5);
    await next(input);
    return {
      Responses: { 'whatever the answer calls it': [{ k: { S: ':a' }, v: { B: answer.subarray(1000, 1004) } }] },
    };
  });
  const [value] = await opened.backend.getMany(['a']);
  assert.equal(plain([value]), [[5, 5, 5, 5]]);
  assert.ok((value as Uint8Array).buffer.byteLength <= 64 * 1024);
  await close(opened);
});

test.run();
