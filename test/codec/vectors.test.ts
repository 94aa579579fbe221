import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COMPRESSIONS } from '../../src/codec/modes.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { CorruptRecordError, InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { engines, pairs } from '../support/engines.js';
import { bytesOf, prf } from '../support/prf.js';
import { fromBits, vectorKinds } from '../support/vector-kinds.js';

const KEY = 'vecstash:v1:docs:AAAAAAAAAAAAAAAA:BBBBBBBBBBBBBBBBBBBBBB';

for (const [writer, reader] of pairs) {
  for (const compression of COMPRESSIONS) {
    const encoder = (dimensions: number) => createVectorCodec({ dimensions, compression, engine: writer });
    const decoder = (dimensions: number) => createVectorCodec({ dimensions, engine: reader });

    test(`${writer} writes, ${reader} reads, ${compression}: every kind of vector comes back bit for bit`, () => {
      for (const dimensions of [1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 384, 768, 1537, 12_000]) {
        const kinds = vectorKinds(dimensions);
        const keys = Object.keys(kinds);
        const records = encoder(dimensions).encodeMany(keys, Object.values(kinds));
        decoder(dimensions)
          .decodeMany(keys, records)
          .forEach((vector, i) => {
            assert.is(bytesOf(vector), bytesOf(kinds[keys[i] as string]), `${keys[i]}, ${dimensions} dimensions`);
          });
        for (const record of records)
          assert.ok(record.length <= 4 * dimensions + 24, 'never larger than raw and its header');
        // Each once more by a codec that has seen no other kind, and so looks for what it is.
        for (const [kind, vector] of Object.entries(kinds)) {
          const [record] = encoder(dimensions).encodeMany([KEY], [vector]) as [Uint8Array];
          const decoded = decoder(dimensions).decodeOne(KEY, record);
          assert.is(bytesOf(decoded), bytesOf(vector), `${kind}, ${dimensions} dimensions, alone`);
          assert.ok(record.length <= 4 * dimensions + 24, 'never larger than raw and its header');
        }
      }
    });

    test(`${writer} writes, ${reader} reads, ${compression}: any bits, any keys`, () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 300 }).chain((dimensions) =>
            fc.array(
              fc.tuple(
                fc.string({ unit: 'binary', maxLength: 80 }),
                fc.array(fc.oneof(fc.integer(), fc.constantFrom(0, 0x7fc00000, 0x3dcccccd)), {
                  minLength: dimensions,
                  maxLength: dimensions,
                }),
              ),
              { minLength: 1, maxLength: 6 },
            ),
          ),
          (rows) => {
            const dimensions = rows[0]?.[1].length as number;
            const keys = rows.map(([key]) => key);
            const vectors = rows.map(([, bits]) => fromBits(bits));
            const records = encoder(dimensions).encodeMany(keys, vectors);
            const decoded = decoder(dimensions).decodeMany(keys, records);
            assert.equal(decoded.map(bytesOf), vectors.map(bytesOf));
          },
        ),
        { numRuns: 150 },
      );
    });
  }
}

