import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Precision } from '../../src/codec/modes.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { engines } from '../support/engines.js';
import { MODE } from '../support/modes.js';
import { bytesOf } from '../support/prf.js';
import { readRecord } from '../support/records.js';

const test = suite('streams');
const KEY = 'key';
const DIMENSIONS = 1600;

/** Whether an element is of the quarter that is from a range many times that of the others: its stream is so long that lengths stand apart. */
const isCostly = (i: number) => i < DIMENSIONS / 4;

const noise = (i: number) => createHash('sha256').update(`${i}`).digest().readUInt32LE(0);
const indices = Array.from({ length: DIMENSIONS }, (_, i) => i);

/** Noise, of which `mask` keeps some, in many octaves or in one. */
const floats = (mask: number) =>
  new Float32Array(
    Uint32Array.from(indices, (i) => (noise(i) & mask) | ((120 - (isCostly(i) ? i % 15 : 0)) << 23)).buffer,
  );
const decimals = Float32Array.from(indices, (i) => {
  const most = isCostly(i) ? 900 : 60;
  return ((noise(i) % (2 * most)) - most) / 1e5;
});

const FORMS: [mode: number, lengthsAt: number, vector: Float32Array, precision: Precision][] = [
  [MODE.exponent, 3, floats(0x807fffff), 'exact'],
  [MODE.grid, 3, floats(0x807fe000).map((x) => x * 0.37), 'exact'],
  [MODE.decimal, 2, decimals, 'exact'],
  [MODE.steps, 2, decimals.map((x) => x * 1.001), { maxError: 4e-6 }],
];

for (const writer of engines) {
  test(`${writer} writes streams of very different lengths, and every engine reads them`, () => {
    for (const [mode, lengthsAt, vector, precision] of FORMS) {
      const options = { dimensions: DIMENSIONS, precision };
      const [record] = createVectorCodec({ ...options, engine: writer }).encodeMany([KEY], [vector]) as [Uint8Array];
      const { payload, ...parsed } = readRecord(KEY, record);
      assert.is(parsed.mode, mode);
      assert.equal([...payload.subarray(lengthsAt, lengthsAt + 3)], [0x80, 0, 0], `mode ${mode}`);
      const decoded = engines.map((engine) => createVectorCodec({ ...options, engine }).decodeOne(KEY, record));
      for (const other of decoded) assert.is(bytesOf(other), bytesOf(decoded[0] as Float32Array));
      if (mode !== MODE.steps) assert.is(bytesOf(decoded[0] as Float32Array), bytesOf(vector));
    }
  });
}

test.run();
