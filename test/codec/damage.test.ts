import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COMPRESSIONS } from '../../src/codec/modes.js';
import { createValueCodec } from '../../src/codec/values.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { engines } from '../support/engines.js';
import { vectorKinds } from '../support/vector-kinds.js';

const test = suite('damage');
const KEY = 'vecstash:v1:docs:AAAAAAAAAAAAAAAA:BBBBBBBBBBBBBBBBBBBBBB';
const DIMENSIONS = 48;

/** One record of every mode that vectors take, by its mode. */
function recordsByMode(engine: 'native' | 'portable'): Map<number, Uint8Array> {
  const records = new Map<number, Uint8Array>();
  for (const compression of COMPRESSIONS) {
    const codec = createVectorCodec({ dimensions: DIMENSIONS, compression, engine });
    for (const vector of Object.values(vectorKinds(DIMENSIONS))) {
      const [record] = codec.encodeMany([KEY], [vector]) as [Uint8Array];
      records.set(record[2] as number, record.slice());
    }
  }
  return records;
}

/** Every way to change one bit, and every way to end too early. */
function* damaged(record: Uint8Array): Generator<[string, Uint8Array]> {
  for (let bit = 0; bit < 8 * record.length; bit++) {
    const copy = record.slice();
    copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
    yield [`bit ${bit} flipped`, copy];
  }
  for (let length = 0; length < record.length; length++) yield [`cut to ${length} bytes`, record.slice(0, length)];
}

for (const engine of engines) {
  const records = recordsByMode(engine);

  test(`${engine}: the cases below cover every mode of a vector`, () => {
    assert.equal(
      [...records.keys()].sort((a, b) => a - b),
      [0x00, 0x08, 0x10],
    );
  });

  for (const [mode, record] of records) {
    test(`${engine}: mode ${mode}: one bit flipped anywhere, any truncation, another key: no vector, and the neighbours are sound`, () => {
      const codec = createVectorCodec({ dimensions: DIMENSIONS, engine });
      for (const [what, bytes] of damaged(record)) {
        const decoded = codec.decodeMany([KEY, KEY, KEY], [record, bytes, record]);
        assert.equal(
          decoded.map((vector) => vector !== undefined),
          [true, false, true],
          what,
        );
      }
      assert.is(codec.decodeMany([`${KEY}x`], [record])[0], undefined);
    });
  }

  for (const compression of ['none', 'lz4', 'zstd'] as const) {
    test(`${engine}: the same for values, ${compression}`, () => {
      const codec = createValueCodec({ compression, engine });
      const value = { list: Array.from({ length: 40 }, (_, i) => `entry ${i % 4}`) };
      const [written] = codec.encodeMany([KEY], [value]) as [Uint8Array];
      const record = written.slice();
      assert.equal(codec.decodeMany([KEY], [record]), [value]);
      for (const [what, bytes] of damaged(record)) {
        assert.equal(codec.decodeMany([KEY, KEY], [bytes, record]), [undefined, value], what);
      }
      assert.equal(codec.decodeMany([`${KEY}x`], [record]), [undefined]);
    });
  }

  test(`${engine}: a vector is no value, and a value no vector`, () => {
    const values = createValueCodec({ engine });
    const [value] = values.encodeMany([KEY], ['a value']) as [Uint8Array];
    const vectors = createVectorCodec({ dimensions: value[3] as number, engine });
    const [vector] = vectors.encodeMany([KEY], [new Float32Array(value[3] as number).fill(1)]) as [Uint8Array];
    assert.throws(() => vectors.decodeOne(KEY, value), /mode/);
    assert.throws(() => values.decodeOne(KEY, vector), /mode/);
  });
}

test.run();
