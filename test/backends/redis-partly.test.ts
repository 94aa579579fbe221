import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReadContext } from '../../src/backends/backend.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { InvalidOptionError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { entry, plain } from '../support/entries.js';
import { startRedis } from '../support/redis-server.js';
import { rejection } from '../support/rejection.js';
import { onceRule, startRespProxy } from '../support/resp-proxy.js';
import { assertTellsNothing, SECRET_KEY, SECRET_VALUE } from '../support/secrets.js';
import { skipped } from '../support/skip.js';

const server = await startRedis();
const test = suite('a Redis that serves in part');
const only = server.isPrivate ? test : test.skip;
if (!server.isPrivate) skipped('a Redis that serves in part: it needs servers that refuse as a test wants it');

const open: (() => unknown)[] = [];
const closing = <T extends { disconnect(): void; on(event: 'error', listener: () => void): unknown }>(client: T): T => {
  client.on('error', () => {});
  open.push(() => client.disconnect());
  return client;
};

test.after.each(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
test.after(() => server.stop());

async function startProxy(url = server.url) {
  const proxy = await startRespProxy(Number(new URL(url).port));
  open.push(() => proxy.stop());
  return proxy;
}

function openBackend(...options: ConstructorParameters<typeof RedisBackend>): RedisBackend {
  const backend = new RedisBackend(...options);
  open.push(() => backend.close());
  return backend;
}

function contextOf(signal: AbortSignal, more: Partial<ReadContext> = {}) {
  const failures: unknown[] = [];
  return { failures, context: { signal, onPartialFailure: (error: unknown) => void failures.push(error), ...more } };
}

const manyOf = (count: number) => Array.from({ length: count }, (_, index) => `many:${index}`);

only('no room for a connection more: the one there is reads and writes', async () => {
  const full = await startRedis();
  open.push(() => full.stop());
  const admin = closing(new Redis(full.url));
  const proxy = await startProxy(full.url);
  // The client of ioredis is connected, and the one for reads finds no room.
  await admin.config('SET', 'maxclients', '2');
  const backend = openBackend(proxy.url);
  await until('it writes', () =>
    backend.setMany([entry('a')]).then(
      () => true,
      () => false,
    ),
  );
  const refusals = proxy.accepted;
  await until('the other one was refused a few times', async () => {
    assert.equal(plain(await backend.getMany(['a'])), [[1, 1, 1, 1]]);
    return proxy.accepted > refusals + 2;
  });
  await admin.config('SET', 'maxclients', '100');
  await until('it has room', async () => {
    assert.equal(plain(await backend.getMany(['a'])), [[1, 1, 1, 1]]);
    return /cmd=(mget|ping)[\s\S]*cmd=mget/.test((await admin.client('LIST')) as string);
  });
});

only('the connection that writes hangs, is cut or cannot be had: reads go on', async () => {
  const proxy = await startProxy();
  const backend = openBackend(proxy.url);
  await backend.setMany([entry('a')]);
  const reads = () => proxy.connections.find(({ commands }) => commands.has('MGET') && !commands.has('SET'));
  await until('reads have a connection of their own', async () => {
    await backend.getMany(['a']);
    return reads() !== undefined;
  });
  for (const connection of proxy.connections) if (connection !== reads()) connection.isBlackHole = true;
  const pending = rejection(backend.setMany([entry('b')]));
  for (let i = 0; i < 50; i++) assert.equal(plain(await backend.getMany(['a'])), [[1, 1, 1, 1]]);
  for (const connection of proxy.connections) if (connection !== reads()) connection.destroy();
  assert.equal(plain(await backend.getMany(['a'])), [[1, 1, 1, 1]]);
  await pending;
  assert.equal(plain(await backend.getMany(['a'])), [[1, 1, 1, 1]]);
});

only('a read that nobody waits for any more returns what has come, and sends nothing more', async () => {
  const keys = manyOf(640);
  const proxy = await startProxy();
  for (const make of [() => openBackend(proxy.url), () => openBackend(closing(new Redis({ port: proxy.port })))]) {
    proxy.rule = undefined;
    const backend = make();
    await backend.setMany(keys.map((key) => entry(key)));
    await until('reads have a connection', async () => {
      await backend.getMany(keys);
      return proxy.connections.some(({ commands }) => commands.has('MGET'));
    });
    const controller = new AbortController();
    let mgets = 0;
    // From the third on they take for ever.
    proxy.rule = ({ command }) => (command === 'MGET' && ++mgets > 2 ? { delay: 60_000 } : undefined);
    let progress = 0;
    const { failures, context } = contextOf(controller.signal, {
      onProgress: () => void progress++,
      onPart: (first) => void (first === 64 && controller.abort()),
    });
    const values = await backend.getMany(keys, context);
    assert.is(values.filter(Boolean).length, 128);
    assert.ok(values.slice(0, 128).every(Boolean));
    assert.is(failures.length, 1);
    if (make.toString().includes('proxy.url')) assert.ok(progress > 0);
    const aborted = contextOf(AbortSignal.abort());
    assert.match((await rejection(backend.getMany(keys, aborted.context))).message, /no answer in time/);
    proxy.rule = undefined;
    proxy.cut();
  }
});

only('a small read does not wait for all of a large one', async () => {
  const proxy = await startProxy();
  const backend = openBackend(proxy.url);
  const keys = manyOf(2000);
  await backend.setMany(keys.map((key) => ({ key, value: new Uint8Array(5000) })));
  await until('reads have a connection', async () => {
    await backend.getMany(keys);
    return proxy.connections.some(({ commands }) => commands.has('MGET') && !commands.has('SET'));
  });
  proxy.rate = 20e6;
  let isLargeOver = false;
  const large = backend.getMany(keys).then((values) => {
    isLargeOver = true;
    return values;
  });
  assert.is((await backend.getMany(['many:1']))[0]?.length, 5000);
  assert.is(isLargeOver, false);
  assert.ok((await large).every((value) => value?.length === 5000));
});

only('a value beyond any record costs itself, and little memory', async () => {
  const backend = openBackend(server.url);
  const admin = closing(new Redis(server.url));
  await backend.setMany([entry('a'), entry('b')]);
  await admin.setrange('large', 300 * 2 ** 20, 'x');
  await until('reads have a connection', async () => {
    await backend.getMany(['a']);
    return /cmd=(mget|ping) /.test((await admin.client('LIST')) as string);
  });
  const before = process.memoryUsage().rss;
  assert.equal(plain(await backend.getMany(['a', 'large', 'b'])), [[1, 1, 1, 1], undefined, [1, 1, 1, 1]]);
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 100 * 2 ** 20, `${grown} bytes`);
  assert.equal(plain(await backend.getMany(['b'])), [[1, 1, 1, 1]]);
  await admin.del('large');
});

