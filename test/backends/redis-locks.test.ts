import { once } from 'node:events';
import { connect } from 'node:net';
import calculateSlot from 'cluster-key-slot';
import { Cluster, Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { tagsOf } from '../../src/backends/redis/cluster/slots.js';
import { LockNames } from '../../src/backends/redis/locks/lock-names.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { entry, plain } from '../support/entries.js';
import { startCluster, whyNoCluster } from '../support/redis-cluster.js';
import { startRedis } from '../support/redis-server.js';
import { startRespProxy } from '../support/resp-proxy.js';
import { skipped } from '../support/skip.js';

const server = await startRedis();
const test = suite('locks in Redis');
const only = server.isPrivate ? test : test.skip;
if (!server.isPrivate) skipped('locks in Redis: they need a server of their own');

/** Clients and whatever else is to end with its test, whatever becomes of that. */
const open: (() => unknown)[] = [];
const closing = <T extends { disconnect(): void }>(client: T): T => {
  open.push(() => client.disconnect());
  return client;
};

test.after.each(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
test.after(() => server.stop());

/** Keys with every place that a brace or a colon may have. */
const KEYS = [
  'vecstash:v1:docs:1',
  'a',
  '',
  ':',
  'a:{b}c',
  '{a}:b',
  '{a}b:{c}',
  'a{b:c}d',
  'a{b',
  'a}b',
  'a:b}c',
  'a{}b',
  '{}',
  'a}{b:c',
  'lock:{a}',
  'a:lock:{a:b}',
  'a:lock:{b}:c',
  'é\u{1F600}:{é}',
];

test('a lock lies in the slot of its key, and its name tells the key', () => {
  const tagOf = tagsOf(calculateSlot);
  const seen = new Set<string>();
  for (const keyPrefix of ['', 'app:', 'a:b:', 'p', '{app}', '{app}:x:']) {
    const names = new LockNames(keyPrefix, tagOf);
    for (const key of KEYS) {
      const name = names.of(key) as string;
      assert.is(calculateSlot(keyPrefix + name), calculateSlot(keyPrefix + key), `${keyPrefix}${key}: ${name}`);
      assert.is(names.keyOf(keyPrefix + name), keyPrefix + key, `${keyPrefix}${key}: ${name}`);
      assert.not(seen.has(`${keyPrefix} ${name}`));
      seen.add(`${keyPrefix} ${name}`);
    }
    assert.is(names.keyOf(`${keyPrefix}vecstash:v1:docs:1`), undefined);
  }
  assert.is(new LockNames('').of('vecstash:v1:docs:1'), 'vecstash:lock:{vecstash:v1:docs:1}');
  assert.is(new LockNames('a:').of('b:c'), 'lock:{a:b:c}', 'whoever writes the same key finds the same lock');
  assert.is(new LockNames('').of('a:b:c'), 'a:lock:{a:b:c}');
  // A prefix that opens a brace and does not close it lets nothing have a tag of its own.
  assert.is(new LockNames('{}').of('a}'), undefined);
  assert.is(new LockNames('', tagOf).of('a:{}{b}'), undefined);
});

test('removals end the locks before they remove the records', async () => {
  const proxy = await startRespProxy(Number(new URL(server.url).port));
  open.push(() => proxy.stop());
  const client = closing(new Redis({ port: proxy.port, stringNumbers: true, keyPrefix: 'app:' }));
  const backend = new RedisBackend({ client });
  const commands: string[] = [];
  const monitor = connect(Number(new URL(server.url).port), '127.0.0.1');
  open.push(() => monitor.destroy());
  monitor.write('MONITOR\r\n');
  await once(monitor, 'data');
  monitor.on('data', (lines) => {
    for (const [, command, key] of String(lines).matchAll(/\[\d [^l][^\]]*\] "(\w+)" "([^"]*)"/g)) {
      commands.push(`${command} ${key}`);
    }
  });
  const seen = async () => {
    await client.set('end', 1);
    while (!commands.includes('set app:end')) await new Promise((resolve) => setImmediate(resolve));
    await client.del('end');
    return commands.splice(0).filter((command) => !/ app:end|^(del|hello|info|client|ping)/.test(command));
  };
  const [lock, key] = ['app:lock:{app:a}', 'app:a'];
  await backend.setMany([entry('a')]);
  assert.equal(await seen(), [`unlink ${lock}`, `set ${key}`]);
  assert.is(await backend.deleteMany(['a']), 1);
  assert.equal(await seen(), [`unlink ${lock}`, `unlink ${key}`]);
  assert.equal(await backend.locks.acquire(['a', 'b'], 'one', 60_000), [true, true]);
  assert.equal(await backend.locks.setMany([entry('a')], 'one'), [true]);
  await seen();
  // 'b' is locked still; all is counted but that.
  assert.is(await backend.clear(''), 1);
  const order = (await seen()).filter((command) => /^unlink/.test(command));
  assert.is(order[0], 'unlink app:lock:{app:b}');
  assert.equal(await backend.locks.setMany([entry('b')], 'one'), [false]);
});

