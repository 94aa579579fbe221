import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createVectorCodec, type Precision } from '../../src/codec/vectors.js';
import { zstdContentSize } from '../../src/service/zstd-frame.js';
import { createValueCodec } from '../../src/values/codec.js';
import { lz4Blocks as lz4, type TestCompressor, zstdFrames as zstd } from '../support/compressors.js';
import { engines } from '../support/engines.js';
import { modeRecords } from '../support/mode-records.js';
import { MODE } from '../support/modes.js';
import { bytesOf } from '../support/prf.js';
import { reasonOf } from '../support/reason.js';
import { readRecord, writeRecord } from '../support/records.js';
import { skipped } from '../support/skip.js';

// Records whose checksum is right and whose inside is not: what somebody can write who can write to the store.
const test = suite('hostile records');
const KEY = 'key';

const PRECISIONS: readonly Precision[] = ['exact', 'float16', 'int8', { maxError: 1e-5 }, { maxError: 1e30 }];

/** What every engine says of a record, or 'ok' where all of them read the same vector. */
function sameOfAll(dimensions: number, precision: Precision, record: Uint8Array): string {
  const answers = engines.map((engine) => {
    const codec = createVectorCodec({ dimensions, precision, engine });
    const reason = reasonOf(() => codec.decodeOne(KEY, record));
    return reason === 'ok' ? `ok ${bytesOf(codec.decodeOne(KEY, record))}` : reason;
  });
  assert.is(new Set(answers).size, 1, answers.join(' / '));
  return (answers[0] as string).split(' ')[0] as string;
}

test('both engines say the same of any payload under any mode', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(0x00, 0x01, 0x08, 0x10, 0x11, 0x20, 0x30, 0x31, 0x40, 0x41, 0x42, 0x70, 0x7f),
      fc.uint8Array({ maxLength: 400 }),
      fc.constantFrom(0, 1, 2, 3, 0x55, 0xaa, undefined),
      fc.constantFrom(...PRECISIONS),
      (dimensions, mode, bytes, first, precision) => {
        const payload = bytes.slice();
        if (first !== undefined && payload.length > 0) payload[0] = first;
        sameOfAll(dimensions, precision, writeRecord(KEY, mode, dimensions, payload));
      },
    ),
    { numRuns: 3000 },
  );
});

test('both engines say the same of payloads that were sound until something was changed', () => {
  for (const engine of engines) {
    const dimensions = 48;
    const sound = [...modeRecords(engine, KEY, dimensions).values()].map(({ mode, record }) => {
      return { mode, payload: readRecord(KEY, record).payload };
    });
    let read = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...sound),
        fc.array(fc.tuple(fc.oneof(fc.nat(24), fc.nat(200)), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
        fc.constantFrom(0, 0, 0, 0, -1, 1),
        fc.constantFrom(...PRECISIONS),
        ({ mode, payload }, changes, longer, precision) => {
          const changed = new Uint8Array(Math.max(0, payload.length + longer));
          changed.set(payload.subarray(0, changed.length));
          for (const [at, value] of changes) changed[at % changed.length] = value;
          if (sameOfAll(dimensions, precision, writeRecord(KEY, mode, dimensions, changed)) === 'ok') read++;
        },
      ),
      { numRuns: 5000 },
    );
    assert.ok(read > 500, `${read} of them could be read`);
  }
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
    const packed = (compressor: TestCompressor, size: number) => compressor.compress(new Uint8Array(size));
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
    const frames = zstd;
    if (frames) {
      assert.is(
        reasonOf(() => codec.decodeOne(KEY, planes(2, packed(frames, 100).length, packed(frames, 100)))),
        'ok',
      );
      for (const size of [1, 99, 101, 5000]) {
        assert.is(
          reasonOf(() => codec.decodeOne(KEY, planes(2, packed(frames, size).length, packed(frames, size)))),
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
    const parsed = readRecord(KEY, written);
    assert.equal([parsed.mode, parsed.payload[2]], [MODE.exponent, 2]);
    const reason = (change: (payload: Uint8Array) => void) => {
      const payload = parsed.payload.slice();
      change(payload);
      return reasonOf(() => codec.decodeOne(KEY, writeRecord(KEY, MODE.exponent, dimensions, payload)));
    };
    const patches = (first: number, second: number) => (payload: Uint8Array) => {
      payload[6] = first;
      payload[9] = second;
    };
    assert.is(reason(patches(10, 20)), 'ok');
    for (const [first, second] of [
      [20, 10],
      [10, 10],
      [10, 100],
    ] as const)
      assert.is(reason(patches(first, second)), 'payload');
    for (const at of [3, 4, 5])
      assert.is(
        reason((payload) => payload.set([(payload[at] as number) + 1], at)),
        'payload',
      );
    assert.is(
      reason((payload) => payload.set([4])),
      'payload',
    );
  });

  test(`${engine}: a bound whose step is infinite is coarse to who asks for less, and no payload to who does not`, () => {
    const payload = new Uint8Array(60);
    new DataView(payload.buffer).setFloat32(5, 2 ** 127, true);
    const record = writeRecord(KEY, MODE.steps, 8, payload);
    for (const [precision, reason] of [
      ['exact', 'precision'],
      [{ maxError: 1 }, 'precision'],
      [{ maxError: 3e38 }, 'payload'],
    ] as const) {
      const codec = createVectorCodec({ dimensions: 8, precision, engine });
      assert.is(
        reasonOf(() => codec.decodeOne(KEY, record)),
        reason,
      );
    }
  });

  test(`${engine}: a kilobyte that says it is 64 MiB is refused without being believed`, () => {
    const codec = createValueCodec({ engine, maxValueBytes: 64 * 1024 * 1024 });
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
    // A bin of 999,995 bytes.
    const packed = Buffer.concat([Uint8Array.of(0xc6, 0x00, 0x0f, 0x42, 0x3b), new Uint8Array(999_995)]);
    const frame = zstd.compress(packed);
    assert.is(zstdContentSize(frame), 1_000_000);
    for (const promised of [1, 1000, 999_999, 1_000_001]) {
      assert.is(
        reasonOf(() => codec.decodeOne(KEY, writeRecord(KEY, MODE.valueZstd, promised, frame))),
        'payload',
      );
    }
    const reason = (bytes: Uint8Array) =>
      reasonOf(() => codec.decodeOne(KEY, writeRecord(KEY, MODE.valueZstd, 1_000_000, bytes)));
    assert.is(reason(frame), 'ok');
    for (let length = 0; length < frame.length; length++) assert.is(reason(frame.subarray(0, length)), 'payload');
    for (const more of [Uint8Array.of(0), frame])
      assert.is(reason(Buffer.concat([frame, more])), 'payload', 'more than one frame');
  });
}

test.run();
