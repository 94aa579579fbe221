import calculateSlot from 'cluster-key-slot';
import { Cluster } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis-5';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CacheBackend } from '../../src/backends/backend.js';
import { withBreaker } from '../../src/backends/breaker.js';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { createCache } from '../../src/cache/cache.js';
import { until } from '../../src/testing/until.js';
import { backendContract } from '../contract/backend-contract.js';
import { startCountingProxy } from '../support/counting-proxy.js';
import { testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { startCluster, whyNoCluster } from '../support/redis-cluster.js';
import { rejection } from '../support/rejection.js';
import { skipped } from '../support/skip.js';

const entry = (key: string, fill = 1) => ({ key, value: new Uint8Array(4).fill(fill) });
const plain = (values: (Uint8Array | undefined)[]) => values.map((value) => value?.[0]);

async function run(): Promise<void> {
  const cluster = await startCluster();
  const test = suite('RedisBackend on a cluster');
  const clients: Cluster[] = [];
  const connect = (options: ConstructorParameters<typeof Cluster>[1] = {}) => {
    const client = new Cluster(cluster.seeds, options);
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
  const keys = Array.from({ length: 1000 }, (_, index) => `cluster:${index}`);

  test.after.each(async () => {
    for (const client of clients.splice(0)) client.disconnect();
  });

  test('1000 keys are one round trip to each node', async () => {
    const proxies = await Promise.all(cluster.nodes.map(({ port }) => startCountingProxy(port)));
    const natMap = Object.fromEntries(
      cluster.nodes.map(({ port }, index) => [
        `127.0.0.1:${port}`,
        { host: '127.0.0.1', port: proxies[index]?.port as number },
      ]),
    );
    const backend = new RedisBackend(connect({ natMap }));
    const roundTrips = async (call: () => Promise<unknown>) => {
      for (const proxy of proxies) proxy.roundTrips = 0;
      await call();
      return proxies.map((proxy) => proxy.roundTrips);
    };
    await backend.getMany(keys);
    // A server that does not know GT says so once.
    await backend.touchMany([{ key: 'none', ttlMs: 1 }]);
    assert.equal(await roundTrips(() => backend.setMany(keys.map((key) => entry(key)))), [1, 1, 1]);
    assert.equal(await roundTrips(() => backend.getMany(keys)), [1, 1, 1]);
    assert.equal(await roundTrips(() => backend.touchMany(keys.map((key) => ({ key, ttlMs: 1 })))), [1, 1, 1]);
    const names = keys.map((key) => `lease:${key}`);
    assert.equal(await roundTrips(() => backend.leases.acquire(names, 'one', 60_000)), [1, 1, 1]);
    assert.equal(await roundTrips(() => backend.leases.release(names, 'one')), [1, 1, 1]);
    assert.equal(await roundTrips(() => backend.deleteMany(keys)), [1, 1, 1]);
    for (const proxy of proxies) await proxy.stop();
  });

  test('a keyPrefix of the client counts wherever it was given', async () => {
    for (const options of [{ keyPrefix: 'app*:' }, { redisOptions: { keyPrefix: 'app*:' } }]) {
      const client = connect(options);
      const backend = new RedisBackend({ client });
      await backend.setMany(keys.map((key) => entry(key)));
      assert.ok(await client.getBuffer('cluster:1'), 'where the client itself finds it');
      assert.equal(plain(await backend.getMany(['cluster:7', 'none'])), [1, undefined]);
      assert.equal(await backend.leases.acquire(['lease', 'other'], 'one', 60_000), [true, true]);
      assert.is(await client.get('lease'), 'one');
      await backend.setMany([{ ...entry('cluster:8'), ttlMs: 60_000 }]);
      await backend.touchMany([{ key: 'cluster:8', ttlMs: 600_000 }]);
      assert.ok((await client.pttl('cluster:8')) > 500_000);
      await backend.leases.release(['lease', 'other'], 'one');
      assert.is(await backend.deleteMany(['cluster:7', 'none']), 1);
      assert.is(await backend.clear('cluster:'), 999);
    }
  });

  test('a slot on its way: what is asked of the wrong node is asked of the right one', async () => {
    const backend = new RedisBackend(connect());
    await backend.setMany(keys.map((key, index) => entry(key, index)));
    const slot = calculateSlot(keys[0] as string);
    const from = cluster.ownerOf(slot);
    const to = cluster.nodes.find((node) => node !== from) as typeof from;
    const expected = keys.map((_, index) => index % 256);
    const all = async (what: string) => assert.equal(plain(await backend.getMany(keys)), expected, what);
    await cluster.beginMove(slot, from, to);
    await all('nothing has moved');
    await cluster.moveKeys(slot, from, to, 10);
    await all('the keys have moved, and the slot not: ASK');
    await backend.setMany([entry(keys[0] as string, 0)]);
    await all('written by way of ASK');
    const names = [`{${keys[0]}}:lease`, `{${keys[0]}}:other`];
    assert.equal(await backend.leases.acquire(names, 'one', 60_000), [true, true], 'taken by way of ASK');
    const ttl = () => to.admin.call('ASKING').then(() => to.admin.pttl(keys[0] as string));
    await backend.setMany([{ ...entry(keys[0] as string, 0), ttlMs: 60_000 }]);
    await backend.touchMany([{ key: keys[0] as string, ttlMs: 600_000 }]);
    assert.ok((await ttl()) > 500_000, 'touched by way of ASK');
    await cluster.endMove(slot, to);
    await all('the slot has moved: MOVED');
    const late = new RedisBackend(connect());
    assert.equal(await late.leases.acquire(names, 'two', 60_000), [false, false]);
    await backend.leases.release(names, 'one');
    assert.equal(await late.leases.acquire(names, 'two', 60_000), [true, true]);
    await late.leases.release(names, 'two');
    assert.is(await backend.deleteMany([keys[0] as string]), 1);
    assert.is(await backend.clear('cluster:'), 999);
  });

  test('100 moves of slots under load: nothing fails, nothing is wrong, hardly anything is missed', async () => {
    const DIMENSIONS = 16;
    const texts = Array.from({ length: 2000 }, (_, index) => `text ${index}`);
    const model = testModel(DIMENSIONS);
    const cache = createCache({ backend: new RedisBackend(connect()), readTimeout: '5s', keyPrefix: 'moves' });
    const docs = cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, embed: model.embed });
    await docs.embed(texts);
    const computed = () => model.calls.flat().length;
    const before = computed();
    let isMoving = true;
    let asked = 0;
    const load = async () => {
      while (isMoving) {
        const vectors = await docs.embed(texts);
        asked += texts.length;
        vectors.forEach((vector, index) => {
          assert.is(bytesOf(vector), bytesOf(prf(texts[index] as string, DIMENSIONS)));
        });
      }
    };
    const loads = [load(), load()];
    const slots = [...new Set(texts.map((text) => calculateSlot(docs.keyOf(text))))].slice(0, 100);
    for (const slot of slots) {
      const from = cluster.ownerOf(slot);
      const to = cluster.nodes.find((node) => node !== from) as typeof from;
      await cluster.beginMove(slot, from, to);
      while (await cluster.moveKeys(slot, from, to, 1));
      await cluster.endMove(slot, to);
    }
    isMoving = false;
    await Promise.all(loads);
    assert.is(slots.length, 100);
    assert.ok(asked > 10 * texts.length, `${asked} lookups`);
    assert.ok(computed() - before <= asked / 100, `${computed() - before} misses in ${asked}`);
    assert.is(cache.stats().docs?.errors, 0);
    assert.is(await cache.clear(), texts.length);
  });

  test('a node that is frozen, then dead, then back costs what it holds', async () => {
    const backend = new RedisBackend(connect());
    await backend.setMany(keys.map((key) => entry(key)));
    const victim = cluster.nodes[1] as (typeof cluster.nodes)[number];
    const isVictims = keys.map((key) => cluster.ownerOf(calculateSlot(key)) === victim);
    const guarded = withBreaker(backend);
    const readAll = async (over: CacheBackend = backend) => {
      const failures: unknown[] = [];
      const values = await over.getMany(keys, {
        signal: AbortSignal.timeout(300),
        onPartialFailure: (error) => failures.push(error),
      });
      return { values: plain(values), failures };
    };
    const withoutVictim = isVictims.map((isGone) => (isGone ? undefined : 1));

    victim.server.pause();
    for (const over of [guarded, backend]) {
      // The node's own breaker gives up before the one of the whole does.
      const frozen = await readAll(over);
      assert.equal(frozen.values, withoutVictim);
      assert.is(frozen.failures.length, 1);
    }
    victim.server.resume();
    await until('the node answers again', async () => (await readAll()).failures.length === 0);

    await victim.server.kill();
    await until('the loss is noticed', async () => (await readAll()).failures.length === 1);
    assert.equal((await readAll()).values, withoutVictim);
    assert.is((await backend.health()).ok, false);
    assert.match((await backend.health()).detail ?? '', /1 of 3 nodes are not connected/);
    assert.match((await rejection(backend.getMany(keys))).message, /Redis: /);
    const written = await rejection(backend.setMany(keys.map((key) => entry(key, 2))));
    assert.match(written.message, new RegExp(`Redis: ${isVictims.filter(Boolean).length} of 1000 writes failed`));

    await victim.server.restart();
    await until('everything is served', async () => {
      const { values, failures } = await readAll();
      return (
        failures.length === 0 && values.filter((value) => value === 2).length === isVictims.filter((is) => !is).length
      );
    });
    await until('everything can be written', () =>
      backend.setMany(keys.map((key) => entry(key, 3))).then(
        () => true,
        () => false,
      ),
    );
    assert.is(await backend.clear('cluster:'), 1000);
  });

  test('instances on a cluster hear of one another', async () => {
    const open = () => new HybridBackend(new MemoryBackend(), new RedisBackend(connect()));
    const [one, other] = [open(), open()];
    for (const backend of [one, other]) {
      await until('it hears', async () => (await backend.health()).detail === undefined);
    }
    await one.setMany([entry('a', 1), entry('b', 1)]);
    assert.equal(plain(await other.getMany(['a', 'b'])), [1, 1]);
    assert.is(await one.deleteMany(['a']), 1);
    assert.is(await one.clear('b'), 1);
    assert.equal(plain(await other.getMany(['a', 'b'])), [undefined, undefined]);
    await Promise.all([one.close(), other.close()]);
  });

  test('a client that is closed rejects', async () => {
    const client = connect();
    const backend = new RedisBackend(client);
    await backend.getMany(['a']);
    client.disconnect();
    for (const call of [() => backend.getMany(['a']), () => backend.setMany([entry('a')]), () => backend.clear('a')]) {
      assert.match((await rejection(call())).message, /^Redis: /);
    }
    await backend.close();
  });

  test.run();
  for (const [name, make] of [
    ['ioredis 6', () => connect()],
    ['ioredis 5', () => connect5()],
  ] as const) {
    backendContract(`RedisBackend: a cluster of three redis-servers, ${name}`, {
      open: () => new RedisBackend(make()),
      after: async () => {
        for (const client of clients.splice(0)) client.disconnect();
        if (name === 'ioredis 5') await cluster.stop();
      },
    });
  }
  function connect5(): Cluster {
    const client = new Cluster5(cluster.seeds) as unknown as Cluster;
    clients.push(client);
    return client;
  }
}

const missing = await whyNoCluster();
if (missing) skipped(`RedisBackend on a cluster: ${missing}`);
else await run();