only("the user's client that is away is not fed, and what was under way is not sent again", async () => {
  const proxy = await startProxy();
  const client = closing(new Redis({ port: proxy.port, retryStrategy: () => 20 }));
  const backend = openBackend(client);
  await backend.setMany([entry('a')]);
  // Replies to writes never come: these are under way when the connection is cut.
  proxy.rule = ({ command }) => (command === 'SET' || command === 'EVAL' ? 'drop' : undefined);
  const under = [
    rejection(backend.setMany([entry('late')])),
    rejection(backend.locks.acquire([SECRET_KEY], 'one', 60_000)),
    rejection(backend.leases.acquire([SECRET_KEY], 'one', 60_000)),
  ];
  await until('they are under way', () => proxy.count('EVAL') === 2);
  await proxy.refuse();
  for (const error of await Promise.all(under)) assertTellsNothing(error);
  await until('the loss is known', () => client.status !== 'ready');
  proxy.rule = undefined;
  const sent = proxy.count();
  for (let i = 0; i < 200; i++) {
    for (const call of [
      backend.getMany([SECRET_KEY]),
      backend.setMany([{ key: SECRET_KEY, value: SECRET_VALUE }]),
      backend.leases.release([SECRET_KEY], 'one'),
      backend.locks.release([SECRET_KEY], 'one'),
    ]) {
      const error = await rejection(call);
      assert.match(error.message, /not connected/);
      assertTellsNothing(error);
    }
  }
  const admin = closing(new Redis(server.url));
  await admin.del('late');
  await proxy.accept();
  await until('it is back', () =>
    backend.getMany(['a']).then(
      ([value]) => value !== undefined,
      () => false,
    ),
  );
  assert.ok(proxy.count() - sent < 20, `${proxy.count() - sent} commands after the return`);
  assert.is(await admin.exists('late'), 0, 'nothing removed comes back');
});

