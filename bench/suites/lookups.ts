import { Redis } from 'ioredis';
import { type Cache, createCache } from 'vecstash';
import type { Precision } from 'vecstash/codec';
import { RedisBackend } from 'vecstash/redis';
import { startRedis } from '../../test/support/redis-server.js';
import { type Contender, interleaveApart, type Rounds } from '../interleave.js';
import type { Suite } from '../suite.js';
import { gaussianVectors, texts as makeTexts } from '../vectors.js';
import { bareMget, langchain, literalPipeline, lz4Compressor, zstdCompressor } from './pipelines.js';

const COUNT = 1000;
const DIMENSIONS = 768;
const SEED = 20261122;

/** 1000 texts to 1000 vectors, all of them in a loopback Redis, no L1: vecstash against what is there without it. */
export const lookups: Suite = async ({ short, only }) => {
  const server = await startRedis();
  const redis = new Redis(server.url);
  const caches: Cache[] = [];
  try {
    const texts = makeTexts(COUNT);
    const vectors = gaussianVectors(COUNT, DIMENSIONS, SEED);
    const vecstash = async (name: string, engine: 'require' | 'off', precision: Precision): Promise<Contender> => {
      process.env.VECSTASH_NATIVE = engine;
      const cache = createCache({
        backend: new RedisBackend(server.url),
        keyPrefix: `bench-${caches.length}`,
        readTimeout: '10s',
      });
      caches.push(cache);
      const embeddings = cache.embeddings('lookups', {
        model: 'none',
        dimensions: DIMENSIONS,
        precision,
        embed: () => Promise.reject(new Error('a warm lookup asked the model')),
      });
      await embeddings.setMany(texts.map((text, i) => [text, vectors[i] as Float32Array]));
      const bytesPerVector = (cache.stats().lookups?.bytesWritten ?? Number.NaN) / COUNT;
      return { name, bytesPerVector, run: () => embeddings.embed(texts) };
    };

    const zstd = await zstdCompressor();
    const native = await vecstash('vecstash (native)', 'require', 'exact');
    const portable = await vecstash('vecstash (portable)', 'off', 'exact');
    const lossy = [
      await vecstash('vecstash (native, maxError 1e-5)', 'require', { maxError: 1e-5 }),
      await vecstash('vecstash (native, int8)', 'require', 'int8'),
    ];
    const bare = await bareMget(redis, texts, vectors);
    const all: Contender[] = [
      native,
      portable,
      ...lossy,
      await literalPipeline(redis, texts, vectors, lz4Compressor),
      ...(zstd ? [await literalPipeline(redis, texts, vectors, zstd)] : []),
      { ...(await langchain(redis, texts, vectors)), isHeavy: true },
      bare,
    ];
    for (const contender of [native, portable])
      checkExact(contender.name, (await contender.run()) as Float32Array[], vectors);

    const contenders = all.filter(({ name }) => only === undefined || name.includes(only));
    const rounds: Record<'light' | 'heavy', Rounds> = short
      ? { light: [60, 100], heavy: [20, 5] }
      : { light: [300, 300], heavy: [60, 10] };
    const { measurements, timesOf } = await interleaveApart(contenders, native.name, rounds);
    // What the exact one is measured against is everything; what the lossy ones are, Redis's bare answer.
    const rivals = (own: Contender) => (own === native ? contenders.filter((other) => !lossy.includes(other)) : [bare]);
    const ratios = Object.fromEntries(
      [native, ...lossy]
        .filter((own) => contenders.includes(own))
        .flatMap((own) => {
          const times = timesOf(own.name);
          return rivals(own).flatMap(({ name }) => {
            const ratio = times[name];
            return ratio === undefined ? [] : [[`${name} / ${own.name}`, ratio]];
          });
        }),
    );
    const about = `${COUNT} texts to vectors of ${DIMENSIONS} true float32s, warm in a loopback Redis, no L1; interleaved rounds`;
    return { suite: 'lookups', about, measurements, ratios };
  } finally {
    for (const cache of caches) await cache.close();
    redis.disconnect();
    await server.stop();
  }
};

function checkExact(name: string, found: Float32Array[], expected: Float32Array[]): void {
  const bits = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);
  expected.forEach((vector, i) => {
    if (!bits(found[i] as Float32Array).equals(bits(vector)))
      throw new Error(`${name} returned another vector at ${i}`);
  });
}
