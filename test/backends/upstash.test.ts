import { randomBytes } from 'node:crypto';
import { Redis } from '@upstash/redis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UpstashBackend, VercelKVBackend } from '../../src/backends/upstash/upstash.js';
import type { VecstashError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { backendContract } from '../contract/backend-contract.js';
import { entry, keysOf, plain } from '../support/entries.js';
import { reader } from '../support/reader.js';
import { rejection } from '../support/rejection.js';
import { NEVER, prefix, upstashBackends } from '../support/upstash-backends.js';
import { startUpstash } from '../support/upstash-server.js';

const server = await startUpstash();
const { url, token } = server;
const { open, requestsOf } = upstashBackends(server);
const test = suite('UpstashBackend and VercelKVBackend');

test.after.each(() => {
  server.fault = undefined;
});
test.after(() => server.stop());

test('1000 keys are one request, however they are asked for', async () => {
  const backend = open();
  const keys = keysOf(1000, `${prefix}many:`);
  const written = await requestsOf(() => backend.setMany(keys.map((key) => entry(key))));
  assert.is(written.requests.length, 1);
  const read = await requestsOf(() => backend.getMany([...keys, ...keys]));
  assert.is(read.requests.length, 1);
  assert.is(read.result.filter((value) => value?.length === 4).length, 2000);
  const [{ commands = [], path = '', headers = {} } = {}] = read.requests;
  assert.ok(commands.length <= 8);
  assert.ok(commands.every(([name]) => name === 'MGET'));
  assert.is(commands.flat().length - commands.length, 1000, 'each key is asked for once');
  assert.is(path, '/pipeline');
  assert.not.ok(Object.keys(headers).some((name) => name.includes('telemetry') || name === 'upstash-encoding'));
  const removed = await requestsOf(() => backend.deleteMany([...keys, ...keys]));
  assert.is(removed.result, 1000);
  assert.is(removed.requests.length, 1);
  assert.is((await requestsOf(() => backend.health())).requests.length, 1);
});

test('nothing is asked of the store for nothing', async () => {
  const backend = open();
  const { requests } = await requestsOf(async () => {
    await backend.getMany([]);
    await backend.setMany([]);
    await backend.deleteMany([]);
    await backend.getMany(['k'.repeat(32_001)]);
    await backend.clear('k'.repeat(32_001));
  });
  assert.is(requests.length, 0);
});

test('a large batch is several requests within 1 MB', async () => {
  const backend = open();
  const values = keysOf(40, `${prefix}large:`).map((key) => ({ key, value: randomBytes(100_000) }));
  values.push({ key: `${prefix}larger`, value: randomBytes(1_500_000) });
  const written = await requestsOf(() => backend.setMany(values));
  const sizes = written.requests.map(({ bytes }) => bytes).sort((a, b) => a - b);
  assert.ok((sizes.pop() as number) > 2_000_000, 'what is larger by itself goes by itself');
  assert.ok(sizes.every((bytes) => bytes <= 1_000_000));
  assert.ok(sizes.length >= 6 && sizes.length <= 8, `${sizes.length} requests`);
  const read = await backend.getMany(values.map(({ key }) => key));
  for (const [index, { value }] of values.entries()) assert.is(Buffer.compare(read[index] as Uint8Array, value), 0);

  // Keys take their room too, and more of it where JSON escapes them.
  const long = keysOf(120, `${prefix}long:`).map((key) => key + '\n'.repeat(10_000));
  for (const call of [
    () => backend.setMany(long.map((key) => entry(key))),
    () => backend.getMany(long),
    () => backend.deleteMany(long),
  ]) {
    const { requests } = await requestsOf<unknown>(call);
    assert.ok(requests.length >= 3);
    assert.ok(requests.every(({ bytes }) => bytes <= 1_000_000));
  }
  const many = keysOf(3000, `${prefix}many:`);
  assert.is((await requestsOf(() => backend.getMany(many))).requests.length, 3);
  await backend.clear(prefix);
});

test('the last of two writes of a key wins, also where they would be in two requests', async () => {
  const backend = open();
  const key = `${prefix}twice`;
  const between = keysOf(10, `${prefix}between:`).map((each) => ({ key: each, value: new Uint8Array(200_000) }));
  await backend.setMany([{ key, value: new Uint8Array(900_000) }, ...between, entry(key, 2)]);
  assert.equal(plain(await backend.getMany([key])), [[2, 2, 2, 2]]);
  await backend.clear(prefix);
});

test('clear takes bounded steps, and nothing that the store offers beside', async () => {
  const backend = open();
  const keys = keysOf(2500, `${prefix}clear:`);
  await backend.setMany([...keys, `${prefix}other`].map((key) => entry(key)));
  const { result, requests } = await requestsOf(() => backend.clear(`${prefix}clear:`));
  assert.is(result, 2500);
  const commands = requests.flatMap((request) => request.commands);
  assert.ok(commands.filter(([name]) => name === 'SCAN').length >= 3);
  assert.ok(commands.every((command) => command.length <= 129));
  // A store that understands patterns in another way.
  server.fault = ({ commands: [command] }) =>
    command?.[0] === 'SCAN'
      ? { kind: 'answer', body: JSON.stringify([{ result: ['0', [`${prefix}other`]] }]) }
      : undefined;
  assert.is(await backend.clear(`${prefix}clear:`), 0);
  server.fault = undefined;
  assert.is(await backend.deleteMany([`${prefix}other`]), 1);
});

test('1000 touches and 1000 leases are one request each, of few commands where that can be', async () => {
  const backend = open();
  const keys = keysOf(1000, `${prefix}touched:`);
  await backend.setMany(keys.map((key) => ({ ...entry(key), ttlMs: 60_000 })));
  const touched = await requestsOf(() => backend.touchMany(keys.map((key) => ({ key, ttlMs: 600_000 }))));
  assert.is(touched.requests.length, 1);
  assert.ok((await server.redis.pttl(keys[999] as string)) > 500_000);
  const names = keysOf(1000, `${prefix}name:`);
  const taken = await requestsOf(() => backend.leases.acquire([...names, ...names], 'one', 60_000));
  assert.ok(taken.result.every(Boolean) && taken.result.length === 2000);
  assert.is(taken.requests.length, 1);
  assert.is(taken.requests[0]?.commands.length, 8);
  assert.is(await server.redis.get(names[999] as string), 'one');
  const free = await requestsOf(() => backend.leases.release(names, 'one'));
  assert.is(free.requests.length, 1);
  assert.is(await server.redis.exists(names[999] as string), 0);
  const none = await requestsOf(async () => {
    await backend.touchMany([{ key: 'k'.repeat(32_001), ttlMs: 1000 }]);
    await backend.leases.acquire([], 'one', 1000);
    await backend.leases.release(['k'.repeat(32_001)], 'one');
  });
  assert.is(none.requests.length, 0);
  await backend.clear(prefix);
});

test('four requests of a call are under way at the same time, and no more', async () => {
  const backend = open({ requestTimeout: NEVER });
  server.fault = ({ commands }) => (commands[0]?.[0] === 'MGET' ? { kind: 'hang' } : undefined);
  const { controller, context } = reader();
  const before = server.requests.length;
  const reading = rejection(backend.getMany(keysOf(10_000, `${prefix}four:`), context));
  await until('four are sent', () => server.requests.length === before + 4);
  await backend.health();
  await backend.health();
  controller.abort();
  await reading;
  assert.is(server.requests.length, before + 6, 'with the two of health');
});

test('TTLs become whole milliseconds', async () => {
  const backend = open({ ttl: '1h' });
  await backend.setMany([
    { ...entry(`${prefix}a`), ttlMs: 90_000.2 },
    entry(`${prefix}b`),
    { ...entry(`${prefix}c`), ttlMs: 1e300 },
  ]);
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((key) => server.redis.pttl(prefix + key)));
  assert.ok((a as number) > 80_000 && (a as number) <= 90_001);
  assert.ok((b as number) > 3_500_000 && (b as number) <= 3_600_000);
  assert.ok((c as number) > 1e12);
  const refused = await requestsOf(() =>
    rejection(backend.setMany([entry('y'), { ...entry('x'), ttlMs: Number.NaN }])),
  );
  assert.is((refused.result as VecstashError).code, 'INVALID_INPUT');
  assert.is(refused.requests.length, 0);
  await backend.clear(prefix);
});

