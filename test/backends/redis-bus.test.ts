import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import type { HybridBackendOptions } from '../../src/backends/hybrid/options.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend, type RedisBackendOptions } from '../../src/backends/redis/redis.js';
import { BackendError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { startRedis } from '../support/redis-server.js';
import { rejection } from '../support/rejection.js';
import { skipped } from '../support/skip.js';

const server = await startRedis();
const root = fileURLToPath(new URL('../..', import.meta.url));
const test = suite('pub/sub of Redis between instances');
const prefix = `bus-${process.pid}-${Date.now()}:`;
const channel = `${prefix}channel`;

const entry = (key: string, fill = 1) => ({ key: prefix + key, value: new Uint8Array(4).fill(fill) });
const open = (options: Partial<RedisBackendOptions> = {}, hybrid: HybridBackendOptions = {}) => {
  const memory = new MemoryBackend();
  const redis = new RedisBackend({ ...(options.client === undefined && { url: server.url }), channel, ...options });
  const backend = new HybridBackend(memory, redis, hybrid);
  return {
    memory,
    backend,
    read: async (key: string) => (await backend.getMany([prefix + key]))[0]?.[0],
    hears: () => until('it hears', async () => (await backend.health()).detail === undefined),
  };
};
const pair = async (options: Partial<RedisBackendOptions> = {}) => {
  const [one, other] = [open(options), open(options)];
  await Promise.all([one.hears(), other.hears()]);
  return { one, other, close: () => Promise.all([one.backend.close(), other.backend.close()]) };
};

test.after(() => server.stop());

// The first one: the timers of others would be among those of before.
test('what is closed keeps no process alive', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
  const before = timers();
  const { close } = await pair();
  await close();
  await until('no timer is left', () => timers() <= before, 1500);
});

test('removals are over everywhere when they resolve, overwrites soon after', async () => {
  const { one, other, close } = await pair();
  for (let round = 0; round < 50; round += 1) {
    await one.backend.setMany([entry('a', 1), entry('b', 1)]);
    assert.is(await other.read('a'), 1);
    assert.is(await other.read('b'), 1);
    assert.is(await one.backend.deleteMany([`${prefix}a`]), 1);
    assert.is(await other.read('a'), undefined);
    assert.is(await other.backend.clear(`${prefix}b`), 1);
    assert.is(await one.read('b'), undefined);
  }
  await one.backend.setMany([entry('a', 1)]);
  assert.is(await other.read('a'), 1);
  await one.backend.setMany([entry('a', 2)]);
  await until('the overwrite is heard', async () => (await other.read('a')) === 2);
  await one.backend.clear(prefix);
  await close();
});

test('messages carry keys and prefixes, and no values', async () => {
  const { one, close } = await pair();
  const listener = new Redis(server.url);
  const messages: string[] = [];
  await listener.subscribe(channel);
  listener.on('message', (_channel, text) => messages.push(text));
  const value = new TextEncoder().encode('the-value-nobody-may-see');
  await one.backend.setMany([{ key: `${prefix}a`, value }]);
  await one.backend.deleteMany([`${prefix}a`]);
  await until('the messages are here', () => messages.filter((text) => text.includes('shared')).length >= 3);
  for (const text of messages) {
    for (const encoding of ['utf8', 'base64', 'hex'] as const) {
      assert.not.ok(text.includes(Buffer.from(value).toString(encoding).slice(0, 12)));
    }
  }
  listener.disconnect();
  await close();
});

test('what others say on the channel is no concern of ours', async () => {
  const { one, other, close } = await pair();
  await one.backend.setMany([entry('a')]);
  assert.is(await other.read('a'), 1);
  const client = new Redis(server.url);
  for (const text of [
    '',
    'x',
    '{}',
    '[]',
    'null',
    '{"from":1}',
    '{"from":"x","seq":1,"change":5}',
    '{"from":"y","seq":9}',
  ]) {
    await client.publish(channel, text);
  }
  await one.backend.deleteMany([`${prefix}a`]);
  assert.is(await other.read('a'), undefined);
  client.disconnect();
  await close();
});

