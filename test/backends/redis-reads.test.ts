import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { BackendError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { startRedis } from '../support/redis-server.js';
import { rejection } from '../support/rejection.js';
import { skipped } from '../support/skip.js';

const server = await startRedis();
const test = suite('the connection for reads of a RedisBackend');
const url = server.isPrivate ? server.url.replace('//', '//:secret@') : server.url;
const prefix = `test-reads-${process.pid}-${Date.now()}:`;
const only = server.isPrivate ? test : test.skip;
if (!server.isPrivate) skipped('the connection for reads: it kills connections of a server of its own');

const admin = new Redis(server.url);
if (server.isPrivate) {
  await admin.config('SET', 'requirepass', 'secret');
  await admin.auth('secret');
}
test.after(async () => {
  admin.disconnect();
  await server.stop();
});

const entry = (key: string, text: string) => ({ key: prefix + key, value: Buffer.from(text) });
const textsOf = (records: (Uint8Array | undefined)[]) =>
  records.map((record) => record && Buffer.from(record).toString());

/** The ids of the connections whose last command was MGET. */
async function readers(): Promise<string[]> {
  const list = (await admin.client('LIST')) as string;
  return list.split('\n').flatMap((line) => (/ cmd=mget /.test(line) ? (/^id=(\d+)/.exec(line)?.[1] ?? []) : []));
}

/** A backend that has read over that connection. */
async function openReading(address = url) {
  const backend = new RedisBackend(address);
  await backend.setMany([entry('a', 'one'), entry('b', 'two')]);
  await until('reads have a connection of their own', async () => {
    await backend.getMany([`${prefix}a`]);
    // The connection that writes has read once at most, and then written again.
    await backend.setMany([entry('a', 'one')]);
    return (await readers()).length > 0;
  });
  return backend;
}

only('where it is lost, the other connection reads until it is back', async () => {
  const backend = await openReading();
  const [id] = await readers();
  await admin.client('KILL', 'ID', id as string);
  const seen: unknown[] = [];
  await until('it is back', async () => {
    const records = await backend.getMany([`${prefix}a`, `${prefix}none`, `${prefix}b`]).catch((error) => error);
    seen.push(records instanceof BackendError ? 'lost' : textsOf(records));
    await backend.setMany([entry('a', 'one')]);
    return (await readers()).length > 0;
  });
  assert.ok(seen.filter((answer) => answer === 'lost').length <= 1, 'what was under way, and nothing after it');
  for (const answer of seen) if (answer !== 'lost') assert.equal(answer, ['one', undefined, 'two']);
  await backend.close();
});

only('a server that is frozen costs the reads that wait; answers that come late are nobody else’s', async () => {
  const backend = await openReading();
  server.pause();
  const [one, other] = [rejection(backend.getMany([`${prefix}a`])), rejection(backend.getMany([`${prefix}b`]))];
  assert.instance(await one, BackendError);
  assert.instance(await other, BackendError);
  server.resume();
  await until('it reads again', async () => {
    const records = await backend.getMany([`${prefix}b`, `${prefix}a`]).catch(() => undefined);
    if (records) assert.equal(textsOf(records), ['two', 'one']);
    return records !== undefined;
  });
  await backend.close();
});

only(
  'batches at the same time each get their own, in a database of their own, under a prefix, in any script',
  async () => {
    const backend = await openReading(`${url}/3?keyPrefix=äpp:`);
    const keys = Array.from({ length: 700 }, (_, i) => `${prefix}${i % 2 ? 'ключ' : 'key'}:${i}`);
    await backend.setMany(keys.map((key, i) => ({ key, value: new Uint8Array(i * 7).fill(i) })));
    const batches = Array.from({ length: 20 }, (_, i) => keys.filter((_, k) => k % (i + 1) === 0));
    const answers = await Promise.all(batches.map((batch) => backend.getMany(batch)));
    answers.forEach((records, b) => {
      records.forEach((record, k) => {
        const i = k * (b + 1);
        assert.ok(record?.length === i * 7 && record.every((byte) => byte === (i & 255)), `${b}, ${k}`);
      });
    });
    assert.equal(textsOf(await backend.getMany([`${prefix}a`])), ['one']);
    await admin.select(3);
    assert.is(await admin.exists(`äpp:${keys[1]}`), 1);
    await admin.select(0);
    assert.is(await admin.exists(`äpp:${keys[1]}`), 0);
    await backend.clear(prefix);
    await backend.close();
  },
);

only('a record larger than what is read at a time', async () => {
  const backend = await openReading();
  const value = new Uint8Array(3_000_000).map((_, i) => i * 31);
  await backend.setMany([{ key: `${prefix}large`, value }]);
  const [small, large, none] = await backend.getMany([`${prefix}a`, `${prefix}large`, `${prefix}none`]);
  assert.is(Buffer.from(small ?? []).toString(), 'one');
  assert.ok(Buffer.from(large ?? []).equals(value));
  assert.is(none, undefined);
  await backend.clear(prefix);
  await backend.close();
  assert.equal(await readers(), []);
});

// It takes half as long as the read of a key does.
only('a read that nothing can abort makes no signal', async () => {
  const backend = await openReading();
  const { AbortController } = globalThis;
  let made = 0;
  globalThis.AbortController = class extends AbortController {
    constructor() {
      super();
      made += 1;
    }
  };
  try {
    assert.equal(textsOf(await backend.getMany([`${prefix}a`])), ['one']);
    assert.is(made, 0);
  } finally {
    globalThis.AbortController = AbortController;
    await backend.close();
  }
});

test.run();
