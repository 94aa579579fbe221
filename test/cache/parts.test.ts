import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CacheBackend, ReadContext } from '../../src/backends/backend.js';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { createCache } from '../../src/cache/cache.js';
import { RecordSpans } from '../../src/record-spans.js';
import { until } from '../../src/testing/until.js';
import { bytesOf, prf } from '../support/prf.js';
import { startRedis } from '../support/redis-server.js';

const test = suite('answers that come in parts');
const DIMENSIONS = 16;
const redis = await startRedis();
test.after(() => redis.stop());

type Views = (Uint8Array | undefined)[];
type Tell = (first: number, part: Views) => void;

/** A store whose answers are preceded by what `tell` tells of them, and may be replaced. */
function telling(tell: (records: Views, onPart: Tell) => Views | undefined): CacheBackend & { asked: number } {
  const memory = new MemoryBackend();
  const backend = {
    asked: 0,
    getMany: async (keys: readonly string[], context?: ReadContext) => {
      const records = await memory.getMany(keys);
      const { onPart } = context ?? {};
      if (onPart === undefined) return records;
      backend.asked += 1;
      const answer = tell(records, (first, part) => onPart(first, RecordSpans.of(part))) ?? records;
      // Time for what was told to be decoded.
      await new Promise((resolve) => setImmediate(resolve));
      return answer;
    },
    setMany: memory.setMany.bind(memory),
    deleteMany: memory.deleteMany.bind(memory),
    clear: memory.clear.bind(memory),
    health: memory.health.bind(memory),
    close: memory.close.bind(memory),
  };
  return backend;
}

async function filled(backend: CacheBackend, texts: string[], options = {}) {
  const cache = createCache({ backend, ...options });
  const embeddings = cache.embeddings('texts', { model: 'm', dimensions: DIMENSIONS });
  await embeddings.setMany(texts.map((text) => [text, prf(text, DIMENSIONS)] as const));
  const check = async (asked: string[], missing: readonly number[] = []) => {
    const vectors = await embeddings.getMany(asked);
    const expected = asked.map((text, i) => bytesOf(missing.includes(i) ? undefined : prf(text, DIMENSIONS)));
    assert.equal(vectors.map(bytesOf), expected);
  };
  return { cache, check, stats: () => cache.stats().texts };
}

const TEXTS = Array.from({ length: 80 }, (_, i) => `text ${i}`);

test('however it is told, the answer is the same, and counted once', async () => {
  const cuts = fc.array(fc.tuple(fc.nat(79), fc.nat(79)), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(cuts, fc.subarray([...TEXTS.keys()]), async (parts, damaged) => {
      const backend = telling((records, onPart) => {
        for (const i of damaged) records[i] = records[i]?.map((byte, at) => (at === 20 ? byte ^ 1 : byte));
        for (const [a, b] of parts) onPart(Math.min(a, b), records.slice(Math.min(a, b), Math.max(a, b) + 1));
        return undefined;
      });
      const { check, stats } = await filled(backend, TEXTS);
      await check(TEXTS, damaged);
      assert.is(backend.asked, 1);
      assert.is(stats()?.hits, TEXTS.length - damaged.length);
      assert.is(stats()?.corrupt, damaged.length);
    }),
    { numRuns: 100 },
  );
});

test('what is told wrongly gives no wrong vector', async () => {
  const told: ((records: Views, onPart: Tell) => Views | undefined)[] = [
    (records, onPart) => void onPart(1, records),
    (records, onPart) => void onPart(0, records.toReversed()),
    (records, onPart) => void onPart(75, records),
    (_, onPart) => void onPart(0, new Array(80).fill(new Uint8Array(5))),
    (_, onPart) => void onPart(0, new Array(80).fill(5)),
    (records, onPart) => void onPart(-3, records),
  ];
  for (const tell of told) {
    const { check, stats } = await filled(telling(tell), TEXTS);
    await check(TEXTS);
    assert.is(stats()?.hits, 80);
    assert.is(stats()?.corrupt, 0);
  }
});

test('what is told and not in the answer is a miss', async () => {
  const backend = telling((records, onPart) => {
    onPart(0, records);
    return records.map((record, i) => (i === 3 ? undefined : record));
  });
  const { check, stats } = await filled(backend, TEXTS);
  await check(TEXTS, [3]);
  assert.is(stats()?.misses, 1);
});

test('sealed records are told of at the end', async () => {
  const backend = telling(() => undefined);
  const { check } = await filled(backend, TEXTS, { secret: 's'.repeat(32), encrypt: true });
  await check(TEXTS);
  assert.is(backend.asked, 0);
});

test('Redis tells of every chunk, and memory before it hands that on where nothing is near', async () => {
  const texts = Array.from({ length: 300 }, (_, i) => `text ${i}`);
  const parts: number[] = [];
  const spied = (backend: CacheBackend): CacheBackend => ({
    ...telling(() => undefined),
    getMany: (keys, context) =>
      backend.getMany(keys, {
        signal: new AbortController().signal,
        onPartialFailure: () => {},
        onPart: (first, records) => {
          parts.push(first, records.length);
          context?.onPart?.(first, records);
        },
      }),
    setMany: (entries) => backend.setMany(entries),
    clear: (prefix) => backend.clear(prefix),
    close: () => backend.close(),
  });
  const assertWhole = () => {
    const told = parts.splice(0);
    assert.ok(told.length > 2, 'more than one part');
    let end = 0;
    for (let i = 0; i < told.length; i += 2) {
      assert.is(told[i], end);
      end += told[i + 1] as number;
    }
    assert.is(end, texts.length);
  };
  const alone = await filled(spied(new RedisBackend(redis.url)), texts);
  await alone.check(texts);
  assertWhole();
  const near = new MemoryBackend();
  const hybrid = new HybridBackend(near, new RedisBackend(redis.url));
  const behind = await filled(spied(hybrid), texts);
  // Until it hears of the others, what it keeps near is let go of when it begins to.
  await until('it is live', async () => (await hybrid.health()).detail === undefined);
  await near.clear('');
  await behind.check(texts);
  assertWhole();
  await near.clear('');
  await behind.check(texts.slice(10, 20));
  parts.length = 0;
  await behind.check(texts);
  assert.equal(parts, [], 'places of the far tier are others where something is near');
  await behind.cache.clear();
  await alone.cache.close();
  await behind.cache.close();
});

test.run();
