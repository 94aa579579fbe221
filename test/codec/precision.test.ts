import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COMPRESSIONS } from '../../src/codec/modes.js';
import { createVectorCodec, type Precision, type VectorCodec } from '../../src/codec/vectors.js';
import { engines, pairs } from '../support/engines.js';
import { modeRecords } from '../support/mode-records.js';
import { MODE } from '../support/modes.js';
import { bytesOf, prf } from '../support/prf.js';
import { reasonOf } from '../support/reason.js';
import { cut, fromBits, vectorKinds } from '../support/vector-kinds.js';

const test = suite('precision');
const KEY = 'key';
const LOSSY: Precision[] = ['float16', 'int8', { maxError: 1e-2 }, { maxError: 1e-5 }, { maxError: 1e-8 }];
const nameOf = (precision: Precision) => (typeof precision === 'string' ? precision : `maxError ${precision.maxError}`);

/** Through a record and back: the vector, and the record's mode. */
function roundTrip(writer: VectorCodec, reader: VectorCodec, vector: Float32Array) {
  const [record] = writer.encodeMany([KEY], [vector]) as [Uint8Array];
  return { decoded: reader.decodeOne(KEY, record), mode: record[2] as number, record };
}

/** The nearest float16, ties to even, by arithmetic: a power of two divides without error. */
function nearestFloat16(x: number): number {
  if (Number.isNaN(x) || Math.abs(x) >= 65_520) return x;
  const unit = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(x) || 1e-30))) - 10);
  const quotient = x / unit;
  const below = Math.floor(quotient);
  const over = quotient - below;
  const rounded = over > 0.5 || (over === 0.5 && below % 2 !== 0) ? below + 1 : below;
  return Object.is(x, -0) ? -0 : rounded === 0 && x < 0 ? -0 : rounded * unit;
}

const bitsOf = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .double({ min: -1, max: 1, noNaN: true })
      .map((x) => new Uint32Array(Float32Array.of(x).buffer)[0] as number),
  },
  {
    weight: 2,
    arbitrary: fc
      .double({ min: -1e-4, max: 20, noNaN: true })
      .map((x) => new Uint32Array(Float32Array.of(x).buffer)[0] as number),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 0x80000000, 1, 0x807fffff, 0x477fefff, 0x477ff000, 0x33000000, 0x33000001),
  },
);
const anyBits = fc.oneof(
  { weight: 20, arbitrary: bitsOf },
  { weight: 1, arbitrary: fc.integer() },
  { weight: 1, arbitrary: fc.constantFrom(0x7f800000, 0xff800000, 0x7fc00001, 0x7f800001) },
);
/** Vectors of a model's magnitudes; now and then with what no model makes. */
const vectors = fc
  .tuple(fc.boolean(), fc.integer({ min: 1, max: 200 }))
  .chain(([isOdd, length]) => fc.array(isOdd ? anyBits : bitsOf, { minLength: length, maxLength: length }))
  .map(fromBits);

