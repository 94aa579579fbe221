import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { engines, pairs } from '../support/engines.js';
import { MODE } from '../support/modes.js';
import { bytesOf, prf } from '../support/prf.js';
import { cut, vectorKinds } from '../support/vector-kinds.js';

// Vectors that are exactly something simpler than float32s: found, stored as that, and back bit for bit.
const test = suite('structure');
const KEY = 'key';

const normalized = (vector: Float32Array) => {
  const length = Math.hypot(...vector);
  return vector.map((x) => x / length);
};
const rounded = (vector: Float32Array, digits: number) => vector.map((x) => Number(x.toFixed(digits)));

/** What a model's vectors can have been before they became float32s, by name, and the modes that are right for it. */
const structures: Record<string, { modes: number[]; of: (model: Float32Array) => Float32Array }> = {
  'cast from float16': { modes: [MODE.grid], of: (v) => cut(v, 11) },
  'cast from bfloat16': { modes: [MODE.grid], of: (v) => cut(v, 8) },
  'float16, scaled in float32': { modes: [MODE.grid], of: (v) => cut(v, 11).map((x) => x * Math.fround(1.0437261)) },
  'float16, divided by its length': { modes: [MODE.grid], of: (v) => normalized(cut(v, 11)) },
  'bfloat16, divided by its length': { modes: [MODE.grid], of: (v) => normalized(cut(v, 8)) },
  'float16, divided by its length twice': { modes: [MODE.grid], of: (v) => normalized(normalized(cut(v, 11))) },
  'float16, scaled twice': {
    modes: [MODE.grid],
    of: (v) => cut(v, 11).map((x) => Math.fround(x * 0.6180339) / Math.fround(1.7320508)),
  },
  'int8 times a scale': {
    modes: [MODE.multiples],
    of: (v) => v.map((x) => Math.max(-127, Math.min(127, Math.round(x * 1000))) * Math.fround(1 / 1000)),
  },
  // Small integers times a scale too.
  'four decimals': { modes: [MODE.decimal, MODE.multiples], of: (v) => rounded(v, 4) },
  'six decimals': { modes: [MODE.decimal], of: (v) => rounded(v, 6) },
  'eight decimals': { modes: [MODE.decimal], of: (v) => rounded(v, 8) },
};

for (const [writer, reader] of pairs) {
  for (const [name, { modes, of }] of Object.entries(structures)) {
    test(`${writer} writes, ${reader} reads: ${name}: every vector is found to be that`, () => {
      for (const dimensions of [64, 333, 768, 1536, 4096]) {
        const codec = createVectorCodec({ dimensions, engine: writer });
        const vectors = Array.from({ length: 12 }, (_, i) => of(prf(`${name} ${i}`, dimensions)));
        const keys = vectors.map((_, i) => `${i}`);
        const records = codec.encodeMany(keys, vectors);
        const strange = records.map((record) => record[2] as number).filter((mode) => !modes.includes(mode));
        assert.equal(strange, [], `${dimensions} dimensions`);
        const decoded = createVectorCodec({ dimensions, engine: reader }).decodeMany(keys, records);
        assert.equal(decoded.map(bytesOf), vectors.map(bytesOf));
      }
    });
  }

  test(`${writer} writes, ${reader} reads: vectors of any kinds in any order come back bit for bit from one codec`, () => {
    const dimensions = 96;
    const kinds = vectorKinds(dimensions);
    const kind = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('as a model makes them', 'float16 times a scale', 'six decimals') },
      { weight: 1, arbitrary: fc.constantFrom(...Object.keys(kinds)) },
    );
    fc.assert(
      fc.property(
        fc.array(kind, { minLength: 1, maxLength: 60 }),
        fc.constantFrom(undefined, 1e-7),
        (names, maxError) => {
          const precision = maxError === undefined ? ('exact' as const) : { maxError };
          const codec = createVectorCodec({ dimensions, precision, engine: writer });
          const decoder = createVectorCodec({ dimensions, precision, engine: reader });
          for (const name of names) {
            const vector = kinds[name] as Float32Array;
            const [record] = codec.encodeMany([KEY], [vector]) as [Uint8Array];
            const decoded = decoder.decodeOne(KEY, record);
            if (record[2] !== MODE.steps) assert.is(bytesOf(decoded), bytesOf(vector), name);
            else
              assert.ok(
                decoded.every((x, i) => Math.abs(x - (vector[i] as number)) <= 1e-7),
                name,
              );
          }
        },
      ),
      { numRuns: 60 },
    );
  });
}

