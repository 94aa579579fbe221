import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCompressors, zstdContentSize } from '../../src/codec/compressors.js';
import { MODE } from '../../src/codec/modes.js';
import { type ParsedRecord, readRecord, writeRecord } from '../../src/codec/record.js';
import { createValueCodec } from '../../src/codec/values.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { CorruptRecordError } from '../../src/errors.js';
import { engines } from '../support/engines.js';
import { skipped } from '../support/skip.js';

// Records whose checksum is right and whose inside is not: what somebody can write who can write to the store.
const test = suite('hostile records');
const KEY = 'key';
const { lz4, zstd } = loadCompressors();

const reasonOf = (decode: () => unknown): string => {
  try {
    decode();
    return 'ok';
  } catch (error) {
    assert.instance(error, CorruptRecordError);
    return (error as CorruptRecordError).reason;
  }
};

test('both engines say the same of any payload under any mode', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(0x00, 0x01, 0x08, 0x10, 0x11, 0x70, 0x7f),
      fc.uint8Array({ maxLength: 400 }),
      fc.constantFrom(0, 1, 2, 3, 0x55, 0xaa, undefined),
      (dimensions, mode, bytes, first) => {
        const payload = bytes.slice();
        if (first !== undefined && payload.length > 0) payload[0] = first;
        const record = writeRecord(KEY, mode, dimensions, payload);
        const answers = engines.map((engine) => {
          const codec = createVectorCodec({ dimensions, engine });
          const reason = reasonOf(() => codec.decodeOne(KEY, record));
          return reason === 'ok' ? Buffer.from(codec.decodeOne(KEY, record).slice().buffer).toString('hex') : reason;
        });
        assert.is(new Set(answers).size, 1, answers.join(' / '));
      },
    ),
    { numRuns: 3000 },
  );
});

for (const engine of engines) {
  test(`${engine}: planes that promise more, less or nothing`, () => {
    const codec = createVectorCodec({ dimensions: 100, engine });
    const planes = (stages: number, length: number, part: Uint8Array) =>
      writeRecord(
        KEY,
        MODE.planes,
        100,
        Uint8Array.from([stages, length & 0xff, length >> 8, ...part, ...new Uint8Array(300)]),
      );
    const packed = (compressor: typeof lz4, size: number) =>
      compressor?.compress(new Uint8Array(size)) ?? new Uint8Array(1);
    assert.is(
      reasonOf(() => codec.decodeOne(KEY, planes(3, 10, new Uint8Array(10)))),
      'payload',
    );
    assert.is(
      reasonOf(() => codec.decodeOne(KEY, planes(1, 0, new Uint8Array(0)))),
      'payload',
    );
    assert.is(
      reasonOf(() => codec.decodeOne(KEY, planes(1, 100, new Uint8Array(100)))),
      'payload',
    );
    if (lz4) {
      assert.is(
        reasonOf(() => codec.decodeOne(KEY, planes(1, packed(lz4, 100).length, packed(lz4, 100)))),
        'ok',
      );
      for (const size of [0, 1, 99, 101, 5000]) {
        assert.is(
          reasonOf(() => codec.decodeOne(KEY, planes(1, packed(lz4, size).length, packed(lz4, size)))),
          'payload',
        );
      }
    }
    if (zstd) {
      assert.is(
        reasonOf(() => codec.decodeOne(KEY, planes(2, packed(zstd, 100).length, packed(zstd, 100)))),
        'ok',
      );
      for (const size of [1, 99, 101, 5000]) {
        assert.is(
          reasonOf(() => codec.decodeOne(KEY, planes(2, packed(zstd, size).length, packed(zstd, size)))),
          'payload',
        );
      }
    }
  });

  test(`${engine}: patches out of order, twice or outside the vector; streams of the wrong length`, () => {
    const dimensions = 100;
    const codec = createVectorCodec({ dimensions, engine });
    const vector = Float32Array.from({ length: dimensions }, (_, i) =>
      i === 10 || i === 20 ? 1e-30 : Math.sin(i + 1),
    );
    const [written] = codec.encodeMany([KEY], [vector]) as [Uint8Array];
    const parsed = readRecord(KEY, written, dimensions) as ParsedRecord;
    assert.equal([parsed.mode, parsed.payload[2]], [MODE.exponent, 2]);
    const reason = (change: (payload: Uint8Array) => void) => {
      const payload = parsed.payload.slice();
      change(payload);
      return reasonOf(() => codec.decodeOne(KEY, writeRecord(KEY, MODE.exponent, dimensions, payload)));
    };
    const patches = (first: number, second: number) => (payload: Uint8Array) => {
      payload[9] = first;
      payload[12] = second;
    };
    assert.is(reason(patches(10, 20)), 'ok');
    for (const [first, second] of [
      [20, 10],
      [10, 10],
      [10, 100],
    ] as const)
      assert.is(reason(patches(first, second)), 'payload');
    for (const at of [3, 5, 7])
      assert.is(
        reason((payload) => payload.set([(payload[at] as number) + 1], at)),
        'payload',
      );
    assert.is(
      reason((payload) => payload.set([4])),
      'payload',
    );
  });

  test(`${engine}: a kilobyte that says it is 64 MiB is refused without being believed`, () => {
    const codec = createValueCodec({ engine });
    const record = writeRecord(KEY, MODE.valueLz4, 64 * 1024 * 1024, new Uint8Array(1024));
    assert.is(
      reasonOf(() => codec.decodeOne(KEY, record)),
      'payload',
    );
    const tooLong = writeRecord(KEY, MODE.value, 64 * 1024 * 1024 + 1, new Uint8Array(10));
    assert.is(
      reasonOf(() => codec.decodeOne(KEY, tooLong)),
      'dimensions',
    );
  });

  test(`${engine}: a zstd frame that expands past what it promised`, () => {
    if (!zstd) return skipped('zstd frames: the portable engine has no zstd here');
    const codec = createValueCodec({ engine });
    const frame = zstd.compress(new Uint8Array(1_000_000));
    assert.is(zstdContentSize(frame), 1_000_000);
    for (const promised of [1, 1000, 999_999, 1_000_001]) {
      assert.is(
        reasonOf(() => codec.decodeOne(KEY, writeRecord(KEY, MODE.valueZstd, promised, frame))),
        'payload',
      );
    }
    assert.is(
      reasonOf(() => codec.decodeOne(KEY, writeRecord(KEY, MODE.valueZstd, 1_000_000, frame.subarray(0, 40)))),
      'payload',
    );
  });
}

test.run();
