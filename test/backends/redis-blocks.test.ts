/**
 * Memory that replies of Redis were read into is used again once vectors were decoded from it:
 * nobody who still has a view of it may see anything else in it.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isLending } from '../../src/backends/lending.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { ReplyReader } from '../../src/backends/redis/single/resp.js';
import { type Cache, createCache } from '../../src/cache/cache.js';
import { keepRecords, lookInto, RecordSpans, recordSpansFrom, releaseRecords } from '../../src/record-spans.js';
import { nativeMissing } from '../support/engines.js';
import { bytesOf, prf } from '../support/prf.js';
import { startRedis } from '../support/redis-server.js';
import { bytesOfReply, feed } from '../support/resp-replies.js';
import { Chance } from '../support/sim-chance.js';
import { skipped } from '../support/skip.js';

const test = suite('blocks that replies are read into');

const ROUNDS = 60;
const RECORDS = 100;
const RECORD_BYTES = 4000;
/** How many blocks of 1 MiB all replies fill. */
const ALL_BLOCKS = Math.floor((ROUNDS * RECORDS * RECORD_BYTES) / 2 ** 20);

/** Reads a reply of 100 records, each of the same byte all over. */
function openReader(): (byte: number) => RecordSpans {
  const replies: RecordSpans[] = [];
  const reader = new ReplyReader((reply) => replies.push(reply as RecordSpans));
  return (byte) => {
    feed(reader, bytesOfReply(RecordSpans.of(Array(RECORDS).fill(Buffer.alloc(RECORD_BYTES, byte)))));
    return replies.pop() as RecordSpans;
  };
}

/** How many blocks `ROUNDS` replies lay in, where `use` does something with each. */
function blocksOf(use: (records: RecordSpans, round: number) => void): number {
  const next = openReader();
  const seen = new Set<ArrayBufferLike>();
  for (let round = 0; round < ROUNDS; round++) {
    const records = next(round);
    for (const { buffer } of lookInto(records).buffers) seen.add(buffer);
    use(records, round);
  }
  return seen.size;
}

test('are used again where all records in them were released', () => {
  assert.ok(blocksOf(releaseRecords) <= 3);
  assert.ok(blocksOf((records) => releaseRecords(RecordSpans.join([records, RecordSpans.none(2)]))) <= 3);
  assert.ok(blocksOf((records) => releaseRecords(records.pick([0, 5]))) <= 3);
  // One of three replies is kept, which is one in each block at least.
  const kept = blocksOf((records, round) => (round % 3 === 0 ? undefined : releaseRecords(records)));
  assert.ok(kept >= ALL_BLOCKS / 2, `${kept}`);
});

test('are never used again where somebody took a view of one, or of their memory', () => {
  const views: ((records: RecordSpans) => unknown)[] = [
    (records) => keepRecords(records),
    (records) => records.at(3),
    (records) => records.slice(4, 8).toArray(),
    (records) => records.buffers,
    (records) => recordSpansFrom(records)?.at(0),
    (records) => RecordSpans.join([RecordSpans.none(1), records]).at(1),
    (records) => RecordSpans.join([records, new RecordSpans([], new Uint32Array())]),
  ];
  assert.ok(blocksOf(() => {}) >= ALL_BLOCKS);
  for (const take of views) {
    const use = (records: RecordSpans) => {
      take(records);
      releaseRecords(records);
    };
    assert.ok(blocksOf(use) >= ALL_BLOCKS, `${take}`);
  }
});

test('records that were released are there no more', () => {
  const records = openReader()(7);
  assert.is(
    records.read(0, (memory, start) => memory[start]),
    7,
  );
  releaseRecords(records);
  releaseRecords(records);
  assert.is(records.at(0), undefined);
  assert.is(
    records.read(0, () => 1),
    undefined,
  );
  assert.equal(records.toArray(), Array(RECORDS).fill(undefined));
});

const server = await startRedis();
const caches: Cache[] = [];
test.after(async () => {
  for (const cache of caches) await cache.close();
  await server.stop();
});

const DIMENSIONS = 768;
const SEED = Number(process.env.VECSTASH_SEED ?? 20261130);