for (const engine of engines) {
  const codec = createVectorCodec({ dimensions: 768, engine });

  test(`${engine}: a record of 768 true float32s takes at most 2,640 bytes`, () => {
    const vectors = Array.from({ length: 100 }, (_, i) => prf(`text ${i}`, 768));
    const records = codec.encodeMany(
      vectors.map(() => KEY),
      vectors,
    );
    assert.ok(Math.max(...records.map((record) => record.length)) <= 2640);
  });

  test(`${engine}: the largest dimensions`, () => {
    const wide = createVectorCodec({ dimensions: 65_535, engine });
    const vector = prf('wide', 65_535);
    assert.is(bytesOf(wide.decodeOne(KEY, wide.encodeMany([KEY], [vector])[0] as Uint8Array)), bytesOf(vector));
  });

  test(`${engine}: misses stay misses, in place`, () => {
    const vectors = ['a', 'b', 'c'].map((text) => prf(text, 768));
    const [a, , c] = codec.encodeMany(['a', 'b', 'c'], vectors);
    const decoded = codec.decodeMany(['a', 'b', 'c', 'd'], [a, undefined, c, new Uint8Array(0)]);
    assert.equal(decoded.map(bytesOf), [bytesOf(vectors[0]), 'no vector', bytesOf(vectors[2]), 'no vector']);
    assert.equal(codec.decodeMany([], []), []);
    assert.equal(codec.encodeMany([], []), []);
  });

  test(`${engine}: a matrix has zeros and a 0 where nothing was found`, () => {
    const [a, b] = codec.encodeMany(['a', 'b'], [prf('a', 768), prf('b', 768)]) as [Uint8Array, Uint8Array];
    const damaged = b.slice();
    damaged[100] = (damaged[100] as number) ^ 1;
    for (const records of [
      [a, undefined, b],
      [a, damaged, b],
    ]) {
      const { data, found } = codec.decodeMatrix(['a', 'b', 'b'], records);
      assert.equal([...found], [1, 0, 1]);
      assert.is(bytesOf(data.subarray(0, 768)), bytesOf(prf('a', 768)));
      assert.ok(data.subarray(768, 1536).every((x) => Object.is(x, 0)));
      assert.is(bytesOf(data.subarray(1536)), bytesOf(prf('b', 768)));
    }
  });

  test(`${engine}: keeping one vector keeps at most 64 KiB`, () => {
    const vectors = Array.from({ length: 200 }, (_, i) => prf(`${i}`, 768));
    const keys = vectors.map((_, i) => `${i}`);
    for (const vector of codec.decodeMany(keys, codec.encodeMany(keys, vectors))) {
      assert.ok((vector?.buffer.byteLength ?? 0) <= 64 * 1024);
    }
  });

  test(`${engine}: records and vectors may lie anywhere in memory`, () => {
    const vector = prf('somewhere', 768);
    const inside = new Float32Array(vector.length + 3);
    inside.set(vector, 3);
    const [record] = codec.encodeMany([KEY], [inside.subarray(3)]) as [Uint8Array];
    for (let shift = 0; shift < 9; shift++) {
      const memory = new Uint8Array(record.length + shift);
      memory.set(record, shift);
      assert.is(bytesOf(codec.decodeOne(KEY, memory.subarray(shift))), bytesOf(vector));
    }
  });

  test(`${engine}: keys outside ASCII are told apart, halves of surrogate pairs too`, () => {
    const keys = ['ключ', '\ud83d', '\ude00', '', 'a\u0000b', '\ud83d\ude00'];
    const vectors = keys.map((key, i) => prf(`${i}${key}`, 8));
    const small = createVectorCodec({ dimensions: 8, engine });
    const records = small.encodeMany(keys, vectors);
    assert.equal(small.decodeMany(keys, records).map(bytesOf), vectors.map(bytesOf));
  });

  test(`${engine}: what is not a vector of the dimensions is refused by name`, () => {
    const cases: [unknown, string][] = [
      [new Float32Array(767), '767 elements'],
      [new Float64Array(768), 'object'],
      [undefined, 'undefined'],
    ];
    for (const [vector, received] of cases) {
      assert.throws(
        () => codec.encodeMany(['a', 'b'], [new Float32Array(768), vector as Float32Array]),
        (error: unknown) =>
          error instanceof InvalidInputError && error.field === 'vectors[1]' && error.message.includes(received),
      );
    }
    assert.throws(
      () => codec.encodeMany(['a'], []),
      (error: unknown) => error instanceof InvalidInputError,
    );
  });

  test(`${engine}: decodeOne says why`, () => {
    const [record] = codec.encodeMany([KEY], [prf('a', 768)]) as [Uint8Array];
    const reason = (key: string, bytes: Uint8Array, reader = codec) => {
      try {
        reader.decodeOne(key, bytes);
        return 'ok';
      } catch (error) {
        assert.instance(error, CorruptRecordError);
        return (error as CorruptRecordError).reason;
      }
    };
    const changed = (at: number, value: number) => record.map((byte, i) => (i === at ? value : byte));
    assert.is(reason(KEY, record), 'ok');
    assert.is(reason('another key', record), 'checksum');
    assert.is(reason(KEY, record.subarray(0, 0)), 'truncated');
    assert.is(reason(KEY, record.subarray(0, record.length - 1)), 'truncated');
    assert.is(reason(KEY, Uint8Array.from([...record, 0])), 'malformed');
    assert.is(reason(KEY, changed(0, 0x94)), 'malformed');
    assert.is(reason(KEY, changed(1, 2)), 'format');
    assert.is(reason(KEY, changed(2, 1)), 'checksum');
    assert.is(reason(KEY, record, createVectorCodec({ dimensions: 769, engine })), 'dimensions');
  });
}

test('an option that is unknown, missing or out of range is named', () => {
  const cases: [object, string][] = [
    [{}, 'dimensions'],
    [{ dimensions: 0 }, 'dimensions'],
    [{ dimensions: 1.5 }, 'dimensions'],
    [{ dimensions: 65_536 }, 'dimensions'],
    [{ dimensions: 8, precision: 'half' }, 'precision'],
    [{ dimensions: 8, precision: 0.001 }, 'precision'],
    [{ dimensions: 8, precision: null }, 'precision'],
    [{ dimensions: 8, precision: {} }, 'precision.maxError'],
    [{ dimensions: 8, precision: { maxError: '1e-5' } }, 'precision.maxError'],
    [{ dimensions: 8, precision: { maxError: 0 } }, 'precision.maxError'],
    [{ dimensions: 8, precision: { maxError: -1e-5 } }, 'precision.maxError'],
    [{ dimensions: 8, precision: { maxError: 1e-50 } }, 'precision.maxError'],
    [{ dimensions: 8, precision: { maxError: Number.NaN } }, 'precision.maxError'],
    [{ dimensions: 8, precision: { maxError: Number.POSITIVE_INFINITY } }, 'precision.maxError'],
    [{ dimensions: 8, precision: { maxError: 1e-5, relative: true } }, 'precision.relative'],
    [{ dimensions: 8, compression: 'gzip' }, 'compression'],
    [{ dimensions: 8, engine: 'wasm' }, 'engine'],
    [{ dimension: 8, dimensions: 8 }, 'dimension'],
  ];
  for (const [options, option] of cases) {
    assert.throws(
      () => createVectorCodec(options as never),
      (error: unknown) => error instanceof InvalidOptionError && error.option === option,
      `${JSON.stringify(options)} names ${option}`,
    );
  }
});

test.run();
