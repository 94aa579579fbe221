import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidInputError } from '../../src/errors.js';
import { countAtOnce, startDynamoDB } from '../support/dynamodb.js';
import { close, itemsIn, type Opened, open, putRaw } from '../support/dynamodb-tables.js';
import { entry, keysOf, plain } from '../support/entries.js';
import { rejection } from '../support/rejection.js';

const server = await startDynamoDB();
const test = suite('DynamoDBBackend, TTLs, touches and leases');

/** Both ends of each item, by its stored key. */
async function endsIn({ client, table }: Opened): Promise<Map<string, { e: number; t: number }>> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: table }));
  return new Map(Items.map(({ k, e, t }) => [k?.S as string, { e: Number(e?.N), t: Number(t?.N) }]));
}

test.after(() => server.stop());

test('TTLs are stored exactly, and in whole seconds for DynamoDB, never too few', async () => {
  const opened = await open(server, { ttl: '1h' });
  const start = Date.now();
  await opened.backend.setMany([
    { ...entry('own'), ttlMs: 90_000.2 },
    entry('default'),
    { ...entry('long'), ttlMs: 1e300 },
  ]);
  const end = Date.now();
  const ends = await endsIn(opened);
  for (const [key, ttlMs] of [
    [':own', 90_001],
    [':default', 3_600_000],
    [':long', 9e12],
  ] as const) {
    const { e = 0, t = 0 } = ends.get(key) ?? {};
    assert.ok(e >= start + ttlMs && e <= end + ttlMs, key);
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
  const opened = await open(server);
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
  const opened = await open(server);
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
  const opened = await open(server);
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
  const opened = await open(server, { concurrency: 3, consistentRead: false });
  const seen: string[] = [];
  const counted = countAtOnce(opened.client, (operation, input) => {
    const [request] = Object.values(input.RequestItems ?? {}) as { ConsistentRead?: boolean }[];
    seen.push(request ? `${operation} ${request.ConsistentRead}` : operation);
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
  assert.is(counted.most, 3);
  const names = keys.map((key) => `${key} lease`);
  assert.equal(await countOf(() => backend.leases.acquire([...names, ...names], 'one', 60_000)), {
    PutItemCommand: 30,
  });
  const contended = await countOf(() => backend.leases.acquire(names, 'two', 60_000));
  assert.equal(contended, { PutItemCommand: 30, 'BatchGetItemCommand true': 1 });
  assert.equal(await countOf(() => backend.leases.release(names, 'one')), { DeleteItemCommand: 30 });
  await close(opened);
});

test.run();