test("are not used again where somebody else's backend had the records in its hands", async () => {
  const inner = new RedisBackend(server.url);
  const texts = Array.from({ length: 300 }, (_, i) => `text ${i}`);
  const kept: { records: RecordSpans; was: string[] }[] = [];
  const hex = (records: RecordSpans) => Array.from({ length: records.length }, (_, i) => records.read(i, hexOf) ?? '');
  const hexOf = (memory: Uint8Array, start: number, end: number) =>
    Buffer.from(memory.subarray(start, end)).toString('hex');
  // It looks at them when they have long been decoded.
  class Derived extends RedisBackend {}
  const mirror = Object.assign(Object.create(inner) as RedisBackend, {
    isolatesFailures: true,
    getMany: inner.getMany.bind(inner),
    setMany: inner.setMany.bind(inner),
    close: inner.close.bind(inner),
    async getRuns(...args: Parameters<typeof inner.getRuns>) {
      const records = await inner.getRuns(...args);
      kept.push({ records, was: hex(records) });
      return records;
    },
  });
  const backends = [
    [mirror, false],
    [new Derived(server.url), false],
    [new RedisBackend(server.url), true],
  ] as const;
  for (const [backend, lends] of backends) {
    const cache = createCache({ backend, keyPrefix: 'test-blocks-mirror', readTimeout: '30s' });
    caches.push(cache);
    const vectors = cache.embeddings('vectors', {
      model: 'prf',
      dimensions: DIMENSIONS,
      embed: async (missing) => missing.map((text) => prf(text, DIMENSIONS)),
    });
    await vectors.embed(texts);
    for (let round = 0; round < 20; round++) await vectors.embed(texts);
    assert.is(isLending(backend), lends);
  }
  assert.ok(kept.length > 0);
  for (const { records, was } of kept) assert.ok(hex(records).join() === was.join(), 'records stay what they were');
});

for (const engine of ['native', 'portable']) {
  test(`hand nobody anything else, whoever reads beside: ${engine}`, async () => {
    if (engine === 'native' && nativeMissing !== undefined) return skipped('blocks under the native engine');
    const chance = new Chance(SEED);
    const before = process.env.VECSTASH_NATIVE;
    process.env.VECSTASH_NATIVE = engine === 'native' ? 'require' : 'off';
    const backend = new RedisBackend(server.url);
    const cache = createCache({ backend, keyPrefix: `test-blocks-${engine}`, readTimeout: '30s' });
    caches.push(cache);
    const vectors = cache.embeddings('vectors', {
      model: 'prf',
      dimensions: DIMENSIONS,
      embed: () => Promise.reject(new Error('everything is stored')),
    });
    const values = cache.values<{ text: string; bytes: Uint8Array }>('values');
    if (before === undefined) delete process.env.VECSTASH_NATIVE;
    else process.env.VECSTASH_NATIVE = before;

    const texts = Array.from({ length: 1500 }, (_, i) => `text ${i}`);
    const expected = new Map(texts.map((text) => [text, bytesOf(prf(text, DIMENSIONS))]));
    const stored = (text: string) => ({ text, bytes: Buffer.alloc(1500, text) });
    await vectors.setMany(texts.map((text) => [text, prf(text, DIMENSIONS)]));
    await values.setMany(texts.map((text) => [text, stored(text)]));

    /** Few, many, or so many that the native engine decodes them on another thread. */
    const some = () => {
      const from = chance.between(0, 1400);
      return texts.slice(chance.is(0.1) ? 0 : from, from + chance.between(1, chance.is(0.5) ? 60 : 500));
    };
    const views: { now: (Uint8Array | undefined)[]; was: string }[] = [];
    const hex = (records: (Uint8Array | undefined)[]) =>
      records.map((record) => Buffer.from(record ?? []).toString('hex')).join();
    const isRight = (text: string, vector: Float32Array | undefined) => bytesOf(vector) === expected.get(text);
    const reads: (() => Promise<void>)[] = [
      async () => {
        const asked = some();
        const found = await vectors.embed(asked);
        assert.ok(
          asked.every((text, i) => isRight(text, found[i])),
          `embed, seed ${SEED}`,
        );
      },
      async () => {
        const asked = some();
        const { data } = await vectors.getMatrix(asked);
        const row = (i: number) => data.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);
        assert.ok(
          asked.every((text, i) => isRight(text, row(i))),
          `getMatrix, seed ${SEED}`,
        );
      },
      async () => {
        const asked = some();
        const found = await values.getMany(asked);
        assert.ok(
          asked.every((text, i) => stored(text).bytes.equals(found[i]?.bytes ?? Buffer.of())),
          `values, seed ${SEED}`,
        );
      },
      async () => {
        const now = await backend.getMany(some().map((text) => vectors.keyOf(text)));
        assert.ok(now.every((view) => view !== undefined));
        views.push({ now, was: hex(now) });
      },
    ];
    for (let round = 0; round < 40; round++)
      await Promise.all(Array.from({ length: chance.between(1, 5) }, () => chance.pick(reads)()));
    assert.ok(
      views.every(({ now, was }) => hex(now) === was),
      `views stay what they were, seed ${SEED}`,
    );
    const { corrupt, errors, misses } = cache.stats().vectors ?? {};
    assert.equal({ corrupt, errors, misses }, { corrupt: 0, errors: 0, misses: 0 });
  });
}

test.run();
