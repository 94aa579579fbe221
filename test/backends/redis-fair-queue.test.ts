import { Redis } from 'ioredis';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { FairQueue } from '../../src/backends/redis/single/fair-queue.js';
import { ReadConnection } from '../../src/backends/redis/single/read-connection.js';
import { RecordSpans } from '../../src/record-spans.js';
import { until } from '../../src/testing/until.js';
import { startRedis } from '../support/redis-server.js';
import { onceRule, startRespProxy } from '../support/resp-proxy.js';

const KEYS = 64;
const RECORD_BYTES = 1024;
const BYTES = KEYS * RECORD_BYTES;

/** A queue over a server that answers when it is told to, in order, and what it was sent. */
function queueOver(roundTrip: number) {
  const queue = new FairQueue(() => roundTrip);
  const sent: string[] = [];
  const answers: (() => void)[] = [];
  const record = Buffer.alloc(RECORD_BYTES);
  const ask = (call: object, name: string, isWanted = () => true) =>
    queue.run(
      call,
      KEYS,
      () => {
        sent.push(name);
        return new Promise((resolve) => answers.push(() => resolve(RecordSpans.of(Array(KEYS).fill(record)))));
      },
      isWanted,
      () => new Error('nobody waits'),
    );
  const answer = async () => {
    answers.shift()?.();
    await new Promise(setImmediate);
  };
  return { queue, sent, ask, answer, pending: () => answers.length };
}

/** What is under way at most while 64 requests are answered, in bytes, after the queue has learned their size. */
async function mostUnderWay(roundTrip: number): Promise<number> {
  const { ask, answer, pending } = queueOver(roundTrip);
  for (let i = 0; i < 64; i++) {
    ask({}, 'first');
    await answer();
  }
  const all = Promise.all(Array.from({ length: 64 }, (_, i) => ask({}, `${i}`)));
  let most = 0;
  while (pending() > 0) {
    most = Math.max(most, pending());
    await answer();
  }
  assert.is((await all).length, 64);
  return most * BYTES;
}

test('a near server has little to do at once, a far one more, and none more than 2 MB', async () => {
  const near = await mostUnderWay(0);
  assert.ok(near >= 512 * 1024 && near <= 512 * 1024 + BYTES, `${near}`);
  const further = await mostUnderWay(1);
  assert.ok(further >= 1024 * 1024 && further <= 1024 * 1024 + BYTES, `${further}`);
  for (const far of [3, 200, Number.POSITIVE_INFINITY]) {
    const most = await mostUnderWay(far);
    assert.ok(most >= 2 * 1024 * 1024 && most <= 2 * 1024 * 1024 + BYTES, `${most}`);
  }
});

test('calls take their places one after the other, and what nobody wants is not sent', async () => {
  const { sent, ask, answer, pending } = queueOver(0);
  const [large, small, gone] = [{}, {}, {}];
  const all = Array.from({ length: 12 }, (_, i) => ask(large, `large ${i}`));
  const first = sent.length;
  all.push(ask(small, 'small'));
  const lost = ask(gone, 'gone', () => false).catch((error: Error) => error.message);
  while (pending() > 0) await answer();
  await Promise.all(all);
  assert.is(await lost, 'nobody waits');
  assert.not.ok(sent.includes('gone'));
  assert.is(sent.indexOf('small'), first + 1, 'one of the large call is before it');
});

test('what follows a call follows the last that it asked for', async () => {
  const { queue, sent, ask, answer, pending } = queueOver(0);
  const call = {};
  queue.whenSent(call, () => sent.push('nothing waits'));
  assert.equal(sent, []);
  const all = Array.from({ length: 12 }, (_, i) => ask(call, `${i}`));
  queue.whenSent(call, () => sent.push('over'));
  const other = ask({}, 'other');
  while (pending() > 0) await answer();
  await Promise.all([...all, other]);
  assert.is(sent.indexOf('over'), sent.indexOf('11') + 1, sent.join());
});

test('what follows a call comes also where the rest of it is dropped', async () => {
  const { queue, sent, ask } = queueOver(0);
  const call = {};
  let dropped = 0;
  for (let i = 0; i < 12; i++) {
    ask(call, `${i}`).catch(() => {
      dropped += 1;
    });
  }
  let isOver = false;
  queue.whenSent(call, () => {
    isOver = true;
  });
  assert.not.ok(isOver);
  queue.drop(call);
  assert.ok(isOver);
  await new Promise(setImmediate);
  assert.ok(sent.length < 12);
  assert.is(dropped, 12 - sent.length);
});

for (const fault of ['double', 'shift', 'drop'] as const) {
  test(`a reply that is lost or doubled in a call that is given up reaches nobody else: ${fault}`, async () => {
    const server = await startRedis();
    const proxy = await startRespProxy(Number(new URL(server.url).port));
    const backend = new RedisBackend(proxy.url);
    const keys = Array.from({ length: 2000 }, (_, i) => `test-queue-${process.pid}-${i}`);
    const stored = (key: string) => Buffer.from(key.padEnd(4000, key));
    await backend.setMany(keys.map((key) => ({ key, value: stored(key) })));
    for (let round = 0; round < 4; round++) {
      proxy.rule = undefined;
      await until('reads have a connection that is in step', async () => {
        const found = await backend.getMany(keys.slice(0, 300)).catch(() => []);
        return found.length === 300 && found.every((record) => record !== undefined);
      });
      proxy.delay = 10;
      proxy.rule = onceRule(fault, ({ command }) => command === 'MGET');
      const context = { signal: AbortSignal.timeout(15 + 10 * (round % 2)), onPartialFailure: () => {} };
      await backend.getMany(keys, context).catch(() => {});
      const after = [keys.slice(1000, 1064), keys.slice(200, 264)].map(async (asked) => {
        const late = { signal: AbortSignal.timeout(1000), onPartialFailure: () => {} };
        const found = await backend.getMany(asked, late).catch(() => []);
        return found.filter((record, i) => record && !stored(asked[i] as string).equals(record)).length;
      });
      assert.equal(await Promise.all(after), [0, 0]);
      proxy.delay = 0;
    }
    await backend.close();
    await proxy.stop();
    await server.stop();
  });
}

test('the round trip is that of an answer for which nothing else is in the way', async () => {
  const server = await startRedis();
  const proxy = await startRespProxy(Number(new URL(server.url).port));
  proxy.delay = 40;
  const client = new Redis(proxy.url).on('error', () => {});
  const reads = new ReadConnection(client, 10_000);
  assert.is(reads.roundTrip, Number.POSITIVE_INFINITY);
  await until('it is ready', async () => reads.isReady);
  const far = reads.roundTrip;
  assert.ok(far >= 39 && far < Number.POSITIVE_INFINITY, `${far}`);
  proxy.delay = 0;
  await until('a faster answer counts at once', async () => {
    await reads.mget(['none']);
    return reads.roundTrip < far;
  });
  const near = reads.roundTrip;
  proxy.delay = 40;
  await reads.mget(['none']);
  assert.ok(reads.roundTrip > near, `${reads.roundTrip}, before ${near}`);
  proxy.cut();
  await until('a new connection knows nothing of it', async () => !reads.isReady);
  assert.is(reads.roundTrip, Number.POSITIVE_INFINITY);
  reads.close();
  client.disconnect();
  await proxy.stop();
  await server.stop();
});

test.run();