if (!server.isPrivate) skipped('pub/sub of Redis, lost subscriptions: this server is not ours to disturb');
else {
  test('a subscription that is lost empties the first tier, and so does its return', async () => {
    const { one, other, close } = await pair();
    const admin = new Redis(server.url);
    await one.backend.setMany(Array.from({ length: 100 }, (_, index) => entry(`k${index}`)));
    assert.is(one.memory.size, 100);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until('the first tier is empty', () => one.memory.size === 0);
    // Nobody tells: this is written past all instances.
    await admin.set(`${prefix}k1`, Buffer.from([7, 7]));
    assert.is(await one.read('k1'), 7, 'the second tier is asked');
    await Promise.all([one.hears(), other.hears()]);
    assert.is(one.memory.size, 0);
    await one.read('k2');
    await until('it is used again', () => one.memory.size === 1);
    await other.backend.deleteMany([`${prefix}k2`]);
    assert.is(await one.read('k2'), undefined);
    await one.backend.clear(prefix);
    admin.disconnect();
    await close();
  });

  test('an instance that is killed holds removals up, and no longer than it could do harm', async () => {
    const one = open();
    await one.hears();
    const program = `
      import { HybridBackend } from './src/backends/hybrid/hybrid.ts';
      import { MemoryBackend } from './src/backends/memory/memory.ts';
      import { RedisBackend } from './src/backends/redis/redis.ts';
      const backend = new HybridBackend(new MemoryBackend(), new RedisBackend({ url: '${server.url}', channel: '${channel}' }));
      while ((await backend.health()).detail !== undefined) await new Promise((resolve) => setTimeout(resolve, 10));
      process.kill(process.pid, 'SIGKILL');
    `;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { cwd: root });
    const [, signal] = await once(child, 'exit');
    assert.is(signal, 'SIGKILL');
    await one.backend.setMany([entry('a')]);
    assert.is(await one.backend.deleteMany([`${prefix}a`]), 1);
    await one.backend.close();
  });

  test('a user without rights to the channel has no first tier, is told so, and can do without the bus', async () => {
    const guarded = await startRedis();
    const admin = new Redis(guarded.url);
    await admin.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', 'resetchannels', '+@all');
    const url = guarded.url.replace('//', '//app:secret@');
    const strict = open({ url });
    await strict.backend.setMany([entry('a', 1)]);
    await admin.set(`${prefix}a`, Buffer.from([2, 2]));
    assert.is(await strict.read('a'), 2, 'the first tier is not believed');
    assert.match((await strict.backend.health()).detail ?? '', /changes of other instances are not heard/);
    const error = await rejection(strict.backend.deleteMany([`${prefix}a`]));
    assert.instance(error, BackendError);
    assert.match(error.message, /^removed, but not every instance confirmed/);
    assert.is(await admin.exists(`${prefix}a`), 0);
    await strict.backend.close();

    const loose = open({ url }, { bus: false });
    await loose.backend.setMany([entry('b', 1)]);
    await admin.set(`${prefix}b`, Buffer.from([2, 2]));
    assert.is(await loose.read('b'), 1);
    assert.is(await loose.backend.deleteMany([`${prefix}b`]), 1);
    await loose.backend.close();
    admin.disconnect();
    await guarded.stop();
  });
}

test('the same over a client of the user, which stays open', async () => {
  const client = new Redis(server.url, { keyPrefix: 'app:' });
  const { one, other, close } = await pair({ client });
  await one.backend.setMany([entry('a')]);
  assert.is(await other.read('a'), 1);
  await one.backend.deleteMany([`${prefix}a`]);
  assert.is(await other.read('a'), undefined);
  await close();
  assert.is(client.status, 'ready');
  client.disconnect();
});

test.run();