for (const [writer, reader] of pairs) {
  const codecs = (dimensions: number, precision: Precision) =>
    [
      createVectorCodec({ dimensions, precision, engine: writer }),
      createVectorCodec({ dimensions, precision, engine: reader }),
    ] as const;

  test(`${writer} writes, ${reader} reads: no element of any vector is further off than maxError`, () => {
    let coarse = 0;
    fc.assert(
      fc.property(vectors, fc.double({ min: -8, max: 0, noNaN: true }), (vector, digits) => {
        const maxError = 10 ** digits;
        const { decoded, mode } = roundTrip(...codecs(vector.length, { maxError }), vector);
        if (mode !== MODE.steps) assert.is(bytesOf(decoded), bytesOf(vector));
        else {
          coarse++;
          decoded.forEach((x, i) => {
            assert.ok(Math.abs(x - (vector[i] as number)) <= maxError, `${x} for ${vector[i]} within ${maxError}`);
          });
        }
      }),
      { numRuns: 1500 },
    );
    assert.ok(coarse > 300, `${coarse} vectors were stored in steps`);
  });

  for (const precision of LOSSY) {
    test(`${writer} writes, ${reader} reads: ${nameOf(precision)}: every kind of vector comes back, never larger than raw`, () => {
      for (const dimensions of [1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 384, 768, 12_000]) {
        for (const [kind, vector] of Object.entries(vectorKinds(dimensions))) {
          const { decoded, mode, record } = roundTrip(...codecs(dimensions, precision), vector);
          assert.ok(record.length <= 4 * dimensions + 24, `${kind}, ${dimensions} dimensions`);
          if (mode < MODE.float16 && mode !== MODE.steps) assert.is(bytesOf(decoded), bytesOf(vector), kind);
          else if (typeof precision === 'object')
            assert.ok(
              decoded.every((x, i) => Math.abs(x - (vector[i] as number)) <= precision.maxError),
              kind,
            );
        }
      }
    });
  }

  test(`${writer} writes, ${reader} reads: maxError: more elements far out than there are patches`, () => {
    const dimensions = 20_000;
    const model = prf('wide', dimensions);
    for (const every of [1000, 60]) {
      const vector = model.map((x, i) => (i % every === 0 ? x * 40 : x));
      const { decoded, mode, record } = roundTrip(...codecs(dimensions, { maxError: 2e-3 }), vector);
      assert.is(mode, MODE.steps);
      assert.ok(record.length < dimensions);
      assert.ok(decoded.every((x, i) => Math.abs(x - (vector[i] as number)) <= 2e-3));
    }
  });

  test(`${writer} writes, ${reader} reads: float16: every element is the nearest float16, or itself where it has none`, () => {
    let halves = 0;
    fc.assert(
      fc.property(vectors, (vector) => {
        const { decoded, mode } = roundTrip(...codecs(vector.length, 'float16'), vector);
        if (mode !== MODE.float16) return assert.is(bytesOf(decoded), bytesOf(vector));
        halves++;
        const expected = vector.map((x) => (Number.isNaN(x) ? 0 : nearestFloat16(x)));
        const found = decoded.map((x, i) => (Number.isNaN(vector[i]) ? 0 : x));
        assert.is(bytesOf(found), bytesOf(expected));
        vector.forEach((x, i) => {
          if (Number.isNaN(x)) assert.is(bytesOf(decoded.slice(i, i + 1)), bytesOf(vector.slice(i, i + 1)));
        });
      }),
      { numRuns: 800 },
    );
    assert.ok(halves > 300, `${halves} vectors were stored as float16`);
  });

  test(`${writer} writes, ${reader} reads: float16: every float16 there is, and the float32s beside and between them`, () => {
    const bits: number[] = [];
    for (let half = 0; half < 0x7c00; half += 7) {
      const exact = half < 0x400 ? half * 2 ** -24 : 2 ** ((half >> 10) - 25) * (1024 + (half & 1023));
      const next = half < 0x3ff ? (half + 1) * 2 ** -24 : exact + 2 ** (Math.max(1, half >> 10) - 25);
      for (const x of [exact, (exact + next) / 2]) {
        const [word] = new Uint32Array(Float32Array.of(x).buffer) as unknown as [number];
        bits.push(word, word + 1, Math.max(0, word - 1), word | 0x80000000);
      }
    }
    const vector = fromBits(bits.filter((x) => (x & 0x7fffffff) < 0x477ff000));
    const { decoded, mode } = roundTrip(...codecs(vector.length, 'float16'), vector);
    assert.is(mode, MODE.float16);
    assert.is(bytesOf(decoded), bytesOf(vector.map(nearestFloat16)));
  });

  test(`${writer} writes, ${reader} reads: int8: within half a 127th of the largest, outliers as they are`, () => {
    for (const dimensions of [64, 768, 3000]) {
      for (const outliers of [0, 1, dimensions >> 6]) {
        const model = prf(`${dimensions} ${outliers}`, dimensions);
        const far = (i: number) => i % 61 === 5 && (i - 5) / 61 < outliers;
        const vector = model.map((x, i) => (far(i) ? x * 1e6 + 7 : x));
        const { decoded, mode } = roundTrip(...codecs(dimensions, 'int8'), vector);
        assert.is(mode, MODE.int8);
        const largest = Math.max(...model.filter((_, i) => !far(i)).map(Math.abs));
        decoded.forEach((x, i) => {
          if (far(i)) assert.is(x, vector[i]);
          else assert.ok(Math.abs(x - (vector[i] as number)) <= (largest / 254) * (1 + 1e-6));
        });
      }
    }
  });

  test(`${writer} writes, ${reader} reads: int8: what lies far out in many places is no outlier`, () => {
    const dimensions = 768;
    const sizes = [dimensions >> 6, (dimensions >> 6) + 1].map((outliers) => {
      const vector = prf('a', dimensions).map((x, i) => (i < outliers ? x * 1e4 + 1e3 : x));
      const { decoded, mode, record } = roundTrip(...codecs(dimensions, 'int8'), vector);
      assert.is(mode, MODE.int8);
      const largest = Math.max(...vector.map(Math.abs));
      assert.ok(decoded.every((x, i) => Math.abs(x - (vector[i] as number)) <= (largest / 254) * (1 + 1e-6)));
      return record.length;
    });
    assert.equal(sizes, [dimensions + 23 + 6 * (dimensions >> 6), dimensions + 23]);
  });

  test(`${writer} writes, ${reader} reads: int8: what is not finite, at the ends of the range, or nothing at all`, () => {
    const cases: [string, Float32Array, number][] = [
      ['all zero', new Float32Array(64), MODE.int8],
      [
        'not finite',
        prf('a', 64).map((x, i) => ([Number.NaN, Number.NEGATIVE_INFINITY] as number[])[i] ?? x),
        MODE.int8,
      ],
      ['nothing finite', new Float32Array(300).fill(Number.NaN), -1],
      ['the largest float32s', new Float32Array(64).fill(3.4028234663852886e38), -1],
      ['subnormals', fromBits(Array.from({ length: 64 }, (_, i) => 1000 + i)), -1],
      ['near the subnormals', new Float32Array(64).map((_, i) => (i + 1) * 1e-37), -1],
    ];
    for (const [name, vector, mode] of cases) {
      const found = roundTrip(...codecs(vector.length, 'int8'), vector);
      if (mode === MODE.int8) assert.is(found.mode, mode, name);
      found.decoded.forEach((x, i) => {
        const y = vector[i] as number;
        const largest = Math.max(...vector.filter(Number.isFinite).map(Math.abs));
        assert.ok(Object.is(x, y) || Math.abs(x - y) <= (largest / 254) * (1 + 1e-6), `${name}: ${x} for ${y}`);
      });
    }
  });
}

