import Benchmark from 'benchmark';
import lz4 from 'lz4-napi';
import { Packr } from 'msgpackr';
import { createVectorCodec } from 'vecstash/codec';
import type { Measurement } from '../interleave.js';
import type { Suite } from '../suite.js';
import { gaussianVectors } from '../vectors.js';

const COUNT = 1000;
const DIMENSIONS = 768;
const SEED = 20261122;

/** The codec by itself, synchronously, on 1000 vectors: each engine's two directions, beside lz4-napi + msgpackr and a copy. */
export const codec: Suite = async ({ short, only }) => {
  const vectors = gaussianVectors(COUNT, DIMENSIONS, SEED);
  const keys = vectors.map((_, i) => `bench:v1:codec:AAAAAAAAAAAAAAAA:${String(i).padStart(22, '0')}`);
  const jobs = new Map<string, () => unknown>();
  for (const engine of ['native', 'portable'] as const) {
    const own = createVectorCodec({ dimensions: DIMENSIONS, engine });
    const records = own.encodeMany(keys, vectors);
    jobs.set(`encode (${engine})`, () => own.encodeMany(keys, vectors));
    jobs.set(`decode (${engine})`, () => own.decodeMany(keys, records));
  }
  const packr = new Packr({ moreTypes: true, useRecords: false });
  const packed = vectors.map((vector) => lz4.compressSync(packr.pack(vector)));
  jobs.set('decode (lz4-napi + msgpackr)', () => packed.map((bytes) => packr.unpack(lz4.uncompressSync(bytes))));
  jobs.set('copy', () => vectors.map((vector) => vector.slice()));

  const suite = new Benchmark.Suite();
  for (const [name, run] of jobs) {
    if (only === undefined || name.includes(only)) suite.add(name, run, { maxTime: short ? 0.5 : 3, minSamples: 20 });
  }
  await new Promise<void>((resolve) => suite.on('complete', () => resolve()).run({ async: true }));

  const measurements = suite.map((bench: Benchmark): Measurement => {
    const sample = [...bench.stats.sample].sort((a, b) => a - b);
    const percentile = (p: number) =>
      1000 * (sample[Math.min(sample.length - 1, Math.floor(p * sample.length))] ?? Number.NaN);
    return {
      name: bench.name ?? '',
      samples: sample.length,
      p50: percentile(0.5),
      p95: percentile(0.95),
      p99: percentile(0.99),
    };
  }) as unknown as Measurement[];
  const median = (name: string) => measurements.find((m) => m.name === name)?.p50 ?? Number.NaN;
  return {
    suite: 'codec',
    about: `${COUNT} vectors of ${DIMENSIONS} true float32s, synchronous; medians`,
    measurements,
    ratios:
      only === undefined
        ? {
            'decode (lz4-napi + msgpackr) / decode (native)':
              median('decode (lz4-napi + msgpackr)') / median('decode (native)'),
          }
        : {},
  };
};