test('a value of another type is no lock, and stays', async () => {
  const client = closing(new Redis(server.url));
  const backend = new RedisBackend({ client });
  await client.lpush('x:lock:{x:list}', 1);
  await client.set('x:lock:{x:ever}', 'somebody');
  const keys = ['x:list', 'x:ever', 'x:free'];
  for (const force of [false, true]) {
    assert.equal(await backend.locks.acquire(keys, 'one', 60_000, { force }), [false, false, true]);
  }
  assert.equal(
    await backend.locks.setMany(
      keys.map((key) => entry(key)),
      'one',
    ),
    [false, false, true],
  );
  assert.equal([await client.llen('x:lock:{x:list}'), await client.get('x:lock:{x:ever}')], [1, 'somebody']);
});

only('1000 locks are one round trip, few commands, and bounded scripts', async () => {
  const proxy = await startRespProxy(Number(new URL(server.url).port));
  open.push(() => proxy.stop());
  const backend = new RedisBackend({ client: closing(new Redis({ port: proxy.port })) });
  const keys = Array.from({ length: 1000 }, (_, index) => `x:${index}`);
  await backend.getMany([]);
  await backend.health();
  const before = proxy.count('EVAL');
  assert.ok((await backend.locks.acquire(keys, 'one', 60_000)).every(Boolean));
  assert.is(proxy.count('EVAL') - before, 16);
  const large = keys.slice(0, 8).map((key) => ({ key, value: new Uint8Array(300_000) }));
  const start = proxy.count('EVAL');
  assert.ok((await backend.locks.setMany(large, 'one')).every(Boolean));
  assert.is(proxy.count('EVAL') - start, 8, 'no script takes more than half a megabyte, but for one record');
  assert.is((await backend.getMany(['x:7']))[0]?.length, 300_000);
  await backend.clear('');
});

const noCluster = await whyNoCluster();
if (noCluster) skipped(`locks in a cluster: ${noCluster}`);
else {
  test('a cluster: any key can be locked, and scripts are known by their digest', async () => {
    const cluster = await startCluster();
    open.push(() => cluster.stop());
    // A record under the name of another's lock is in its way.
    const ordinary = KEYS.filter((key) => key !== '' && !key.includes('lock:{a'));
    const keys = [...ordinary, ...Array.from({ length: 200 }, (_, index) => `x:${index}`)];
    for (const keyPrefix of ['', 'app:']) {
      const client = closing(new Cluster(cluster.seeds, { keyPrefix }));
      const backend = new RedisBackend(client);
      const all = keys.map(() => true);
      assert.equal(await backend.locks.acquire(['a:{}{b}'], 'one', 60_000), [false], 'the only ones that cannot');
      assert.equal(await backend.locks.acquire(keys, 'one', 60_000), all);
      for (const { admin } of cluster.nodes) await admin.script('FLUSH');
      assert.equal(
        await backend.locks.setMany(
          keys.map((key) => entry(key)),
          'one',
        ),
        all,
      );
      assert.ok(plain(await backend.getMany(keys)).every((value) => value?.length === 4));
      assert.equal(await backend.locks.acquire(keys, 'one', 60_000), all);
      assert.is(await backend.clear(''), keys.length);
      assert.equal(
        await backend.locks.renew(keys, 'one', 60_000),
        keys.map(() => false),
      );
    }
    const stats = await Promise.all(cluster.nodes.map(({ admin }) => admin.info('commandstats')));
    const calls = (name: string) =>
      stats.reduce((sum, text) => sum + Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(text)?.[1] ?? 0), 0);
    assert.ok(calls('evalsha') > 10 * calls('eval'), `${calls('evalsha')} and ${calls('eval')}`);
    for (const { admin } of cluster.nodes) {
      await admin.call('ACL', 'SETUSER', 'default', '-evalsha');
    }
    const client = closing(new Cluster(cluster.seeds));
    assert.ok((await new RedisBackend(client).locks.acquire(keys, 'one', 60_000)).every(Boolean), 'without EVALSHA');
  });
}

test.run();
