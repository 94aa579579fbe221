import { randomBytes } from 'node:crypto';
import Module from 'node:module';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import {
  type AttributeValue,
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  createDynamoDBTable,
  DynamoDBBackend,
  type DynamoDBBackendOptions,
} from '../../src/backends/dynamodb/dynamodb.js';
import { BackendError, InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { backendContract } from '../contract/backend-contract.js';
import { type Input, intercept, leaveUnprocessed, REGION, startDynamoDB, startFake } from '../support/dynamodb.js';
import { bytesFor } from '../support/dynamodb-bytes.js';
import { entry, keysOf, plain } from '../support/entries.js';
import { rejection } from '../support/rejection.js';
import { runNode } from '../support/run-script.js';
import { assertTellsNothing, SECRET_KEY, SECRET_VALUE } from '../support/secrets.js';

const server = await startDynamoDB();
const test = suite('DynamoDBBackend');

let tables = 0;
async function newTable(on = server): Promise<string> {
  tables += 1;
  const table = `table-${tables}`;
  await createDynamoDBTable({ table, region: REGION, endpoint: on.endpoint });
  return table;
}

/** A backend on a table and a client of its own. */
interface Opened {
  backend: DynamoDBBackend;
  client: DynamoDBClient;
  table: string;
}

async function open(options: Partial<DynamoDBBackendOptions> = {}, on = server): Promise<Opened> {
  const table = options.table ?? (await newTable(on));
  const client = options.client ?? on.client();
  return { backend: new DynamoDBBackend({ ...options, table, client }), client, table };
}

async function close({ backend, client }: Opened): Promise<void> {
  await backend.close();
  client.destroy();
}

const putRaw = ({ client, table }: Opened, item: Record<string, AttributeValue>) =>
  client.send(new PutItemCommand({ TableName: table, Item: item }));
const itemsIn = async ({ client, table }: Opened) =>
  (await client.send(new ScanCommand({ TableName: table }))).Items?.map(({ k }) => k?.S).sort() ?? [];

/** Both ends of each item, by its stored key. */
async function endsIn({ client, table }: Opened): Promise<Map<string, { e: number; t: number }>> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: table }));
  return new Map(Items.map(({ k, e, t }) => [k?.S as string, { e: Number(e?.N), t: Number(t?.N) }]));
}

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

/** A context, and what it was told. */
function reader(signal = new AbortController().signal) {
  const told: unknown[] = [];
  return { told, context: { signal, onPartialFailure: (error: unknown) => void told.push(error) } };
}

/** What each call of a backend that cannot work rejects with. */
async function rejections(backend: DynamoDBBackend): Promise<Error[]> {
  const calls = [
    backend.getMany([SECRET_KEY]),
    backend.getMany([SECRET_KEY], reader().context),
    backend.setMany([{ key: SECRET_KEY, value: SECRET_VALUE }]),
    backend.deleteMany([SECRET_KEY]),
    backend.clear(SECRET_KEY),
    backend.touchMany([{ key: SECRET_KEY, ttlMs: 1000 }]),
    backend.leases.acquire([SECRET_KEY], SECRET_KEY, 1000),
    backend.leases.release([SECRET_KEY], SECRET_KEY),
  ];
  const errors = await Promise.all(calls.map(rejection));
  for (const error of errors) assertTellsNothing(error);
  return errors;
}

