import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { madeSets, realSets } from '../../bench/sets.js';
import type { Precision } from '../../src/codec/modes.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { pairs } from '../support/engines.js';
import { MODE } from '../support/modes.js';
import { bytesOf } from '../support/prf.js';
import { skipped } from '../support/skip.js';

// Vectors of real models, and made as their clients make them, through both engines.
const test = suite('real vectors');
const AT_MOST = 100;

const real = realSets();
for (const line of real.skipped) skipped(line.replace('skipped: ', ''));

/** The form that a set's vectors are found to have. */
const FORMS: Record<string, number> = {
  'MiniLM, 384': MODE.exponent,
  'e5-small, 384': MODE.exponent,
  'text-embedding-3-large, 3072': MODE.grid,
  'made float32, 768': MODE.exponent,
  'made scaled float16, 1536': MODE.grid,
  'made scaled float16, 3072': MODE.grid,
  'made float16, 768': MODE.grid,
  'made bfloat16, 768': MODE.grid,
  'made six decimals, 768': MODE.decimal,
};

/** How far a lossy record may be off, where that is a bound. */
const BOUNDS: [Precision, number][] = [
  [{ maxError: 1e-7 }, 1e-7],
  [{ maxError: 1e-5 }, 1e-5],
  [{ maxError: 5e-4 }, 5e-4],
  // Elements of unit vectors: a unit in the last place of a half below 1, and half a step of int8.
  ['float16', 2 ** -12],
  ['int8', 1 / 254],
];

for (const { name, vectors: all } of [...real.sets, ...madeSets()]) {
  const vectors = all.slice(0, AT_MOST);
  const dimensions = vectors[0]?.length as number;
  const keys = vectors.map((_, i) => `${name} ${i}`);

  for (const [writer, reader] of pairs) {
    test(`${name}: ${writer} writes, ${reader} reads: bit for bit, in the form that they have`, () => {
      const records = createVectorCodec({ dimensions, engine: writer }).encodeMany(keys, vectors);
      assert.ok(records.every((record) => record[2] === FORMS[name]));
      const decoded = createVectorCodec({ dimensions, engine: reader }).decodeMany(keys, records);
      decoded.forEach((vector, i) => {
        assert.is(bytesOf(vector), bytesOf(vectors[i]), keys[i]);
      });
    });

    test(`${name}: ${writer} writes, ${reader} reads: within every bound, and both read the same`, () => {
      for (const [precision, bound] of BOUNDS) {
        const own = createVectorCodec({ dimensions, precision, engine: writer });
        const records = own.encodeMany(keys, vectors);
        const decoded = createVectorCodec({ dimensions, precision, engine: reader }).decodeMany(keys, records);
        assert.equal(decoded.map(bytesOf), own.decodeMany(keys, records).map(bytesOf));
        for (const [i, vector] of decoded.entries()) {
          const off = (vectors[i] as Float32Array).reduce(
            (most, x, e) => Math.max(most, Math.abs(x - (vector?.[e] ?? Number.NaN))),
            0,
          );
          assert.ok(off <= bound, `${keys[i]}, ${JSON.stringify(precision)}: ${off}`);
        }
      }
    });
  }
}

test.run();
