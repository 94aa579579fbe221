import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readNpy } from '../../bench/npy.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { engines } from '../support/engines.js';
import { bytesOf } from '../support/prf.js';
import { skipped } from '../support/skip.js';

// How small the exact records of real models are, at least: 4 x dimensions to the bytes of a record.
const test = suite('ratios of real vectors');

const printed = (x: number) => Number(x.toFixed(9));
const byScale = (vector: Float32Array) => {
  const scale = Math.fround(vector.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127);
  return vector.map((x) => Math.round(x / scale) * scale);
};

const SETS: [what: string, file: string, least: number, made?: (vector: Float32Array) => Float32Array][] = [
  ['integers', 'jina5-int8-ints.npy', 7.0],
  ['integers over 127', 'jina5-int8-ints.npy', 7.0, (vector) => vector.map((x) => x / 127)],
  ['int8 times a scale for each row', 'oai3small-anu.npy', 4.3, byScale],
  ['Cohere v4', 'rb-cohere-v4.npy', 2.85],
  ['Cohere v4, shortened', 'rb-cohere-v4-dims.npy', 2.85],
  ['Cohere v4 over JSON', 'rb-cohere-v4.npy', 2.7, (vector) => vector.map(printed)],
  ['Mistral, August 2026', 'rb-mistral.npy', 2.9],
  ['float16 with seven significant digits', 'oai3small-anu.npy', 2.3],
];

for (const [what, file, least, made] of SETS) {
  const path = fileURLToPath(new URL(`../../../shared/data/${file}`, import.meta.url));
  if (!existsSync(path)) {
    skipped(`ratios of ${what}: ../shared/data is not here`);
    continue;
  }
  for (const engine of engines) {
    test(`${engine}: ${what}: at least ${least}`, () => {
      const vectors = readNpy(path).map((vector) => (made ? made(vector) : vector));
      const dimensions = vectors[0]?.length as number;
      const codec = createVectorCodec({ dimensions, engine });
      const keys = vectors.map((_, i) => `${i}`);
      const records = codec.encodeMany(keys, vectors);
      const bytes = records.reduce((sum, { length }) => sum + length, 0);
      const ratio = (4 * dimensions * vectors.length) / bytes;
      assert.ok(ratio >= least, `${ratio}`);
      assert.equal(codec.decodeMany(keys, records).map(bytesOf), vectors.map(bytesOf));
    });
  }
}

test(`float16 after vectors without structure takes what it takes by itself`, () => {
  const path = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
  if (!existsSync(path)) return skipped('float16 after others: ../shared/data is not here');
  const without = readNpy(`${path}e5-small-384.npy`).slice(0, 50);
  const cast = readNpy(`${path}minilm-parquet64.npy`).map((vector) => {
    const words = new Uint32Array(vector.slice().buffer);
    for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) & 0xffffe000;
    return new Float32Array(words.buffer);
  });
  const size = (before: Float32Array[]) => {
    const codec = createVectorCodec({ dimensions: 384 });
    const encode = (vectors: Float32Array[]) =>
      codec.encodeMany(
        vectors.map((_, i) => `${i}`),
        vectors,
      );
    encode(before);
    return encode(cast).reduce((sum, { length }) => sum + length, 0);
  };
  assert.ok(size(without) <= 1.02 * size([]), `${size(without)} and ${size([])} bytes`);
});

test.run();