/** Numbers from 0 to 1 that a seed gives again. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

test.after(() => server.stop());

test('1000 keys are 10 reads and 40 writes, some at once', async () => {
  const opened = await open({ concurrency: 3 });
  let atOnce = 0;
  let most = 0;
  intercept(opened.client, async (_, input, next) => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    try {
      return await next(input);
    } finally {
      atOnce -= 1;
    }
  });
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
  assert.is(most, 3);
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
    if (id.startsWith('@aws-sdk/')) throw new Error('Cannot find module');
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
  const opened = await open();
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

test('what is left unprocessed is asked again, and every answer finds its place', async () => {
  const seed = Number(process.env.VECSTASH_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const random = randomFrom(seed);
  const opened = await open();
  leaveUnprocessed(opened.client, (count) => Math.floor(random() * (count + 1)));
  const keys = keysOf(230);
  await opened.backend.setMany(keys.map((key, n) => ({ key, value: bytesFor(n % 50) })));
  const order = keys.map((key, n) => ({ key, n, rank: random() })).sort((a, b) => a.rank - b.rank);
  const values = await opened.backend.getMany(order.map(({ key }) => key));
  for (const [place, { key, n }] of order.entries()) {
    const value = values[place];
    assert.is(value && Buffer.compare(value, bytesFor(n % 50)), 0, `${key}, VECSTASH_SEED=${seed}`);
  }
  assert.is(await opened.backend.deleteMany(keys.slice(0, 90)), 90, `VECSTASH_SEED=${seed}`);
  assert.is(await opened.backend.clear(''), 140, `VECSTASH_SEED=${seed}`);
  assert.equal(await itemsIn(opened), [], `VECSTASH_SEED=${seed}`);
  await close(opened);
});

test('what stays unprocessed is told when the time is over, and is not asked without pauses', async () => {
  const keys = keysOf(25);
  const entries = (fill: number) => keys.map((key) => entry(key, fill));
  // A backend of which only the first batch is processed, and only `keep` items of it.
  const during = async <T>(keep: number, call: (backend: DynamoDBBackend) => Promise<T>): Promise<T> => {
    const table = await newTable();
    const before = await open({ table });
    await before.backend.setMany(entries(1));
    const opened = await open({ table, client: before.client, requestTimeout: 1500 });
    let requests = 0;
    leaveUnprocessed(opened.client, () => {
      requests += 1;
      return requests === 1 ? keep : 0;
    });
    const result = await call(opened.backend);
    assert.ok(requests > 1 && requests < 60, `${requests} requests`);
    await close(opened);
    return result;
  };
  const some = reader();
  const none = reader();
  const [write, removal, read, values, nothing] = await Promise.all([
    during(5, (backend) => rejection(backend.setMany(entries(2)))),
    during(0, (backend) => rejection(backend.deleteMany(keys))),
    during(10, (backend) => rejection(backend.getMany(keys))),
    during(10, (backend) => backend.getMany(keys, some.context)),
    during(0, (backend) => rejection(backend.getMany(keys, none.context))),
  ]);
  assert.is(write.message, 'DynamoDB: 20 of 25 writes failed: left unprocessed');
  assert.is(removal.message, 'DynamoDB: 25 of 25 removals failed: left unprocessed');
  assert.is(read.message, 'DynamoDB: 15 of 25 reads failed: left unprocessed');
  assert.equal(
    plain(values),
    keys.map((_, n) => (n < 15 ? undefined : [1, 1, 1, 1])),
  );
  assert.equal(
    some.told.map((error) => (error as Error).message),
    [read.message],
  );
  assert.is(nothing.message, 'DynamoDB: 25 of 25 reads failed: left unprocessed');
  assert.equal(none.told, [], 'nothing was read: that is no partial failure');
});

test('25 of the largest records under the longest keys fit one write, and come back in several answers', async () => {
  const opened = await open({ requestTimeout: '60s' });
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

test('lives are stored exactly, and in whole seconds for the TTL, never too few', async () => {
  const opened = await open({ ttl: '1h' });
  const start = Date.now();
  await opened.backend.setMany([
    { ...entry('own'), ttlMs: 90_000.2 },
    entry('default'),
    { ...entry('long'), ttlMs: 1e300 },
  ]);
  const end = Date.now();
  const lives = await endsIn(opened);
  for (const [key, life] of [
    [':own', 90_001],
    [':default', 3_600_000],
    [':long', 9e12],
  ] as const) {
    const { e = 0, t = 0 } = lives.get(key) ?? {};
    assert.ok(e >= start + life && e <= end + life, key);
    assert.is(t, Math.ceil(e / 1000), key);
  }
  for (const ttlMs of [0, Number.NaN, -1]) {
    assert.instance(
      await rejection(opened.backend.setMany([entry('new'), { ...entry('own'), ttlMs }])),
      InvalidInputError,
    );
  }
  assert.equal(await opened.backend.getMany(['new']), [undefined], 'nothing of such a batch is written');
  await close(opened);
});

test('what is expired and still in the table is a miss, counts nowhere, and is removed', async () => {
  const opened = await open();
  const item = (key: string, end: number) =>
    putRaw(opened, { k: { S: `:${key}` }, v: { B: Uint8Array.of(1) }, e: { N: String(end) }, t: { N: '9999999999' } });
  await Promise.all([
    item('past', Date.now() - 1),
    item('past too', 0),
    item('future', Date.now() + 3_600_000),
    item('future too', Date.now() + 3_600_000),
  ]);
  assert.equal(plain(await opened.backend.getMany(['past', 'past too', 'future'])), [undefined, undefined, [1]]);
  assert.is(await opened.backend.deleteMany(['past', 'future']), 1);
  assert.equal(await itemsIn(opened), [':future too', ':past too']);
  assert.is(await opened.backend.clear(''), 1);
  assert.equal(await itemsIn(opened), []);
  await close(opened);
});

test('a touch changes both ends of a record, and neither what is expired nor what is no record', async () => {
  const opened = await open();
  const { backend } = opened;
  await backend.setMany([{ ...entry('short'), ttlMs: 60_000 }, { ...entry('long'), ttlMs: 7_200_000 }, entry('ever')]);
  const end = { e: { N: String(Date.now() + 60_000) }, t: { N: '9999999999' } };
  await putRaw(opened, { k: { S: ':past' }, v: { B: Uint8Array.of(1) }, e: { N: '1' }, t: { N: '9999999999' } });
  await putRaw(opened, { k: { S: ':lease' }, h: { S: 'one' }, ...end });
  const before = await endsIn(opened);
  const start = Date.now();
  const keys = ['short', 'long', 'ever', 'past', 'lease', 'none'];
  await backend.touchMany(keys.map((key) => ({ key, ttlMs: 3_600_000.2 })));
  const done = Date.now();
  const after = await endsIn(opened);
  const { e = 0, t = 0 } = after.get(':short') ?? {};
  assert.ok(e >= start + 3_600_001 && e <= done + 3_600_001, String(e));
  assert.is(t, Math.ceil(e / 1000));
  after.delete(':short');
  before.delete(':short');
  assert.equal(after, before);
  assert.equal(plain(await backend.getMany(['short', 'past'])), [[1, 1, 1, 1], undefined]);
  await close(opened);
});

test('a lease is an item; one that ended is taken though it is still in the table', async () => {
  const opened = await open();
  const { leases } = opened.backend;
  const start = Date.now();
  assert.equal(await leases.acquire(['a'], 'one', 60_000), [true]);
  const { e = 0, t = 0 } = (await endsIn(opened)).get(':a') ?? {};
  assert.ok(e >= start + 60_000 && e <= Date.now() + 60_000);
  assert.is(t, Math.ceil(e / 1000));
  assert.equal(await opened.backend.getMany(['a']), [undefined]);
  await putRaw(opened, { k: { S: ':b' }, h: { S: 'two' }, e: { N: String(Date.now() - 1) }, t: { N: '9999999999' } });
  assert.equal(await leases.acquire(['b'], 'one', 60_000), [true]);
  assert.equal(await leases.acquire(['b'], 'two', 60_000), [false]);
  await leases.release(['a', 'b'], 'two');
  assert.equal(await itemsIn(opened), [':a', ':b']);
  await leases.release(['a', 'b', 'none'], 'one');
  assert.equal(await itemsIn(opened), []);
  await close(opened);
});

test('touches and leases are a request for each key, some at once; refused names are read once more, consistently', async () => {
  const opened = await open({ concurrency: 3, consistentRead: false });
  const seen: string[] = [];
  let [atOnce, most] = [0, 0];
  intercept(opened.client, async (operation, input, next) => {
    const [request] = Object.values(input.RequestItems ?? {}) as { ConsistentRead?: boolean }[];
    seen.push(request ? `${operation} ${request.ConsistentRead}` : operation);
    atOnce += 1;
    most = Math.max(most, atOnce);
    try {
      return await next(input);
    } finally {
      atOnce -= 1;
    }
  });
  const countOf = async (call: () => Promise<unknown>) => {
    seen.length = 0;
    await call();
    return Object.fromEntries([...new Set(seen)].map((name) => [name, seen.filter((each) => each === name).length]));
  };
  const { backend } = opened;
  const keys = keysOf(30);
  await backend.setMany(keys.map((key) => ({ ...entry(key), ttlMs: 60_000 })));
  const touches = keys.map((key) => ({ key, ttlMs: 600_000 }));
  assert.equal(await countOf(() => backend.touchMany([...touches, ...touches])), { UpdateItemCommand: 30 });
  assert.is(most, 3);
  const names = keys.map((key) => `${key} lease`);
  assert.equal(await countOf(() => backend.leases.acquire([...names, ...names], 'one', 60_000)), {
    PutItemCommand: 30,
  });
  const contended = await countOf(() => backend.leases.acquire(names, 'two', 60_000));
  assert.equal(contended, { PutItemCommand: 30, 'BatchGetItemCommand true': 1 });
  assert.equal(await countOf(() => backend.leases.release(names, 'one')), { DeleteItemCommand: 30 });
  await close(opened);
});

test("other people's items are misses, spoil nothing, and survive clear where their keys are not ours", async () => {
  const opened = await open();
  const value = { B: Uint8Array.of(7) };
  await Promise.all([
    putRaw(opened, { k: { S: ':no value' } }),
    putRaw(opened, { k: { S: ':text' }, v: { S: 'text' } }),
    putRaw(opened, { k: { S: ':list' }, v: { L: [value] } }),
    putRaw(opened, { k: { S: ':text life' }, v: value, e: { S: '99999999999999' } }),
    putRaw(opened, { k: { S: ':flag life' }, v: value, e: { BOOL: true } }),
    putRaw(opened, { k: { S: 'unmarked' }, v: value }),
  ]);
  await opened.backend.setMany([entry('ours')]);
  const keys = ['no value', 'text', 'list', 'text life', 'flag life', 'unmarked', 'nmarked', 'ours'];
  assert.equal(plain(await opened.backend.getMany(keys)), [...keys.slice(1).map(() => undefined), [1, 1, 1, 1]]);
  assert.is(await opened.backend.deleteMany(['text life', 'flag life', 'ours', 'unmarked']), 1);
  await opened.backend.clear('');
  assert.equal(await itemsIn(opened), ['unmarked']);
  await close(opened);
});

test('clear trusts no filter', async () => {
  const opened = await open();
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
    const opened = await open(consistentRead === undefined ? {} : { consistentRead });
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
  const opened = await open();
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

test('a part that fails is told to the context, rejects without one, and nothing is begun after it', async () => {
  const opened = await open({ concurrency: 1 });
  const keys = keysOf(450);
  await opened.backend.setMany(keys.map((key) => entry(key)));
  let sent = 0;
  let fine = 2;
  intercept(opened.client, async (_, input, next) => {
    sent += 1;
    if (sent <= fine) return next(input);
    const message = `no such key: ${SECRET_KEY}`;
    throw Object.assign(new Error(message), { name: 'ValidationException', input, $response: { body: SECRET_VALUE } });
  });
  const { told, context } = reader();
  const values = await opened.backend.getMany(keys, context);
  assert.equal(
    values.map((value) => value !== undefined),
    keys.map((_, n) => n < 200),
  );
  assert.is(told.length, 1);
  assertTellsNothing(told[0]);
  assert.is((told[0] as Error).message, 'DynamoDB: 250 of 450 reads failed: ValidationException');
  assert.is(sent, 3);
  sent = 0;
  assertTellsNothing(await rejection(opened.backend.getMany(keys)));
  sent = 0;
  const write = await rejection(opened.backend.setMany(keys.map((key) => entry(key, 2))));
  assertTellsNothing(write);
  assert.is(write.message, 'DynamoDB: 400 of 450 writes failed: ValidationException');
  sent = 0;
  fine = 0;
  assertTellsNothing(await rejection(opened.backend.getMany(keys, context)));
  assert.is(told.length, 1, 'nothing was read: that is no partial failure');
  await close(opened);
});

test('a table that is not there is told as such', async () => {
  const opened = await open({ table: 'none-of-this-name' });
  for (const { message } of await rejections(opened.backend)) assert.match(message, /ResourceNotFoundException$/);
  const { ok, detail, latencyMs } = await opened.backend.health();
  assert.equal(
    { ok, detail, latencyMs },
    { ok: false, detail: 'DynamoDB: ResourceNotFoundException', latencyMs: Number.NaN },
  );
  await close(opened);
});

test('health wants an active table with our key', async () => {
  const opened = await open();
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

test('an endpoint that is down fails calls at once', async () => {
  const gone = await startDynamoDB();
  const table = await newTable(gone);
  await gone.stop();
  const backend = new DynamoDBBackend({ table, region: REGION, endpoint: gone.endpoint });
  for (const { message } of await rejections(backend)) assert.match(message, /ECONNREFUSED$/);
  assert.is((await backend.health()).detail, 'DynamoDB: ECONNREFUSED');
  await backend.close();
});

test("a server that never answers costs one request's time, however large the batch", async () => {
  const silent = await startFake(() => {});
  const backend = new DynamoDBBackend({ table: 'abc', region: REGION, endpoint: silent.endpoint, requestTimeout: 200 });
  for (const { message } of await rejections(backend)) assert.match(message, /no answer in time$/);
  assert.is((await backend.health()).detail, 'DynamoDB: no answer in time');
  const before = silent.requests.BatchWriteItem ?? 0;
  const error = await rejection(backend.setMany(keysOf(1000).map((key) => entry(key))));
  assert.is(error.message, 'DynamoDB: 1000 of 1000 writes failed: no answer in time');
  assert.ok((silent.requests.BatchWriteItem ?? 0) - before <= 8, 'no more than were under way at once');
  await backend.close();
  await silent.stop();
});

test('a reader who is short of time is answered when it says so', async () => {
  const warnings: string[] = [];
  const note = ({ name }: Error) => void warnings.push(name);
  process.on('warning', note);
  const silent = await startFake(() => {});
  const options = { table: 'abc', region: REGION, endpoint: silent.endpoint, concurrency: 20 };
  const backend = new DynamoDBBackend({ ...options, requestTimeout: '30d' });
  const stop = new AbortController();
  const { told, context } = reader(stop.signal);
  const reading = rejection(backend.getMany([SECRET_KEY, ...keysOf(3000)], context));
  await until('the requests are there', () => silent.requests.BatchGetItem === 20);
  stop.abort();
  assertTellsNothing(await reading);
  assertTellsNothing(await rejection(backend.getMany([SECRET_KEY], context)));
  assert.is(silent.requests.BatchGetItem, 20, 'for a reader who is gone nothing is asked');
  assert.equal(told, []);
  await backend.close();
  await silent.stop();
  process.off('warning', note);
  assert.equal(
    warnings.filter((name) => name.startsWith('MaxListeners')),
    [],
  );
});

test('what came before the reader gave up is returned', async () => {
  const opened = await open();
  const keys = keysOf(250);
  await opened.backend.setMany(keys.map((key) => entry(key)));
  const stop = new AbortController();
  let sent = 0;
  let answered = 0;
  intercept(opened.client, async (_, input, next) => {
    sent += 1;
    if (sent === 2) return new Promise(() => {});
    const output = await next(input);
    answered += 1;
    if (answered === 2) setImmediate(() => stop.abort());
    return output;
  });
  const { told, context } = reader(stop.signal);
  const values = await opened.backend.getMany(keys, context);
  assert.equal(
    values.map((value) => value !== undefined),
    keys.map((_, n) => n < 100 || n >= 200),
  );
  assert.is((told[0] as Error).message, 'DynamoDB: 100 of 250 reads failed: no answer in time');
  await close(opened);
});

test('what DynamoDB and the SDK refuse is told by its name alone', async () => {
  let type = '';
  const refusing = await startFake((request, response) => {
    request.resume();
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify({ __type: `com.amazon.coral.service#${type}`, message: `${SECRET_KEY} is not right` }));
  });
  const options = { table: 'abc', region: REGION, endpoint: refusing.endpoint };
  // The SDK tries what is throttled again, after pauses of its own.
  const backend = new DynamoDBBackend({ ...options, requestTimeout: '60s' });
  for (type of ['UnrecognizedClientException', 'AccessDeniedException', 'ThrottlingException']) {
    for (const { message } of await rejections(backend)) assert.ok(message.endsWith(`: ${type}`), message);
    assert.is((await backend.health()).detail, `DynamoDB: ${type}`);
  }
  type = `the ${SECRET_KEY}`;
  await rejections(backend);
  await backend.close();

  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;
  delete process.env.AWS_ACCESS_KEY_ID;
  const poor = new DynamoDBBackend(options);
  for (const { message } of await rejections(poor)) assert.match(message, /CredentialsProviderError$/);
  await poor.close();
  Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });

  const nowhere = new DynamoDBBackend({ table: 'abc', endpoint: refusing.endpoint });
  for (const { message } of await rejections(nowhere)) assert.match(message, /no region/);
  await nowhere.close();
  await refusing.stop();
});

test('a throttled request is tried again by an own client', async () => {
  const throttling = await startFake((request, response) => {
    request.resume();
    const isFirst = throttling.requests.BatchGetItem === 1;
    response.writeHead(isFirst ? 400 : 200, { 'content-type': 'application/x-amz-json-1.0' });
    const items = [{ k: { S: ':a' }, v: { B: 'AQID' } }];
    response.end(JSON.stringify(isFirst ? { __type: 'x#ThrottlingException' } : { Responses: { abc: items } }));
  });
  const backend = new DynamoDBBackend({ table: 'abc', region: REGION, endpoint: throttling.endpoint });
  assert.equal(plain(await backend.getMany(['a', 'b'])), [[1, 2, 3], undefined]);
  assert.is(throttling.requests.BatchGetItem, 2);
  await backend.close();
  await throttling.stop();
});

const tableTest = suite('createDynamoDBTable');

tableTest('makes the table, waits for it, and leaves one that is there', async () => {
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

tableTest('turns the TTL on where it is off, and refuses one of another attribute', async () => {
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
  const table = await newTable();
  for (const status of ['DISABLED', 'ENABLING', 'ENABLED']) {
    description = { TimeToLiveStatus: status, ...(status !== 'DISABLED' && { AttributeName: 't' }) };
    await createDynamoDBTable({ table, client });
  }
  assert.equal(orders, [{ AttributeName: 't', Enabled: true }]);
  description = { TimeToLiveStatus: 'ENABLED', AttributeName: 'expires' };
  assert.match((await rejection(createDynamoDBTable({ table, client }))).message, /another TTL attribute/);
  client.destroy();
});

tableTest('refuses a table of another key, and tells what fails', async () => {
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

const contractServer = await startDynamoDB();
const contractTable = await newTable(contractServer);
const contractClient = contractServer.client();
backendContract('DynamoDBBackend: dynalite', {
  open: () => new DynamoDBBackend({ table: contractTable, client: contractClient }),
  after: async () => {
    contractClient.destroy();
    await contractServer.stop();
  },
});
tableTest.run();
test.run();
