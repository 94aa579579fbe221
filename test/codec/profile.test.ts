import { crc32 } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realSets } from '../../bench/sets.js';
import type { Precision } from '../../src/codec/modes.js';
import { trainProfile } from '../../src/codec/profiles.js';
import { createVectorCodec, type VectorCodecOptions } from '../../src/codec/vectors.js';
import { InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { engines } from '../support/engines.js';
import { bytesOf } from '../support/prf.js';
import { nearMean, profileOf } from '../support/profiled.js';
import { reasonOf } from '../support/reason.js';
import { skipped } from '../support/skip.js';
import { vectorKinds } from '../support/vector-kinds.js';

const test = suite('profiles');
const DIMENSIONS = 256;
const PROFILED = [0x28, 0x38, 0x39];
const PROFILE = profileOf(DIMENSIONS);
const OTHER = profileOf(DIMENSIONS, 'another model');
const VECTORS = Array.from({ length: 40 }, (_, i) => nearMean(`text ${i}`, DIMENSIONS));
const KEYS = VECTORS.map((_, i) => `key ${i}`);
const total = (records: readonly Uint8Array[]) => records.reduce((sum, { length }) => sum + length, 0);

test('training is the mean of each dimension, 2 bytes for each and 10 more, the same every time', () => {
  assert.is(PROFILE.length, 2 * DIMENSIONS + 10);
  assert.is(Buffer.compare(PROFILE, profileOf(DIMENSIONS)), 0);
  const view = new DataView(PROFILE.buffer);
  assert.is(Buffer.from(PROFILE.subarray(0, 4)).toString('latin1'), 'VSP\u0001');
  assert.is(view.getUint16(4, true), DIMENSIONS);
  if (crc32 !== undefined) assert.is(view.getUint32(PROFILE.length - 4, true), crc32(PROFILE.subarray(0, -4)));
  // 1 + 2^-7 is a bfloat16, and the last mean is nearer to infinity than to the largest of them.
  const known = trainProfile([Float32Array.of(1, -3, 3.4028e38), Float32Array.of(1 + 2 ** -6, 1, 3.4028e38)]);
  assert.is(Buffer.from(known.subarray(0, -4)).toString('hex'), '565350010300813f80bf7f7f');
});

test('what cannot be trained with is refused', () => {
  const refused = (vectors: unknown, message: RegExp) =>
    assert.throws(
      () => trainProfile(vectors as Float32Array[]),
      (error: Error) => error instanceof InvalidInputError && message.test(error.message),
    );
  refused([], /at least one/);
  refused('vectors', /an array/);
  refused([new Float32Array(0)], /1 to 65535|1 to 65,535/);
  refused([new Float32Array(2), new Float32Array(3)], /vectors\[1\]/);
  refused([new Float32Array(2), [1, 2]], /vectors\[1\]/);
  refused([Float32Array.of(0, Number.NaN)], /vectors\[0\]\[1\]/);
});

for (const engine of engines) {
  const codecOf = (options: Partial<VectorCodecOptions> = {}) =>
    createVectorCodec({ dimensions: DIMENSIONS, engine, ...options });

  for (const [name, precision, most] of [
    ['exact', 'exact', 0.97],
    ['maxError 1e-3', { maxError: 1e-3 }, 0.8],
  ] as [string, Precision, number][]) {
    test(`${engine}, ${name}: smaller with a profile, and what comes back is the same`, () => {
      const profiled = codecOf({ precision, profile: PROFILE });
      const plain = codecOf({ precision });
      const records = profiled.encodeMany(KEYS, VECTORS);
      assert.ok(records.every((record) => PROFILED.includes(record[2] as number)));
      const without = plain.encodeMany(KEYS, VECTORS);
      assert.ok(total(records) < most * total(without), `${total(records)} and ${total(without)} bytes`);
      const bound = precision === 'exact' ? 0 : 1e-3;
      for (const [i, vector] of profiled.decodeMany(KEYS, records).entries()) {
        const off = (VECTORS[i] as Float32Array).map((x, d) => Math.abs(x - (vector?.[d] as number)));
        assert.ok(Math.max(...off) <= bound);
      }
      // Records without a profile stand alone, and are read by whoever has one.
      assert.equal(profiled.decodeMany(KEYS, without).map(bytesOf), plain.decodeMany(KEYS, without).map(bytesOf));
    });
  }

  test(`${engine}: a reader that was not given the profile says so, even where another codec has it`, async () => {
    const records = codecOf({ profile: PROFILE }).encodeMany(KEYS, VECTORS);
    for (const reader of [codecOf(), codecOf({ profile: OTHER })]) {
      const reasons: string[] = [];
      const decoded = reader.decodeMany(KEYS, records, (_, reason) => reasons.push(reason));
      assert.ok(decoded.every((vector) => vector === undefined));
      assert.equal(new Set(reasons), new Set(['profile']));
      assert.is(
        reasonOf(() => reader.decodeOne('key 0', records[0] as Uint8Array)),
        'profile',
      );
      assert.ok((await reader.decodeMatrixLater(KEYS, records)).found.every((found) => found === 0));
    }
  });

  test(`${engine}: of several the first is written with, and all are read with`, () => {
    const both = codecOf({ profile: [OTHER, PROFILE] });
    const old = codecOf({ profile: PROFILE }).encodeMany(KEYS, VECTORS);
    assert.equal(both.decodeMany(KEYS, old).map(bytesOf), VECTORS.map(bytesOf));
    const others = KEYS.map((key) => nearMean(key, DIMENSIONS, 'another model'));
    const records = both.encodeMany(KEYS, others);
    assert.ok(records.every((record) => PROFILED.includes(record[2] as number)));
    assert.equal(codecOf({ profile: OTHER }).decodeMany(KEYS, records).map(bytesOf), others.map(bytesOf));
  });

  test(`${engine}: many are read on another thread, with the profile and without it`, async () => {
    const count = 6000;
    const vectors = Array.from({ length: count }, (_, i) => VECTORS[i % VECTORS.length] as Float32Array);
    const keys = vectors.map((_, i) => `many ${i}`);
    const records = codecOf({ profile: PROFILE }).encodeMany(keys, vectors);
    const decoded = await codecOf({ profile: PROFILE }).decodeManyLater(keys, records);
    assert.ok(decoded.every((vector, i) => bytesOf(vector) === bytesOf(vectors[i])));
    const reasons = new Set<string>();
    await codecOf().decodeManyLater(keys, records, (_, reason) => reasons.add(reason));
    assert.equal([...reasons], ['profile']);
  });

  test(`${engine}: any vector comes back, near the means or not, and takes no more than without`, () => {
    const kinds = Object.entries(vectorKinds(DIMENSIONS));
    const keys = kinds.map(([kind]) => kind);
    const vectors = kinds.map(([, vector]) => vector);
    for (const precision of ['exact', 'float16', 'int8'] as const) {
      const records = codecOf({ profile: PROFILE, precision }).encodeMany(keys, vectors);
      const without = codecOf({ precision }).encodeMany(keys, vectors);
      assert.ok(records.every((record, i) => record.length <= (without[i] as Uint8Array).length));
      const decoded = codecOf({ profile: PROFILE, precision }).decodeMany(keys, records);
      assert.equal(decoded.map(bytesOf), codecOf({ precision }).decodeMany(keys, without).map(bytesOf));
    }
  });

  test(`${engine}: every truncation and every flipped bit is refused`, () => {
    for (const precision of ['exact', { maxError: 1e-3 }] as Precision[]) {
      const codec = codecOf({ precision, profile: PROFILE });
      const [record] = codec.encodeMany(['key'], [VECTORS[0] as Float32Array]) as [Uint8Array];
      for (let length = 0; length < record.length; length++)
        assert.is(
          reasonOf(() => codec.decodeOne('key', record.subarray(0, length))),
          'truncated',
        );
      for (let bit = 0; bit < 8 * record.length; bit++) {
        const flipped = record.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        assert.is.not(
          reasonOf(() => codec.decodeOne('key', flipped)),
          'ok',
        );
      }
    }
  });

  test(`${engine}: what is no profile of these dimensions is refused`, () => {
    const damaged = PROFILE.slice();
    damaged[40] = (damaged[40] as number) ^ 1;
    for (const [profile, message] of [
      [profileOf(DIMENSIONS + 1), /256 dimensions.*257/],
      [[PROFILE, profileOf(8)], /profile\[1\].*256 dimensions/],
      [damaged, /trainProfile/],
      [PROFILE.subarray(1), /trainProfile/],
      [new Uint8Array(0), /trainProfile/],
      ['profile', /a Uint8Array/],
    ] as [Uint8Array, RegExp][]) {
      assert.throws(
        () => codecOf({ profile }),
        (error: Error) => error instanceof InvalidOptionError && message.test(error.message),
      );
    }
    codecOf({ profile: [] });
  });
}

/** What a profile of the first 32 makes of the others, as ratios of float32s to records, at least. */
const BARS: Record<string, [Precision, number][]> = {
  'text-embedding-3-large, 3072': [
    ['exact', 2.4],
    [{ maxError: 5e-4 }, 5.4],
  ],
  'e5-small, 384': [[{ maxError: 5e-4 }, 4.3]],
};
const TRAINED = 32;

const real = realSets();
for (const line of real.skipped) skipped(line.replace('skipped: ', ''));
for (const { name, vectors } of real.sets) {
  for (const engine of engines) {
    for (const [precision, least] of BARS[name] ?? []) {
      test(`${engine}: ${name}, ${JSON.stringify(precision)}: at least ${least} times smaller than float32s`, () => {
        const others = vectors.slice(TRAINED);
        const dimensions = others[0]?.length as number;
        const profile = trainProfile(vectors.slice(0, TRAINED));
        const codec = createVectorCodec({ dimensions, engine, precision, profile });
        const keys = others.map((_, i) => `${name} ${i}`);
        const ratio = (4 * dimensions * others.length) / total(codec.encodeMany(keys, others));
        assert.ok(ratio >= least, ratio.toFixed(3));
      });
    }
  }
}

test.run();