for (const engine of engines) {
  test(`${engine}: what a reader of each precision accepts`, () => {
    const dimensions = 48;
    const reader = (precision: Precision) => createVectorCodec({ dimensions, precision, engine });
    const exact = [MODE.raw, MODE.planes, MODE.exponent, MODE.grid, MODE.decimal, MODE.multiples] as number[];
    for (const [name, { mode, precision, record }] of modeRecords(engine, KEY, dimensions)) {
      const bound = typeof precision === 'object' ? precision.maxError : 0;
      const cases: [Precision, boolean][] = [
        ['exact', exact.includes(mode)],
        ['float16', exact.includes(mode) || mode === MODE.float16],
        ['int8', exact.includes(mode) || mode === MODE.float16 || mode === MODE.int8],
        [{ maxError: 1 }, exact.includes(mode) || mode === MODE.steps],
        [{ maxError: 1e-9 }, exact.includes(mode)],
      ];
      if (mode === MODE.steps) cases.push([{ maxError: bound }, true], [{ maxError: bound * (1 - 1e-6) }, false]);
      for (const [asked, isAccepted] of cases) {
        assert.is(
          reasonOf(() => reader(asked).decodeOne(KEY, record)),
          isAccepted ? 'ok' : 'precision',
          `${name} for ${nameOf(asked)}`,
        );
      }
    }
  });

  test(`${engine}: a bound that no float32 states is kept by the one below it`, () => {
    const dimensions = 16;
    for (const maxError of [0.1, 0.3, 1e-3, 2e-37, 3.5e38, 1e308]) {
      const codec = createVectorCodec({ dimensions, precision: { maxError }, engine });
      const vector = prf('a', dimensions).map((x) => x * maxError * 100);
      const [record] = codec.encodeMany([KEY], [vector]) as [Uint8Array];
      assert.is(
        reasonOf(() => codec.decodeOne(KEY, record)),
        'ok',
        `${maxError}`,
      );
      if (record[2] !== MODE.steps) continue;
      const finer = createVectorCodec({ dimensions, precision: { maxError: maxError * (1 - 1e-7) }, engine });
      assert.is(
        reasonOf(() => finer.decodeOne(KEY, record)),
        'precision',
        `${maxError}`,
      );
    }
  });

  test(`${engine}: what is coarser than asked is refused, and whoever asks is told of it and of all else that is`, () => {
    const dimensions = 48;
    const fine = createVectorCodec({ dimensions, engine });
    const coarse = createVectorCodec({ dimensions, precision: 'int8', engine });
    const vector = prf('a', dimensions);
    const [exact] = fine.encodeMany([KEY], [vector]) as [Uint8Array];
    const [bytes] = coarse.encodeMany([KEY], [vector]) as [Uint8Array];
    const damaged = exact.map((byte, i) => (i === 30 ? byte ^ 1 : byte));
    const records = [exact, bytes, undefined, damaged, new Uint8Array(0), exact];
    const expected = ['1 precision', '3 checksum', '4 truncated'];
    for (const list of [records, records.filter((record) => record !== undefined)]) {
      const shift = records.length - list.length;
      const shifted = expected.map((line, i) => (i === 0 ? line : `${Number(line[0]) - shift}${line.slice(1)}`));
      for (const method of ['decodeMany', 'decodeMatrix'] as const) {
        const told: string[] = [];
        const keys = list.map(() => KEY);
        fine[method](keys, list, (index, reason) => told.push(`${index} ${reason}`));
        assert.equal(told, shifted, method);
        fine[method](keys, list);
      }
    }
    const { data, found } = fine.decodeMatrix([KEY, KEY], [bytes, exact]);
    assert.equal([...found], [0, 1]);
    assert.ok(data.subarray(0, dimensions).every((x) => Object.is(x, 0)));
  });

  test(`${engine}: a lossy precision is what it is, and its exceptions too, whatever the compression`, () => {
    const dimensions = 600;
    const model = prf('a', dimensions);
    for (const vector of [model, model.map((x, i) => (i % 2 === 0 ? Number.NaN : x))]) {
      for (const precision of LOSSY) {
        const records = COMPRESSIONS.map((compression) => {
          const codec = createVectorCodec({ dimensions, precision, compression, engine });
          return Buffer.from(codec.encodeMany([KEY], [vector])[0] as Uint8Array).toString('hex');
        });
        assert.is(new Set(records).size, 1, nameOf(precision));
      }
    }
  });

  test(`${engine}: maxError: what was rounded before is stored exactly where that is smaller`, () => {
    const vector = prf('a', 768).map((x) => Number(x.toFixed(3)));
    const codec = createVectorCodec({ dimensions: 768, precision: { maxError: 1e-6 }, engine });
    for (const round of [1, 2]) {
      const { decoded, mode } = roundTrip(codec, codec, vector);
      assert.ok(mode === MODE.decimal || mode === MODE.grid, `${round}: mode ${mode}`);
      assert.is(bytesOf(decoded), bytesOf(vector));
    }
    const { mode } = roundTrip(codec, codec, prf('a', 768));
    assert.is(mode, MODE.steps);

    // Of one family, and the one smaller so, the other not.
    const coarse = createVectorCodec({ dimensions: 768, precision: { maxError: 1e-3 }, engine });
    assert.is(roundTrip(coarse, coarse, cut(prf('a', 768), 1)).mode, MODE.grid);
    assert.is(roundTrip(coarse, coarse, cut(prf('a', 768), 20)).mode, MODE.steps);
  });
}

test.run();
