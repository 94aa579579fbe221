import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { until } from '../../src/testing/until.js';
import { entry, plain } from '../support/entries.js';
import { freePort, startRedis } from '../support/redis-server.js';
import { rejection } from '../support/rejection.js';
import { assertTellsNothing, SECRET_KEY, SECRET_VALUE } from '../support/secrets.js';
import { skipped } from '../support/skip.js';

// Each test has servers of its own: this one only says whether they may be killed.
const server = await startRedis();
const test = suite('outages of Redis');
const only = server.isPrivate ? test : test.skip;
if (!server.isPrivate) skipped('RedisBackend, outages: this server may not be killed');

test.after(() => server.stop());

const TIMED_OUT = /timed out/;

const untilItWorks = (backend: RedisBackend) =>
  until('the backend works', () =>
    backend.getMany(['a']).then(
      () => true,
      () => false,
    ),
  );

only('no server at construction: calls fail fast, and work after it has come', async () => {
  const port = await freePort();
  // Who waited for a connection would be told far too late.
  const backend = new RedisBackend({ url: `redis://127.0.0.1:${port}`, connectTimeout: '1m', commandTimeout: '1m' });
  for (const call of [
    () => backend.getMany([SECRET_KEY]),
    () => backend.getMany([SECRET_KEY]),
    () => backend.setMany([{ key: SECRET_KEY, value: SECRET_VALUE }]),
  ]) {
    let error: Error | undefined;
    void rejection(call()).then((reason) => {
      error = reason;
    });
    await until('the call fails', () => error !== undefined);
    assert.match(error?.message ?? '', /not connected \(ECONNREFUSED\)/);
    assertTellsNothing(error);
  }
  const health = await backend.health();
  assert.is(health.ok, false);
  assert.match(health.detail ?? '', /ECONNREFUSED/);
  const late = await startRedis({ port });
  await untilItWorks(backend);
  await backend.close();
  await late.stop();
});

only('a backend that never had a connection can be closed', async () => {
  const backend = new RedisBackend(`redis://127.0.0.1:${await freePort()}`);
  await backend.close();
  const refused = new RedisBackend(`redis://127.0.0.1:${await freePort()}`);
  await rejection(refused.getMany(['a']));
  await refused.close();
});

only('a server that nobody can reach delays the first calls by connectTimeout, and close works', async () => {
  // Accepts, and then says nothing.
  const silent = await startRedis();
  silent.pause();
  const [patient, backend] = ['1m' as const, 200].map(
    (connectTimeout) => new RedisBackend({ url: silent.url, connectTimeout }),
  ) as [RedisBackend, RedisBackend];
  let isWaiting = true;
  const waiting = rejection(patient.getMany(['a'])).finally(() => {
    isWaiting = false;
  });
  const error = await rejection(backend.getMany([SECRET_KEY]));
  assert.match(error.message, /not connected/);
  assertTellsNothing(error);
  assert.ok(isWaiting, 'by connectTimeout, and by nothing else');
  await Promise.all([patient.close(), backend.close(), waiting]);
  silent.resume();
  await silent.stop();
});

only('kill -9 under load, and the server comes back at the same port', async () => {
  const victim = await startRedis();
  const backend = new RedisBackend(victim.url);
  await backend.setMany([entry('a')]);
  victim.pause();
  const pending = Array.from({ length: 50 }, () => rejection(backend.getMany([SECRET_KEY])));
  // They are on their way before the server is killed.
  await new Promise((resolve) => setImmediate(resolve));
  await victim.kill();
  for (const error of await Promise.all(pending)) {
    assert.not.match(error.message, TIMED_OUT, 'what is under way fails with the connection');
    assertTellsNothing(error);
  }
  await until('the loss is noticed', async () => !(await backend.health()).ok);
  for (let index = 0; index < 100; index += 1) {
    const error = await rejection(backend.getMany([SECRET_KEY]));
    assert.not.match(error.message, TIMED_OUT);
    assertTellsNothing(error);
  }
  await victim.restart();
  await untilItWorks(backend);
  assert.equal(await backend.getMany(['a']), [undefined], 'the server is empty now');
  await backend.close();
  await victim.stop();
});

only('a frozen server fails calls in time, its connection is given up, and nothing is sent twice', async () => {
  const frozen = await startRedis();
  const backend = new RedisBackend({ url: frozen.url, commandTimeout: 300 });
  await backend.setMany([entry('a')]);
  frozen.pause();
  const error = await rejection(backend.setMany([{ key: SECRET_KEY, value: SECRET_VALUE }]));
  assert.match(error.message, /1 of 1 writes failed: command timed out/);
  assertTellsNothing(error);
  await until(
    'the connection is given up',
    async () => /not connected/.test((await backend.health()).detail ?? ''),
    3000,
  );
  frozen.resume();
  await untilItWorks(backend);
  assert.equal(plain(await backend.getMany(['a'])), [[1, 1, 1, 1]]);
  const client = new Redis(frozen.url);
  assert.match(await client.info('commandstats'), /cmdstat_set:calls=[12],/);
  client.disconnect();
  await backend.close();
  await frozen.stop();
});

only('a full server refuses writes and serves reads', async () => {
  const full = await startRedis();
  const admin = new Redis(full.url);
  const backend = new RedisBackend(full.url);
  await backend.setMany([entry('a')]);
  await admin.config('SET', 'maxmemory', '1');
  const error = await rejection(backend.setMany([{ key: SECRET_KEY, value: SECRET_VALUE }, entry('b')]));
  assert.match(error.message, /2 of 2 writes failed: OOM/);
  assertTellsNothing(error);
  assert.equal(plain(await backend.getMany(['a'])), [[1, 1, 1, 1]]);
  assert.is(await backend.deleteMany(['a']), 1);
  admin.disconnect();
  await backend.close();
  await full.stop();
});

test.run();
