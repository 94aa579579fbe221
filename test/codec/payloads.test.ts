import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createVectorCodec, type Precision } from '../../src/codec/vectors.js';
import { engines } from '../support/engines.js';
import { type ModeRecord, modeRecords } from '../support/mode-records.js';
import { MODE } from '../support/modes.js';
import { bytesOf } from '../support/prf.js';
import { reasonOf } from '../support/reason.js';
import { readRecord, writeRecord } from '../support/records.js';

// Payloads under a right checksum, one field of which is at the end of its range or beyond.
const test = suite('hostile payloads');
const KEY = 'key';
const DIMENSIONS = 48;

const floatBytes = (x: number) => new Uint8Array(Float32Array.of(x).buffer);
const float32 = (x: number) => Buffer.from(floatBytes(x)).toString('hex');
const float64 = (x: number) => Buffer.from(Float64Array.of(x).buffer).toString('hex');
const NO_SCALE = [0, -0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const LARGEST = 3.4028234663852886e38;
const notGrids = Array.from({ length: 256 }, (_, byte) => byte)
  .filter((byte) => (byte & 0xf0) !== 0 || (byte & 0x04) !== 0)
  .map((byte) => byte.toString(16).padStart(2, '0'));

/** A form, where in its payload, and what makes it unsound there, and what leaves it sound: bytes in hexadecimal. */
const fields: [form: string, what: string, at: number, wrong: string[], right: string[]][] = [
  ['grid', 'a residual of 1 or 3 bits, and bits that mean nothing', 0, notGrids, []],
  ['grid', 'significant bits', 1, ['00', '19', '1a', 'ff'], []],
  ['grid', 'base', 6, [], ['00', '01', 'ff']],
  [
    'grid, patched',
    'patches',
    7,
    ['140001 0a0001', '0a0001 0a0001', '0a0001 300001', '000101 000201'],
    ['0a0000 2f00ff'],
  ],
  ['grid, scaled', 'scale', 6, NO_SCALE.map(float64), [5e-324, 1e-310, 1, 1e38, 1.7976931348623157e308].map(float64)],
  ['grid, residual', 'bits that mean nothing', 0, ['38', '58', '98', '1c'], []],
  ['steps, fine', 'table', 0, ['7f'], []],
  ['steps, fine', 'stored bits', 0, ['cc', 'fc'], []],
  ['steps, fine', 'bound', 5, NO_SCALE.map(float32), [1e-45, 1e-7, 1, 1e38].map(float32)],
  ['steps, fine', 'bound, twice of which is infinite', 5, [LARGEST, 2 ** 127].map((x) => `${float32(x)} 00`), []],
  ['steps, fine', 'what is kept of the bound', 9, ['d0', 'ff'], ['00', '0f', '10', 'cf']],
  ['steps, patched', 'patches', 10, ['140001 0a0001', '0a0001 0a0001', '0a0001 300001'], ['0a0080 2f007f']],
  ['decimal', 'digits', 5, ['00', '0d', 'ff'], ['01', '0c']],
  ['float16', 'patches that are not there', 0, ['01', 'ff'], []],
  ['float16, patched', 'patch', 1, ['3000', '0001'], ['2f00', '0000 0100807f']],
  ['int8', 'scale', 0, [Number.NaN, 1 / 0, -1 / 0].map(float32), [0, -1, 1e-45, LARGEST].map(float32)],
  ['int8, patched', 'patch', 5, ['3000', '0001'], ['2f00']],
];

for (const engine of engines) {
  const records = modeRecords(engine, KEY, DIMENSIONS);
  const payloadOf = (form: string) => readRecord(KEY, (records.get(form) as ModeRecord).record).payload.slice();
  /** What a reader says of a form's record with another payload. Its bound is so coarse that none is refused for that. */
  const reason = (form: string, payload: Uint8Array) => {
    const { mode, precision } = records.get(form) as ModeRecord;
    const asked: Precision = mode === MODE.steps ? { maxError: 3.5e38 } : precision;
    const codec = createVectorCodec({ dimensions: DIMENSIONS, precision: asked, engine });
    return reasonOf(() => codec.decodeOne(KEY, writeRecord(KEY, mode, DIMENSIONS, payload)));
  };

  test(`${engine}: too short, too long`, () => {
    for (const [form, { mode }] of records) {
      const payload = payloadOf(form);
      assert.is(reason(form, payload), 'ok', form);
      assert.is(reason(form, Uint8Array.from([...payload, 0])), 'payload', `${form}: a byte more`);
      for (let length = 0; length < payload.length; length++)
        assert.is(
          reason(form, payload.subarray(0, length)),
          'payload',
          `${form}, mode ${mode}: cut to ${length} bytes`,
        );
    }
  });

  test(`${engine}: every form lies anywhere in memory, with anything around it`, () => {
    for (const [form, { precision, record }] of records) {
      const codec = createVectorCodec({ dimensions: DIMENSIONS, precision, engine });
      const expected = bytesOf(codec.decodeOne(KEY, record));
      for (let shift = 0; shift < 9; shift++) {
        const memory = new Uint8Array(record.length + shift + 40).fill(0xa5);
        memory.set(record, shift);
        assert.is(bytesOf(codec.decodeOne(KEY, memory.subarray(shift, shift + record.length))), expected, form);
      }
    }
  });

  for (const [form, what, at, wrong, right] of fields) {
    test(`${engine}: ${form}: ${what}`, () => {
      const changed = (bytes: string) => {
        const payload = payloadOf(form);
        payload.set(Buffer.from(bytes.replaceAll(' ', ''), 'hex'), at);
        return payload;
      };
      for (const bytes of wrong) assert.is(reason(form, changed(bytes)), 'payload', bytes);
      for (const bytes of right) assert.is(reason(form, changed(bytes)), 'ok', bytes);
    });
  }

  test(`${engine}: streams of the wrong length, in every mode that has streams`, () => {
    for (const [form, { mode }] of records) {
      const lengthsAt = new Map<number, number>([
        [MODE.exponent, 3],
        [MODE.grid, 3],
        [MODE.steps, 2],
        [MODE.decimal, 2],
      ]).get(mode);
      if (lengthsAt === undefined) continue;
      for (const [at, by] of [0, 1, 2].flatMap((k) => [1, -1, 0x40, 0x80].map((by) => [lengthsAt + k, by] as const))) {
        const payload = payloadOf(form);
        payload[at] = (payload[at] as number) + by;
        assert.is(reason(form, payload), 'payload', `${form}: ${by} at ${at}`);
      }
    }
  });

  test(`${engine}: a bound is sound before it is too coarse`, () => {
    for (const precision of ['exact', 'float16', 'int8', { maxError: 1e-5 }, { maxError: 1e30 }] as const) {
      const codec = createVectorCodec({ dimensions: DIMENSIONS, precision, engine });
      const reasonFor = (payload: Uint8Array) =>
        reasonOf(() => codec.decodeOne(KEY, writeRecord(KEY, MODE.steps, DIMENSIONS, payload)));
      const withBound = (bound: number) => {
        const payload = payloadOf('steps, fine');
        payload.set(floatBytes(bound), 5);
        return payload;
      };
      const isEnough = typeof precision === 'object' && precision.maxError > 1;
      assert.is(reasonFor(withBound(1)), isEnough ? 'ok' : 'precision');
      assert.is(reasonFor(withBound(1).subarray(0, 10)), isEnough ? 'payload' : 'precision');
      assert.is(reasonFor(withBound(1).subarray(0, 9)), 'payload');
      for (const bound of NO_SCALE) assert.is(reasonFor(withBound(bound)), 'payload', `${bound}`);
    }
  });

  test(`${engine}: bits that are stored, no more of them than there may be, with room for more`, () => {
    const reasonFor = (mode: number, payload: number[]) =>
      reasonOf(() =>
        createVectorCodec({ dimensions: 1, engine }).decodeOne(
          KEY,
          writeRecord(KEY, mode, 1, Uint8Array.from(payload)),
        ),
      );
    // One symbol in one byte, then as many bytes as the width asks for.
    const stored = (width: number) =>
      new Array<number>((width >= 16 ? 2 : 0) + ((width & 15) >= 8 ? 1 : 0) + ((width & 7) > 0 ? 1 : 0)).fill(1);
    for (let width = 0; width < 32; width++) {
      const payload = [width << 3, 0, 1, 0, 0, 1, 0, ...stored(width)];
      assert.is(reasonFor(MODE.decimal, payload), width <= 24 ? 'ok' : 'payload', `${width} bits of a decimal`);
      for (const residual of [0, 1, 2, 3]) {
        const grid = [residual << 2, width, 0, 1, 0, 0, 127, 0, ...stored(width + residual)];
        const isRight = width >= 1 && width <= 24 && residual % 2 === 0;
        assert.is(reasonFor(MODE.grid, grid), isRight ? 'ok' : 'payload', `${width} bits of a grid, ${residual} left`);
      }
    }
  });

  test(`${engine}: zeros with a sign, NaNs and patches are what the format says they are`, () => {
    const decode = (mode: number, precision: Precision, dimensions: number, payload: number[]) =>
      bytesOf(
        createVectorCodec({ dimensions, precision, engine }).decodeOne(
          KEY,
          writeRecord(KEY, mode, dimensions, Uint8Array.from(payload)),
        ),
      );
    const bits = (...words: number[]) => bytesOf(new Float32Array(Uint32Array.from(words).buffer));
    const halves = [0x0000, 0x8000, 0x0001, 0x83ff, 0x3c00, 0x7bff, 0x7c00, 0xfc00, 0x7c01, 0xfe55];
    assert.is(
      decode(MODE.float16, 'float16', halves.length, [0, ...halves.flatMap((half) => [half & 0xff, half >> 8])]),
      bits(
        0,
        0x80000000,
        0x33800000,
        0xb87fc000,
        0x3f800000,
        0x477fe000,
        0x7f800000,
        0xff800000,
        0x7fc02000,
        0xffcaa000,
      ),
    );
    assert.is(
      decode(MODE.int8, 'int8', 4, [...floatBytes(-0.5), 1, 3, 0, ...floatBytes(1e30), 0, 1, 0x80, 5]),
      bits(0x80000000, 0xbf000000, 0x42800000, new Uint32Array(Float32Array.of(1e30).buffer)[0] as number),
    );
    // One element of symbol 16, code 0 of table 0: q is 0. The patch makes it -0, or 3 (of tenths).
    assert.is(decode(MODE.decimal, 'exact', 1, [0, 1, 1, 0, 0, 1, 0, 0, 0x80, 0]), bits(0x80000000));
    assert.is(decode(MODE.decimal, 'exact', 1, [0, 1, 1, 0, 0, 1, 0, 0, 3, 0]), bits(0x3e99999a));
    // The same in steps of a bound of 0.1, two parts kept back: three of the step that was rounded to a float32 first.
    const inSteps = [0, 1, 1, 0, 0, ...floatBytes(0.1), 2, 0, 0, 3, 0];
    assert.is(decode(MODE.steps, { maxError: 1 }, 1, inSteps), bits(0x3f199866));
    // One element of symbol 15 (eleven ones in table 0), of one significant bit: zero whatever its K, with the sign that is stored.
    assert.is(decode(MODE.grid, 'exact', 1, [0, 1, 0, 2, 0, 0, 127, 0xff, 0x07, 1]), bits(0x80000000));
    // The same with a patch: the exponent is replaced in a zero too.
    assert.is(decode(MODE.grid, 'exact', 1, [0, 1, 1, 2, 0, 0, 127, 0, 0, 127, 0xff, 0x07, 1]), bits(0xbf800000));
    // Exponents below 0 count modulo 256 until the sign is put in place: symbol 3 (00 in table 0) under base 1 is exponent 254.
    assert.is(decode(MODE.grid, 'exact', 1, [0, 1, 0, 1, 0, 0, 1, 0, 0]), bits(0x7f000000));
  });
}

test.run();
