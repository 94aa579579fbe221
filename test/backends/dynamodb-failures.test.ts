import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seeded } from '../../bench/vectors.js';
import { DynamoDBBackend } from '../../src/backends/dynamodb/dynamodb.js';
import { until } from '../../src/testing/until.js';
import { intercept, leaveUnprocessed, REGION, startDynamoDB, startFake } from '../support/dynamodb.js';
import { bytesFor } from '../support/dynamodb-bytes.js';
import { close, itemsIn, newTable, open } from '../support/dynamodb-tables.js';
import { entry, keysOf, plain } from '../support/entries.js';
import { reader } from '../support/reader.js';
import { rejection } from '../support/rejection.js';
import { assertTellsNothing, SECRET_KEY, SECRET_VALUE } from '../support/secrets.js';

const server = await startDynamoDB();
const test = suite('DynamoDBBackend, failures');

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

test.after(() => server.stop());

test('what is left unprocessed is asked again, and every answer finds its place', async () => {
  const seed = Number(process.env.VECSTASH_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const random = seeded(seed);
  const opened = await open(server);
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
    const table = await newTable(server);
    const before = await open(server, { table });
    await before.backend.setMany(entries(1));
    const opened = await open(server, { table, client: before.client, requestTimeout: 1500 });
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
    some.failures.map(({ message }) => message),
    [read.message],
  );
  assert.is(nothing.message, 'DynamoDB: 25 of 25 reads failed: left unprocessed');
  assert.equal(none.failures, [], 'nothing was read: that is no partial failure');
});

test('a part that fails is told to the context, rejects without one, and nothing is begun after it', async () => {
  const opened = await open(server, { concurrency: 1 });
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
  const { failures, context } = reader();
  const values = await opened.backend.getMany(keys, context);
  assert.equal(
    values.map((value) => value !== undefined),
    keys.map((_, n) => n < 200),
  );
  assert.is(failures.length, 1);
  assertTellsNothing(failures[0]);
  assert.is(failures[0]?.message, 'DynamoDB: 250 of 450 reads failed: ValidationException');
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
  assert.is(failures.length, 1, 'nothing was read: that is no partial failure');
  await close(opened);
});

test('a table that is not there is told as such', async () => {
  const opened = await open(server, { table: 'none-of-this-name' });
  for (const { message } of await rejections(opened.backend)) assert.match(message, /ResourceNotFoundException$/);
  const { ok, detail, latencyMs } = await opened.backend.health();
  assert.equal(
    { ok, detail, latencyMs },
    { ok: false, detail: 'DynamoDB: ResourceNotFoundException', latencyMs: Number.NaN },
  );
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
  const { failures, context } = reader(stop);
  const reading = rejection(backend.getMany([SECRET_KEY, ...keysOf(3000)], context));
  await until('the requests are there', () => silent.requests.BatchGetItem === 20);
  stop.abort();
  assertTellsNothing(await reading);
  assertTellsNothing(await rejection(backend.getMany([SECRET_KEY], context)));
  assert.is(silent.requests.BatchGetItem, 20, 'for a reader who is gone nothing is asked');
  assert.equal(failures, []);
  await backend.close();
  await silent.stop();
  process.off('warning', note);
  assert.equal(
    warnings.filter((name) => name.startsWith('MaxListeners')),
    [],
  );
});

test('what came before the reader gave up is returned', async () => {
  const opened = await open(server);
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
  const { failures, context } = reader(stop);
  const values = await opened.backend.getMany(keys, context);
  assert.equal(
    values.map((value) => value !== undefined),
    keys.map((_, n) => n < 100 || n >= 200),
  );
  assert.is(failures[0]?.message, 'DynamoDB: 100 of 250 reads failed: no answer in time');
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

test.run();
