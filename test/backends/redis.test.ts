import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { type BackendError, InvalidOptionError } from '../../src/errors.js';
import { backendContract } from '../contract/backend-contract.js';
import { startCountingProxy } from '../support/counting-proxy.js';
import { entry, plain } from '../support/entries.js';
import { reader } from '../support/reader.js';
import { startRedis } from '../support/redis-server.js';
import { rejection } from '../support/rejection.js';
import { assertTellsNothing, SECRET_KEY } from '../support/secrets.js';
import { skipped } from '../support/skip.js';

const server = await startRedis();
const test = suite('RedisBackend');
const prefix = `test-${process.pid}-${Date.now()}:`;

test.after(() => server.stop());

test('1000 keys are a handful of commands', async () => {
  const client = new Redis(server.url);
  const backend = new RedisBackend({ client });
  const keys = Array.from({ length: 1000 }, (_, index) => `${prefix}many:${index}`);
  const calls = async () => {
    const stats = await client.info('commandstats');
    const count = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    return {
      mget: count('mget'),
      unlink: count('unlink'),
      get: count('get'),
      keys: count('keys'),
      scan: count('scan'),
    };
  };
  await backend.setMany(keys.map((key) => entry(key)));
  const before = await calls();
  assert.ok((await backend.getMany(keys)).every((value) => value?.length === 4));
  assert.is(await backend.deleteMany(keys), 1000);
  const after = await calls();
  assert.ok(after.mget - before.mget <= 16, `${after.mget - before.mget} MGET`);
  assert.ok(after.unlink - before.unlink <= 32, 'locks, and then records');
  assert.is(after.get, before.get);

  await backend.setMany(keys.map((key) => entry(key)));
  assert.is(await backend.clear(`${prefix}many:`), 1000);
  const cleared = await calls();
  assert.is(cleared.keys, 0);
  assert.ok(cleared.scan > after.scan);
  client.disconnect();
});

if (!server.isPrivate) skipped('RedisBackend, round trips: what goes through a proxy needs a Redis of its own');
else {
  test('1000 touches are one command each, and one round trip', async () => {
    const proxy = await startCountingProxy(Number(new URL(server.url).port));
    const client = new Redis({ port: proxy.port });
    const backend = new RedisBackend({ client });
    const keys = Array.from({ length: 1000 }, (_, index) => `${prefix}many:${index}`);
    await backend.setMany(keys.map((key) => ({ ...entry(key), ttlMs: 60_000 })));
    // A server that does not know GT says so once.
    await backend.touchMany([{ key: keys[0] as string, ttlMs: 1000 }]);
    const roundTrips = async (call: () => Promise<unknown>) => {
      proxy.roundTrips = 0;
      await call();
      return proxy.roundTrips;
    };
    assert.is(await roundTrips(() => backend.touchMany(keys.map((key) => ({ key, ttlMs: 90_000.2 })))), 1);
    const ttl = await client.pttl(keys[999] as string);
    assert.ok(ttl > 80_000 && ttl <= 90_001, `${ttl} ms`);
    const names = keys.map((key) => `${key}:lease`);
    assert.is(await roundTrips(() => backend.leases.acquire(names, 'one', 60_000)), 1);
    assert.is(await client.get(names[999] as string), 'one', 'a name is a key that holds its holder');
    const leased = await client.pttl(names[999] as string);
    assert.ok(leased > 50_000 && leased <= 60_000, `${leased} ms`);
    assert.is(await roundTrips(() => backend.leases.release(names, 'one')), 1);
    assert.is(await backend.clear(prefix), 1000);
    client.disconnect();
    await proxy.stop();
  });
}

test('REDIS_URL is used when nothing is given', async () => {
  const before = process.env.REDIS_URL;
  try {
    process.env.REDIS_URL = server.url;
    const backend = new RedisBackend();
    assert.ok((await backend.health()).ok);
    await backend.close();
    delete process.env.REDIS_URL;
    assert.throws(
      () => new RedisBackend(),
      (error: unknown) => error instanceof InvalidOptionError,
    );
    process.env.REDIS_URL = 'http://user:hunter2@host';
    assert.throws(
      () => new RedisBackend({}),
      (error: Error) => /url/.test(error.message) && !/hunter2/.test(error.message),
    );
  } finally {
    if (before === undefined) delete process.env.REDIS_URL;
    else process.env.REDIS_URL = before;
  }
});

