import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LOCK_GRACE } from '../../src/backends/shell/locks.js';
import { lockedKey, lockName, lockNames, MAX_LOCKED_BYTES } from '../../src/backends/upstash/lock-names.js';
import { entry, keysOf, plain } from '../support/entries.js';
import { rejection } from '../support/rejection.js';
import { assertTellsNothing } from '../support/secrets.js';
import { prefix, SECRET_KEY, upstashBackends } from '../support/upstash-backends.js';
import { startUpstash } from '../support/upstash-server.js';

const HOUR = 3_600_000;
const server = await startUpstash();
const { open, requestsOf } = upstashBackends(server);
const test = suite('locks of Upstash');

test.after.each(() => {
  server.fault = undefined;
});
test.after(() => server.stop());

test('the name of a lock tells its key, and no other name does', () => {
  for (const key of ['', 'a', ':', 'a:b', 'a:b:c', 'lock:x', 'lock:{x}', '{a}:b', 'a}b:{c', '\u{1F600}:x']) {
    assert.is(lockedKey(lockName(key)), key);
    assert.ok(lockName(key).startsWith(key.slice(0, key.indexOf(':') + 1)), 'what covers the key covers the lock');
  }
  for (const name of ['', 'a', 'lock:{a', 'lock:{a:b}', 'b:lock:{a:b}', 'a:lock:{a:b', 'x:lock:{y}', 'lock:']) {
    assert.is(lockedKey(name), undefined, name);
  }
  assert.equal(lockNames(['a', 'k'.repeat(MAX_LOCKED_BYTES + 1)]), ['lock:{a}']);
});

test('1000 locks are one request of few commands, and so is what is stored under them', async () => {
  const backend = open();
  const keys = keysOf(1000, `${prefix}many:`);
  const taken = await requestsOf(() => backend.locks.acquire([...keys, ...keys], 'one', HOUR));
  assert.ok(taken.result.every(Boolean) && taken.result.length === 2000);
  assert.is(taken.requests.length, 1);
  assert.is(taken.requests[0]?.commands.length, 8);
  const left = await server.redis.pttl(lockName(keys[999] as string));
  assert.ok(left > HOUR && left <= HOUR + LOCK_GRACE);
  const entries = keys.map((key) => ({ ...entry(key), ttlMs: 60_000 }));
  const stored = await requestsOf(() => backend.locks.setMany(entries, 'one'));
  assert.ok(stored.result.every(Boolean) && stored.result.length === 1000);
  assert.is(stored.requests.length, 1);
  assert.is(stored.requests[0]?.commands.length, 8);
  assert.is(await server.redis.exists(lockName(keys[999] as string)), 0);
  const ttl = await server.redis.pttl(keys[999] as string);
  assert.ok(ttl > 50_000 && ttl <= 60_000);
  await backend.clear(prefix);
});

test('large values under locks are several requests within 1 MB', async () => {
  const backend = open();
  const entries = keysOf(30, `${prefix}large:`).map((key) => ({ key, value: new Uint8Array(100_000) }));
  await backend.locks.acquire(
    entries.map(({ key }) => key),
    'one',
    HOUR,
  );
  const { result, requests } = await requestsOf(() => backend.locks.setMany(entries, 'one'));
  assert.ok(result.every(Boolean));
  assert.ok(requests.length >= 4);
  assert.ok(requests.every(({ bytes }) => bytes <= 1_000_000));
  await backend.clear(prefix);
});

test('the locks of what is written or removed are ended before it, in the same request', async () => {
  const backend = open();
  const keys = keysOf(300, `${prefix}ended:`);
  for (const call of [() => backend.setMany(keys.map((key) => entry(key))), () => backend.deleteMany(keys)]) {
    await backend.locks.acquire(keys, 'one', HOUR);
    const { requests } = await requestsOf<unknown>(call);
    assert.is(requests.length, 1);
    const commands = requests[0]?.commands ?? [];
    assert.equal(
      commands.slice(0, 3).flatMap(([name, ...names]) => (name === 'UNLINK' ? names : [])),
      keys.map(lockName),
    );
    assert.equal(await backend.locks.renew(keys.slice(0, 2), 'one', HOUR), [false, false]);
  }
  // Where a lock may be there still, what was locked may yet be stored.
  const [key] = keys as [string];
  server.fault = () => ({
    kind: 'errors',
    errorOf: (command) => (command.includes(lockName(key)) ? `ERR ${SECRET_KEY}` : undefined),
  });
  for (const call of [() => backend.setMany([entry(key)]), () => backend.deleteMany([key])]) {
    const error = await rejection(call());
    assert.match(error.message, /ERR$/);
    assertTellsNothing(error);
  }
  server.fault = undefined;
  await backend.clear(prefix);
});