test('what one backend wrote the other reads, bit for bit', async () => {
  const values = [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, value) => value)];
  for (let length = 1; length < 40; length += 1) values.push(randomBytes(length));
  // What is JSON as base64: null, true, 1234 and 1e10.
  for (const text of ['null', 'true', '1234', '1e10']) values.push(Buffer.from(text, 'base64'));
  const entries = values.map((value, index) => ({ key: `${prefix}bits:${index}`, value }));
  await open().setMany(entries);
  const read = await new VercelKVBackend({ url, token }).getMany(entries.map(({ key }) => key));
  assert.equal(plain(read), plain(values));
  await open().clear(prefix);
});

test('values that are no base64 are misses, and spoil nothing', async () => {
  const backend = open();
  await server.redis.lpush(`${prefix}list`, 'x');
  const texts = ['{"a":1}', 'AAA', 'AAAA=', 'AA AAAAA', 'AAA\u00e9', '====', 'A===', 'AA=A', 'AAAA\n\n\n\n'];
  for (const [index, text] of texts.entries()) await server.redis.set(`${prefix}bad:${index}`, text);
  await server.redis.set(`${prefix}bad:bytes`, Buffer.from([0xff, 0xfe, 0x80, 0x00]));
  await backend.setMany([entry(`${prefix}good`)]);
  const bad = [...texts.keys(), 'bytes'].map((name) => `${prefix}bad:${name}`);
  const values = await backend.getMany([`${prefix}list`, ...bad, `${prefix}good`]);
  assert.equal(plain(values), [...new Array(bad.length + 1).fill(undefined), [1, 1, 1, 1]]);
  await backend.clear(prefix);
});

