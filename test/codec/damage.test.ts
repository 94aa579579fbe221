import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { createValueCodec, type ValueCodecOptions } from '../../src/values/codec.js';
import { engines } from '../support/engines.js';
import { modeRecords } from '../support/mode-records.js';

const test = suite('damage');
const KEY = 'vecstash:v1:docs:AAAAAAAAAAAAAAAA:BBBBBBBBBBBBBBBBBBBBBB';
const DIMENSIONS = 48;

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
  const records = modeRecords(engine, KEY, DIMENSIONS);

  test(`${engine}: the cases below cover every mode of a vector`, () => {
    assert.equal(
      [...new Set([...records.values()].map(({ mode }) => mode))].sort((a, b) => a - b),
      [0x00, 0x08, 0x10, 0x20, 0x30, 0x31, 0x32, 0x40, 0x41],
    );
  });

  for (const [name, { record, precision }] of records) {
    test(`${engine}: ${name}: one bit flipped anywhere, any truncation, another key: no vector, and the neighbours are sound`, () => {
      const codec = createVectorCodec({ dimensions: DIMENSIONS, precision, engine });
      for (const [what, bytes] of damaged(record)) {
        const refused: number[] = [];
        const decoded = codec.decodeMany([KEY, KEY, KEY], [record, bytes, record], (index) => refused.push(index));
        assert.equal(
          decoded.map((vector) => vector !== undefined),
          [true, false, true],
          what,
        );
        assert.equal(refused, [1], what);
      }
      assert.is(codec.decodeMany([`${KEY}x`], [record])[0], undefined);
    });
  }

  const forms: [string, ValueCodecOptions][] = [
    ...(['none', 'lz4', 'zstd'] as const).map((compression): [string, ValueCodecOptions] => [
      compression,
      { compression },
    ]),
    ['with a dictionary', { dictionary: Buffer.from('a list of: entry 0, entry 1, entry 2, entry 3') }],
  ];
  for (const [form, options] of forms) {
    test(`${engine}: the same for values, ${form}`, () => {
      const codec = createValueCodec({ ...options, engine });
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