test('a clear ends the locks of its range and no others, before it removes', async () => {
  const backend = open();
  const [cleared, other] = [`${prefix}cleared:`, `${prefix}other:`];
  await backend.locks.acquire([`${cleared}a`, `${other}a`], 'one', HOUR);
  await backend.setMany([entry(`${cleared}b`), entry(`${prefix}lock:{x}`)]);
  await backend.locks.acquire([`${cleared}b`], 'one', HOUR);
  const { result, requests } = await requestsOf(() => backend.clear(cleared));
  assert.is(result, 1);
  const unlinked = requests.flatMap(({ commands }) => commands).filter(([name]) => name === 'UNLINK');
  const names = unlinked.flatMap((command) => command.slice(1));
  assert.equal(names.slice(0, 2).sort(), [`${cleared}a`, `${cleared}b`].map(lockName));
  assert.is(names.at(-1), `${cleared}b`);
  const entries = [`${cleared}a`, `${cleared}b`, `${other}a`].map((key) => entry(key));
  assert.equal(await backend.locks.setMany(entries, 'one'), [false, false, true]);
  assert.is(await backend.clear(prefix), 2, 'a record with a name like a lock is a record');
});

test('failures are told by their name, and a lost connection is no end', async () => {
  const backend = open();
  const [key, long] = [`${prefix}a`, `${prefix}${'k'.repeat(MAX_LOCKED_BYTES)}`];
  const calls = [
    () => backend.locks.acquire([SECRET_KEY], SECRET_KEY, 1000),
    () => backend.locks.renew([SECRET_KEY], SECRET_KEY, 1000),
    () => backend.locks.setMany([entry(SECRET_KEY)], SECRET_KEY),
    () => backend.locks.release([SECRET_KEY], SECRET_KEY),
  ];
  server.fault = () => ({ kind: 'errors', errorOf: () => `OOM ${SECRET_KEY}` });
  for (const call of calls) {
    const error = await rejection(call());
    assert.is(error.message, 'Upstash: OOM');
    assertTellsNothing(error);
  }
  for (const result of [null, 'OK', [1, 1], ['1'], [null]]) {
    server.fault = () => ({ kind: 'answer', body: JSON.stringify([{ result }]) });
    for (const call of calls) assert.match((await rejection(call())).message, /an answer of unknown form/);
  }
  server.fault = (_, index) => (index % 2 === 0 ? { kind: 'drop' } : undefined);
  assert.equal(await backend.locks.acquire([key], 'one', HOUR), [true]);
  assert.equal(await backend.locks.setMany([entry(key)], 'one'), [true]);
  server.fault = undefined;
  assert.equal(plain(await backend.getMany([key])), [[1, 1, 1, 1]]);
  assert.match((await rejection(backend.locks.acquire([long], 'one', HOUR))).message, /15996/);
  await backend.setMany([entry(long)]);
  assert.is(await backend.deleteMany([long]), 1, 'what can have no lock is a record as any other');
  await backend.clear(prefix);
});

test('calls take effect in their order, however late the first is', async () => {
  const backend = open();
  const key = `${prefix}ordered`;
  let arrive = () => {};
  const after = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  server.fault = (_, index) => (index === 0 ? { kind: 'late', after } : undefined);
  const pending = [backend.setMany([entry(key)]), backend.deleteMany([key])];
  // Other keys wait for nothing.
  await backend.setMany([entry(`${key}2`)]);
  arrive();
  assert.equal(await Promise.all(pending), [undefined, 1]);
  assert.equal(await backend.getMany([key]), [undefined]);
  await backend.clear(prefix);
});

test.run();