test('a read sees what the same backend wrote before: the sync token is sent back', async () => {
  const backend = open();
  await backend.setMany([entry(`${prefix}a`)]);
  const { requests } = await requestsOf(() => backend.deleteMany([`${prefix}a`]));
  assert.match(requests[0]?.headers['upstash-sync-token'] as string, /^sync-\d+$/);
});

test('connections are kept and used again', async () => {
  const backend = open();
  await backend.setMany([entry(`${prefix}a`)]);
  const before = server.connections();
  for (let round = 0; round < 20; round += 1) await backend.getMany([`${prefix}a`]);
  assert.ok(server.connections() - before <= 1);
  await backend.clear(prefix);
});

test('nothing is printed', async () => {
  const printed: unknown[] = [];
  const { log, warn, error } = console;
  console.log = console.warn = console.error = (line: unknown) => void printed.push(line);
  try {
    const backend = open();
    await backend.setMany([entry(`${prefix}a`)]);
    await backend.clear(prefix);
    await rejection(open({ token: 'wrong' }).getMany(['a']));
  } finally {
    Object.assign(console, { log, warn, error });
  }
  assert.equal(printed, []);
});

backendContract('UpstashBackend: a stand-in over redis-server', {
  open: () => new UpstashBackend({ url, token }),
  isExclusive: server.isPrivate,
});
backendContract("VercelKVBackend: the stand-in, by the user's own client", {
  open: () => new VercelKVBackend({ client: new Redis({ url, token }) }),
  isExclusive: server.isPrivate,
});
test.run();
