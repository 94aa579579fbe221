import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { tokensOf } from '../../src/codec/record-header.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { InvalidInputError } from '../../src/errors.js';
import { engines, pairs } from '../support/engines.js';
import { modeRecords } from '../support/mode-records.js';
import { bytesOf, prf } from '../support/prf.js';
import { reasonOf } from '../support/reason.js';
import { readRecord } from '../support/records.js';

const test = suite('tokens');
const KEY = 'vecstash:v1:docs:AAAAAAAAAAAAAAAA:BBBBBBBBBBBBBBBBBBBBBB';
const MOST = 2 ** 32 - 1;

/** What is not known, and what a provider may call tokens. */
const UNKNOWN = [
  ...[undefined, null, -1, 0.5, MOST + 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ...['7', 7n, {}, [7], Symbol('seven'), true],
];
const tokens = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: MOST }), fc.constantFrom(0, 127, 128, 65_536, MOST));
const unknown = fc.constantFrom(...(UNKNOWN as (number | undefined)[]));

for (const [writer, reader] of pairs) {
  test(`${writer} writes, ${reader} reads: they come back, and nothing else changes`, () => {
    const options = { dimensions: 5, engine: writer };
    fc.assert(
      fc.property(fc.array(fc.oneof(tokens, unknown), { minLength: 1, maxLength: 9 }), (given) => {
        const keys = given.map((_, i) => `${KEY}${i}`);
        const vectors = keys.map((key) => prf(key, 5));
        const records = createVectorCodec(options).encodeMany(keys, vectors, given);
        assert.equal(
          records.map((record) => tokensOf(record)),
          given.map((count) => (UNKNOWN.includes(count) ? undefined : count)),
        );
        const decoded = createVectorCodec({ ...options, engine: reader }).decodeMany(keys, records);
        assert.equal(decoded.map(bytesOf), vectors.map(bytesOf));
        const without = createVectorCodec(options).encodeMany(keys, vectors);
        records.forEach((record, i) => {
          if (UNKNOWN.includes(given[i])) assert.equal(record, without[i]);
          else
            assert.equal(
              readRecord(keys[i] as string, record),
              readRecord(keys[i] as string, without[i] as Uint8Array),
            );
        });
      }),
      { numRuns: 300 },
    );
  });
}

for (const engine of engines) {
  test(`${engine}: a flipped bit of them, and anything else that is damaged, is refused`, () => {
    for (const dimensions of [5, 200]) {
      const codec = createVectorCodec({ dimensions, engine });
      for (const count of [0, 100, 200, 300, 70_000, MOST]) {
        const [record] = codec.encodeMany([KEY], [prf('a', dimensions)], [count]) as [Uint8Array];
        const widthOf = (number: number) => (number < 128 ? 1 : number < 256 ? 2 : number < 65_536 ? 3 : 5);
        const start = 3 + widthOf(dimensions);
        for (let bit = 0; bit < 8 * (start + widthOf(count) + 9); bit++) {
          const changed = record.slice();
          changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
          const reason = reasonOf(() => codec.decodeOne(KEY, changed));
          const isOfTokens = bit >= 8 * start && bit < 8 * (start + widthOf(count));
          assert.ok(isOfTokens ? ['checksum', 'malformed'].includes(reason) : reason !== 'ok', `bit ${bit}: ${reason}`);
        }
        for (let length = 0; length < record.length; length++)
          assert.is(
            reasonOf(() => codec.decodeOne(KEY, record.slice(0, length))),
            'truncated',
          );
        assert.is(
          reasonOf(() => codec.decodeOne(`${KEY}x`, record)),
          'checksum',
        );
      }
    }
  });

  test(`${engine}: in every mode and form`, () => {
    for (const [name, { vector, precision, record }] of modeRecords(engine, KEY, 48)) {
      const codec = createVectorCodec({ dimensions: 48, precision, engine });
      const [written] = codec.encodeMany([KEY], [vector], [1234]) as [Uint8Array];
      assert.is(tokensOf(written), 1234, name);
      assert.is(tokensOf(record), undefined, name);
      assert.is(bytesOf(codec.decodeOne(KEY, written)), bytesOf(codec.decodeOne(KEY, record)), name);
    }
  });

  test(`${engine}: in slices, each with its own`, async () => {
    const codec = createVectorCodec({ dimensions: 65_535, engine });
    const vectors = Array.from({ length: 9 }, (_, i) => prf(`${i % 2}`, 65_535));
    assert.ok(codec.encodesInSlices(vectors.length));
    const keys = vectors.map((_, i) => `${i}`);
    const given = keys.map((_, i) => (i % 3 === 2 ? undefined : 100 * i));
    for (const records of [await codec.encodeManyLater(keys, vectors, given), codec.encodeMany(keys, vectors, given)]) {
      assert.equal(
        records.map((record) => tokensOf(record)),
        given,
      );
      assert.equal(codec.decodeMany(keys, records).map(bytesOf), vectors.map(bytesOf));
    }
  });

  test(`${engine}: as many as there are keys`, async () => {
    const codec = createVectorCodec({ dimensions: 5, engine });
    const isRefused = (error: unknown) => error instanceof InvalidInputError && error.field === 'tokens';
    for (const given of [[], [1, 2]]) assert.throws(() => codec.encodeMany([KEY], [prf('a', 5)], given), isRefused);
    assert.equal(codec.encodeMany([], [], []), []);
  });
}

test.run();