test('options are checked', () => {
  const cases: [unknown, string][] = [
    ['http://localhost', 'url'],
    [{ url: 5 }, 'url'],
    [{ url: server.url, ttl: 'never' }, 'ttl'],
    [{ url: server.url, host: 'x' }, 'host'],
    [{ client: {} }, 'client'],
    [{ url: server.url, connectTimeout: 0 }, 'connectTimeout'],
  ];
  for (const [options, name] of cases) {
    assert.throws(
      () => new RedisBackend(options as string),
      (error: unknown) => error instanceof InvalidOptionError && error.option === name,
      inspect(options),
    );
  }
});

test("the user's client is used as it is, and not closed", async () => {
  const client = new Redis(server.url, { keyPrefix: `${prefix}app*:` });
  for (const options of [client, { client }]) {
    const backend = new RedisBackend(options);
    await backend.setMany([entry('x:1'), entry('x:2'), entry('y')]);
    assert.ok(await client.getBuffer('x:1'));
    assert.is(await backend.clear('x:'), 2, 'clear knows of the keyPrefix');
    assert.equal(plain(await backend.getMany(['x:1', 'y'])), [undefined, [1, 1, 1, 1]]);
    await backend.close();
    assert.is(await rejection(backend.getMany(['y'])).then((error) => (error as BackendError).code), 'CLOSED');
    assert.is(client.status, 'ready');
    assert.is(await client.del('y'), 1);
  }
  client.disconnect();
});

test('TTLs become whole milliseconds', async () => {
  const client = new Redis(server.url);
  const backend = new RedisBackend({ client, ttl: '1h' });
  await backend.setMany([
    { ...entry(`${prefix}a`), ttlMs: 90_000.2 },
    entry(`${prefix}b`),
    { ...entry(`${prefix}c`), ttlMs: 1e300 },
  ]);
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((key) => client.pttl(prefix + key)));
  assert.ok((a as number) > 80_000 && (a as number) <= 90_001);
  assert.ok((b as number) > 3_500_000 && (b as number) <= 3_600_000);
  assert.ok((c as number) > 1e12);
  assert.is(
    ((await rejection(backend.setMany([{ ...entry('x'), ttlMs: Number.NaN }]))) as BackendError).code,
    'INVALID_INPUT',
  );
  await backend.clear(prefix);
  client.disconnect();
});

test('a server that does not know GT: a script does it from then on', async () => {
  const client = new Redis(server.url);
  const asked: string[] = [];
  const send = client.sendCommand.bind(client);
  client.sendCommand = (command, ...rest) => {
    asked.push(command.name);
    // Without its time as without GT a server answers that the number of arguments is wrong, which is what old ones say.
    if (command.name === 'pexpire') command.args.length = 1;
    return send(command, ...rest);
  };
  const backend = new RedisBackend({ client });
  const ttls = async () =>
    (await Promise.all(keys.map((key) => client.pttl(key)))).map((ttl) => Math.round(ttl / 60_000));
  const keys = ['short', 'long', 'ever', 'none'].map((name) => `${prefix}${name}`);
  const [short, long, ever] = keys as [string, string, string];
  await backend.setMany([{ ...entry(short), ttlMs: 60_000 }, { ...entry(long), ttlMs: 3_600_000 }, { ...entry(ever) }]);
  await backend.touchMany(keys.map((key, index) => ({ key, ttlMs: (10 + (index % 2)) * 60_000 })));
  assert.equal(await ttls(), [10, 60, 0, 0]);
  assert.is(await client.pttl(ever), -1);
  asked.length = 0;
  await backend.touchMany(keys.map((key) => ({ key, ttlMs: 1_200_000 })));
  assert.equal(
    asked.filter((name) => name !== 'ping'),
    ['eval'],
    'it is asked for GT once',
  );
  assert.equal(await ttls(), [20, 60, 0, 0]);
  await backend.clear(prefix);
  client.disconnect();
});

