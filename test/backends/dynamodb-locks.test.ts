import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LOCK_GRACE } from '../../src/backends/shell/locks.js';
import { intercept, startDynamoDB } from '../support/dynamodb.js';
import { close, itemsIn, type Opened, open, putRaw } from '../support/dynamodb-tables.js';
import { entry, keysOf, plain } from '../support/entries.js';
import { rejection } from '../support/rejection.js';
import { assertTellsNothing, SECRET_KEY } from '../support/secrets.js';

const HOUR = 3_600_000;
const server = await startDynamoDB();
const test = suite('DynamoDBBackend, locks');

test.after(() => server.stop());

/** The one item of the table, its numbers as such. */
async function itemIn({ client, table }: Opened): Promise<Record<string, unknown>> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: table }));
  assert.is(Items.length, 1);
  return Object.fromEntries(
    Object.entries(Items[0] ?? {}).map(([name, { S, N, B }]) => [name, N === undefined ? (S ?? B) : Number(N)]),
  );
}

/** How many requests of each kind a call sends. */
async function requestsOf(call: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = { ...server.requests };
  await call();
  const counts = Object.entries(server.requests).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

test('the lock of what has no record is an item that goes away, and no record to anybody', async () => {
  const opened = await open(server);
  const { backend } = opened;
  const start = Date.now();
  await backend.locks.acquire(['a'], 'one', HOUR);
  const { u, t, ...rest } = (await itemIn(opened)) as { u: number; t: number };
  assert.equal(rest, { k: ':a', w: 'one', e: 0 });
  assert.ok(u >= start + HOUR && u <= Date.now() + HOUR);
  assert.is(t, Math.ceil((u + LOCK_GRACE) / 1000));
  await backend.locks.renew(['a'], 'one', 2 * HOUR);
  const renewed = (await itemIn(opened)) as { u: number; t: number };
  assert.ok(renewed.u >= start + 2 * HOUR);
  assert.is(renewed.t, Math.ceil((renewed.u + LOCK_GRACE) / 1000));
  await backend.touchMany([{ key: 'a', ttlMs: 9 * HOUR }]);
  assert.equal(await itemIn(opened), renewed);
  assert.equal(await backend.getMany(['a']), [undefined]);
  assert.is(await backend.clear(''), 0);
  assert.equal(await itemsIn(opened), []);
  await close(opened);
});

test('a lock leaves a record as it is, and whatever is written or removed ends it', async () => {
  const opened = await open(server);
  const { backend } = opened;
  await backend.setMany([{ ...entry('a'), ttlMs: HOUR }]);
  const record = await itemIn(opened);
  await backend.locks.acquire(['a'], 'one', 2 * HOUR);
  await backend.locks.renew(['a'], 'one', 3 * HOUR);
  const { w, u, ...rest } = (await itemIn(opened)) as { w: string; u: number };
  assert.equal([rest, w], [record, 'one']);
  assert.ok(u > Date.now() + 2.5 * HOUR);
  assert.equal(plain(await backend.getMany(['a'])), [[1, 1, 1, 1]]);
  await backend.locks.release(['a'], 'two');
  assert.is((await itemIn(opened)).w, 'one');
  await backend.locks.release(['a'], 'one');
  assert.equal(await itemIn(opened), record);

  await backend.locks.acquire(['a'], 'one', HOUR);
  assert.equal(await backend.locks.setMany([entry('a', 2)], 'one'), [true]);
  assert.equal(Object.keys(await itemIn(opened)).sort(), ['k', 'v']);
  await close(opened);
});

test('a lock takes the place of a record that is expired, so that its own end counts', async () => {
  const opened = await open(server);
  const past = { e: { N: String(Date.now() - 1) }, t: { N: '1' } };
  await putRaw(opened, { k: { S: ':a' }, v: { B: Uint8Array.of(1) }, ...past });
  assert.equal(await opened.backend.locks.acquire(['a'], 'one', HOUR), [true]);
  const item = await itemIn(opened);
  assert.equal(Object.keys(item).sort(), ['e', 'k', 't', 'u', 'w']);
  assert.ok((item.t as number) > Date.now() / 1000);
  await close(opened);
});

test('a lock is a request for each key, and two where it has a record', async () => {
  const opened = await open(server);
  const { locks } = opened.backend;
  const keys = keysOf(30);
  assert.equal(await requestsOf(() => locks.acquire([...keys, ...keys], 'one', HOUR)), { UpdateItem: 30 });
  assert.equal(await requestsOf(() => locks.acquire(keys, 'two', HOUR)), { UpdateItem: 60, BatchGetItem: 1 });
  assert.equal(
    await requestsOf(() =>
      locks.setMany(
        keys.map((key) => entry(key)),
        'one',
      ),
    ),
    { PutItem: 30 },
  );
  assert.equal(await requestsOf(() => locks.acquire(keys, 'two', HOUR)), { UpdateItem: 60 });
  assert.equal(await requestsOf(() => locks.release(keys, 'two')), { DeleteItem: 30, UpdateItem: 30 });
  await close(opened);
});

test('calls take effect in their order, however late the first is', async () => {
  const opened = await open(server);
  const { backend, client } = opened;
  let arrive = () => {};
  const after = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  let isFirst = true;
  intercept(client, async (_, input, next) => {
    const waits = isFirst;
    isFirst = false;
    if (waits) await after;
    return next(input);
  });
  const pending = [backend.setMany([entry('a')]), backend.deleteMany(['a'])];
  // Other keys wait for nothing.
  await backend.setMany([entry('b')]);
  arrive();
  assert.equal(await Promise.all(pending), [undefined, 1]);
  assert.equal(await itemsIn(opened), [':b']);
  await close(opened);
});

test('failures are typed and tell nothing', async () => {
  const opened = await open(server);
  intercept(opened.client, async () => {
    throw Object.assign(new Error(SECRET_KEY), { name: 'ThrottlingException' });
  });
  const { locks } = opened.backend;
  for (const call of [
    () => locks.acquire([SECRET_KEY], SECRET_KEY, HOUR),
    () => locks.renew([SECRET_KEY], SECRET_KEY, HOUR),
    () => locks.setMany([entry(SECRET_KEY)], SECRET_KEY),
    () => locks.release([SECRET_KEY], SECRET_KEY),
  ]) {
    const error = await rejection(call());
    assert.is(error.message, 'DynamoDB: 1 of 1 locks failed: ThrottlingException');
    assertTellsNothing(error);
  }
  await close(opened);
});

test.run();