only('a cluster behind a URL is named', async () => {
  const node = await startRedis({ args: ['--cluster-enabled', 'yes'] });
  open.push(() => node.stop());
  const admin = closing(new Redis(node.url));
  await admin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16383);
  await until('it serves', async () => /cluster_state:ok/.test(String(await admin.call('CLUSTER', 'INFO'))));
  const backend = openBackend(node.url);
  const health = await backend.health();
  assert.is(health.ok, false);
  assert.match(health.detail ?? '', /give RedisBackend an ioredis Cluster/);
  assert.match((await rejection(backend.getMany(['a', 'b']))).message, /give RedisBackend an ioredis Cluster/);
});

test('a URL that cannot be used is one error, which does not tell it', () => {
  for (const url of [
    'redis://:hunter2-SECRET@127.0.0.1:99999',
    'redis://:hunter2-SECRET@[::g]:6379',
    'redis://:hunter2-SEC%RET@127.0.0.1:6379',
    'redis://:hunter2#SECRET@127.0.0.1:6379',
    'redis://:hunter2/SECRET@127.0.0.1:6379',
    'redis://:a@127.0.0.1:6379/0#SECRET',
  ]) {
    assert.throws(
      () => new RedisBackend(url),
      (error: unknown) =>
        error instanceof InvalidOptionError && error.option === 'url' && !/SECRET|hunter/.test(String(error.stack)),
      url,
    );
  }
});

only('URLs as they are handed out', async () => {
  const guarded = await startRedis();
  open.push(() => guarded.stop());
  const admin = closing(new Redis(guarded.url));
  await admin.call('ACL', 'SETUSER', 'nopass', 'on', 'nopass', '~*', '&*', '+@all');
  await admin.call('ACL', 'SETUSER', 'app', 'on', '>p@ss:/w?rd#1%20é', '~*', '&*', '+@all');
  await admin.call('ACL', 'SETUSER', 'default', 'off');
  const address = guarded.url.replace('redis://', '');
  const password = encodeURIComponent('p@ss:/w?rd#1%20é');
  for (const url of [
    `redis://nopass@${address}`,
    `redis://nopass:@${address}/`,
    `redis://app:${password}@${address}\n`,
    ` redis://app:${password}@${address}/0?keyPrefix=x:`,
  ]) {
    const backend = openBackend(url);
    await backend.setMany([entry('a')]);
    assert.equal(plain(await backend.getMany(['a'])), [[1, 1, 1, 1]], url);
    assert.ok((await backend.health()).ok);
    await backend.close();
  }
});

test('times that no timer can wait for are as long as it can', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error) => void warnings.push(warning);
  process.on('warning', warned);
  const backend = openBackend({ url: server.url, connectTimeout: '30d', commandTimeout: '300d' });
  await backend.setMany([entry('timer')]);
  assert.equal(plain(await backend.getMany(['timer'])), [[1, 1, 1, 1]]);
  await backend.deleteMany(['timer']);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', warned);
  assert.equal(warnings, []);
});

only('what nobody asked for does not end the process', async () => {
  const proxy = await startProxy();
  const client = closing(new Redis({ port: proxy.port, retryStrategy: () => 20 }));
  const backend = openBackend(client);
  await backend.setMany([entry('a')]);
  // ioredis throws where nobody can catch it for a nil that comes while it waits for nothing.
  proxy.rule = onceRule('double', ({ command }) => command === 'GET');
  assert.is(await client.get('none'), null);
  await until('the connection is made anew', () => proxy.accepted === 2);
  await until('it reads', () =>
    backend.getMany(['a']).then(
      () => true,
      () => false,
    ),
  );
});

test.run();