test("leases and touches know of the client's keyPrefix, and spoil no value of another type", async () => {
  const [plainClient, client] = [new Redis(server.url), new Redis(server.url, { keyPrefix: `${prefix}app:` })];
  const backend = new RedisBackend({ client });
  assert.equal(await backend.leases.acquire(['a'], 'one', 60_000), [true]);
  assert.is(await plainClient.get(`${prefix}app:a`), 'one');
  await backend.setMany([{ ...entry('b'), ttlMs: 60_000 }]);
  await backend.touchMany([{ key: 'b', ttlMs: 600_000 }]);
  assert.ok((await plainClient.pttl(`${prefix}app:b`)) > 500_000);
  await client.lpush('list', 'x');
  assert.equal(await backend.leases.acquire(['list', 'c'], 'one', 60_000), [false, true]);
  await backend.leases.release(['list', 'a'], 'one');
  assert.equal([await client.llen('list'), await client.exists('a')], [1, 0]);
  await backend.clear('');
  for (const each of [plainClient, client]) each.disconnect();
});

test('a value of another type is a miss and spoils nothing', async () => {
  const client = new Redis(server.url);
  const backend = new RedisBackend({ client });
  await client.lpush(`${prefix}list`, 'x');
  await backend.setMany([entry(`${prefix}a`)]);
  assert.equal(plain(await backend.getMany([`${prefix}list`, `${prefix}a`])), [undefined, [1, 1, 1, 1]]);
  await backend.clear(prefix);
  client.disconnect();
});

test('a part that fails is told to the context, and rejects without one', async () => {
  // One MGET of the pipeline fails: what is answered for the others is real.
  const client = new Redis(server.url);
  const backend = new RedisBackend({ client });
  const keys = Array.from({ length: 256 }, (_, index) => `${prefix}part:${index}`);
  await backend.setMany(keys.map((key) => entry(key)));
  const mget = client.mgetBuffer.bind(client);
  const failFrom = (first: number) => {
    let sent = 0;
    Object.assign(client, {
      mgetBuffer: (chunk: string[]) => {
        const failure = Object.assign(new Error(`ERR ${SECRET_KEY}`), {
          name: 'ReplyError',
          command: { args: [SECRET_KEY] },
        });
        return sent++ >= first ? Promise.reject(failure) : mget(chunk);
      },
    });
  };
  failFrom(1);
  const { failures, context } = reader();
  const values = await backend.getMany(keys, context);
  const first = values.indexOf(undefined);
  assert.ok(first > 0 && values.slice(0, first).every((value) => value), 'the first command answered');
  assert.ok(values.slice(first).every((value) => value === undefined));
  assert.is(failures.length, 1);
  assertTellsNothing(failures[0]);
  assertTellsNothing(await rejection(backend.getMany(keys)));
  failFrom(0);
  assertTellsNothing(await rejection(backend.getMany(keys, context)));
  assert.is(failures.length, 1, 'nothing was read: that is no partial failure');
  Object.assign(client, { mgetBuffer: mget });
  await backend.clear(prefix);
  client.disconnect();
});

test('the first run of a read is sent before the second is made', async () => {
  const client = new Redis(server.url);
  const backend = new RedisBackend({ client });
  let sent = 0;
  const mget = client.mgetBuffer.bind(client);
  Object.assign(client, {
    mgetBuffer: (chunk: string[]) => {
      sent += chunk.length;
      return mget(chunk);
    },
  });
  const sentBefore: number[] = [];
  function* runs() {
    for (const length of [128, 1, 256]) {
      sentBefore.push(sent);
      yield Array.from({ length }, (_, index) => `${prefix}${index}`);
    }
  }
  assert.is((await backend.getRuns(runs())).length, 385);
  assert.equal(sentBefore, [0, 128, 129]);
  client.disconnect();
});

backendContract('RedisBackend: redis-server, ioredis 6', {
  open: () => new RedisBackend(server.url),
  isExclusive: server.isPrivate,
});
const client5 = new Redis5(server.url);
backendContract('RedisBackend: redis-server, a client of ioredis 5', {
  open: () => new RedisBackend(client5 as unknown as Redis),
  isExclusive: server.isPrivate,
  after: () => client5.disconnect(),
});
test.run();