for (const engine of engines) {
  const ratioOf = (dimensions: number, of: (model: Float32Array) => Float32Array, precision = {}) => {
    const codec = createVectorCodec({ dimensions, engine, ...precision });
    const vectors = Array.from({ length: 20 }, (_, i) => of(prf(`text ${i}`, dimensions)));
    const records = codec.encodeMany(
      vectors.map(() => KEY),
      vectors,
    );
    return (4 * dimensions) / Math.max(...records.map((record) => record.length));
  };

  const targets: [string, number, (model: Float32Array) => Float32Array, number, object?][] = [
    ['six decimals', 768, (v) => rounded(v, 6), 1.75],
    ['cast from float16', 768, (v) => cut(v, 11), 2.25],
    ['cast from bfloat16', 768, (v) => cut(v, 8), 2.9],
    ['float16 times a scale', 1536, (v) => cut(v, 11).map((x) => x * 1.0437261), 2.3],
    ['maxError 1e-5', 768, (v) => v, 2.33, { precision: { maxError: 1e-5 } }],
    ['maxError 1e-7', 768, (v) => v, 1.5, { precision: { maxError: 1e-7 } }],
    ['maxError 1.25e-4', 768, (v) => v, 3.3, { precision: { maxError: 1.25e-4 } }],
    ['float16', 768, (v) => v, 1.97, { precision: 'float16' }],
    ['int8', 768, (v) => v, 3.88, { precision: 'int8' }],
  ];
  for (const [name, dimensions, of, ratio, options] of targets) {
    test(`${engine}: ${name}, ${dimensions} dimensions: at most one ${ratio}th of the float32s`, () => {
      const found = ratioOf(dimensions, of, options);
      assert.ok(found >= ratio, `${found.toFixed(3)}`);
    });
  }

  test(`${engine}: structure that begins after vectors without any is found soon, and lost when it ends`, () => {
    const dimensions = 256;
    const codec = createVectorCodec({ dimensions, engine });
    const modeOf = (vector: Float32Array) => codec.encodeMany([KEY], [vector])[0]?.[2];
    const model = (i: number) => prf(`${i}`, dimensions);
    const scaled = (i: number) => cut(model(i), 11).map((x) => x * 1.0437261);
    assert.is(modeOf(model(0)), MODE.exponent);
    const modes = Array.from({ length: 40 }, (_, i) => modeOf(scaled(i)));
    assert.ok(
      modes.slice(17).every((mode) => mode === MODE.grid),
      modes.join(),
    );
    assert.is.not(modes[0], MODE.grid, 'not every vector is looked at: that has its price');
    assert.is(modeOf(model(1)), MODE.exponent);
  });

  test(`${engine}: the longer no structure was found, the rarer it is looked for`, () => {
    const dimensions = 64;
    const looksAfter = (count: number) => {
      const codec = createVectorCodec({ dimensions, engine });
      const plain = Array.from({ length: count }, (_, i) => prf(`${i}`, dimensions));
      codec.encodeMany(Array(count).fill(KEY), plain);
      return codec.encodeMany([KEY], [last])[0]?.[2] === MODE.grid;
    };
    // Plain float16 is found among any vectors: one look at its bits tells.
    const last = cut(prf('a', dimensions), 11).map((x) => x * 1.0437261);
    const looks = [0, 16, 48, 112, 240, 368];
    assert.equal(looks.filter(looksAfter), looks);
    assert.not([1, 15, 17, 47, 49, 111, 113, 239, 241, 367].some(looksAfter));
  });

  test(`${engine}: a record holds nothing of what was encoded before it`, () => {
    const dimensions = 200;
    const kinds = Object.values(vectorKinds(dimensions));
    const encode = (vector: Float32Array) => {
      const [record] = createVectorCodec({ dimensions, engine }).encodeMany([KEY], [vector]) as [Uint8Array];
      return Buffer.from(record).toString('hex');
    };
    const inOrder = kinds.map(encode);
    assert.equal(kinds.toReversed().map(encode).toReversed(), inOrder);
  });

  test(`${engine}: a compressor that was asked for by name is what is used`, () => {
    const dimensions = 256;
    const vector = cut(prf('a', dimensions), 11);
    for (const [compression, mode] of [
      ['none', MODE.raw],
      ['lz4', MODE.planes],
      ['zstd', MODE.planes],
      ['auto', MODE.grid],
    ] as const) {
      const codec = createVectorCodec({ dimensions, compression, engine });
      assert.is(codec.encodeMany([KEY], [vector])[0]?.[2], mode);
    }
  });

  test(`${engine}: a vector whose samples fit every scale is stored all the same`, () => {
    const dimensions = 65_535;
    const constant = prf('a', dimensions).map((x, i) => (i < dimensions - 20 ? 0.123456789 : x));
    const codec = createVectorCodec({ dimensions, engine });
    const [record] = codec.encodeMany([KEY], [constant]) as [Uint8Array];
    assert.is(bytesOf(codec.decodeOne(KEY, record)), bytesOf(constant));
  });

  test(`${engine}: a few odd vectors do not make it forget what the others are`, () => {
    const dimensions = 256;
    const codec = createVectorCodec({ dimensions, engine });
    const modeOf = (vector: Float32Array) => codec.encodeMany([KEY], [vector])[0]?.[2];
    const odd = (count: number) => Array.from({ length: count }, (_, i) => modeOf(prf(`${i}`, dimensions)));
    const scaled = cut(prf('a', dimensions), 11).map((x) => x * 1.0437261);
    for (const count of [0, 1, 3, 3]) {
      assert.ok(odd(count).every((mode) => mode === MODE.exponent));
      assert.is(modeOf(scaled), MODE.grid, `after ${count}`);
    }
    odd(5);
    assert.is(modeOf(scaled), MODE.exponent, 'too many of them');
  });
}

test.run();
