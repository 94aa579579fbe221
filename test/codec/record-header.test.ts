import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { declaredLength, dimensionsOf, tokensOf } from '../../src/codec/record-header.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { RecordSpans } from '../../src/record-spans.js';
import { createValueCodec } from '../../src/values/codec.js';
import { engines } from '../support/engines.js';
import { prf } from '../support/prf.js';
import { reasonOf } from '../support/reason.js';
import { writeRecord } from '../support/records.js';

const test = suite('the front of a record');
const header = (...bytes: number[]) => Uint8Array.from(bytes);
const read = (record: Uint8Array) => [dimensionsOf(record), tokensOf(record)];

test('of a vector: its dimensions and its tokens', () => {
  for (const dimensions of [1, 127, 128, 255, 256, 65_535]) {
    const codec = createVectorCodec({ dimensions });
    const vector = prf('a', dimensions);
    for (const tokens of [undefined, 0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1]) {
      const [record] = codec.encodeMany(['key'], [vector], [tokens]) as [Uint8Array];
      assert.equal(read(record), [dimensions, tokens]);
      // Wherever it lies, and nothing beyond its end is believed.
      const memory = new Uint8Array(record.length + 20).fill(5);
      memory.set(record, 10);
      for (let end = 0; end <= Math.min(record.length, 24); end++) {
        const records = RecordSpans.of([undefined, memory.subarray(10, 10 + end)]);
        const cut = record.slice(0, end);
        assert.equal([records.read(1, dimensionsOf), records.read(1, tokensOf)], read(cut));
        assert.ok([undefined, dimensions].includes(dimensionsOf(cut)) && [undefined, tokens].includes(tokensOf(cut)));
      }
      assert.is(RecordSpans.none(1).read(0, dimensionsOf), undefined);
    }
  }
});

test('of anything else: nothing', () => {
  const [value] = createValueCodec({}).encodeMany(['key'], ['a value']) as [Uint8Array];
  const others = [
    value,
    writeRecord('key', 0x7e, 9, Uint8Array.of(1)),
    header(),
    header(0x96),
    header(0x96, 1, 0),
    header(0x94, 1, 0, 5, 7),
    header(0x97, 1, 0, 5, 7),
    header(0x96, 2, 0, 5, 7),
    header(0x96, 1, 0x70, 5, 7),
    header(0x96, 1, 0xff, 5, 7),
    header(0x96, 1, 0, 0, 7),
    header(0x96, 1, 0, 0xcc, 5, 7),
    header(0x96, 1, 0, 0xcd, 0, 5, 7),
    header(0x96, 1, 0, 0xce, 0, 1, 0, 0, 7),
    header(0x96, 1, 0, 0xcf, 0, 0, 0, 0, 0, 0, 0, 5, 7),
    header(0x96, 1, 0, 0xe5, 7),
  ];
  for (const other of others) assert.equal(read(other), [undefined, undefined], `${other}`);
  const unspelled = [
    [0xcc],
    [0xcc, 5],
    [0xcd, 0, 0xff],
    [0xcd, 1],
    [0xce, 0, 0, 0xff, 0xff],
    [0xce, 1, 0, 0],
    [0xcf],
    [0xe5],
  ];
  for (const tokens of unspelled) assert.equal(read(header(0x96, 1, 0, 5, ...tokens)), [5, undefined], `${tokens}`);
  assert.equal(read(header(0x95, 1, 0, 5, 7)), [5, undefined]);
});

test('of a value: its bytes', () => {
  assert.is(declaredLength(writeRecord('key', 0x70, 70_000, header(1))), 70_000);
  assert.is(declaredLength(header(0x95, 1, 0x70, 0xcd, 1)), 0);
  assert.is(declaredLength(header()), 0);
});

for (const engine of engines) {
  test(`${engine}: reads no other vector than this says`, () => {
    const codec = createVectorCodec({ dimensions: 5, engine });
    const [record] = codec.encodeMany(['key'], [prf('a', 5)], [300]) as [Uint8Array];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(12), fc.nat(255)), { maxLength: 3 }), fc.nat(40), (changes, length) => {
        const changed = record.slice(0, 20 + length);
        for (const [at, byte] of changes) changed[at] = byte;
        const [dimensions, tokens] = read(changed);
        const reason = reasonOf(() => codec.decodeOne('key', changed));
        if (reason === 'ok') assert.equal([dimensions, tokens], [5, 300]);
        // Behind the layout dimensions come first.
        if (reason === 'checksum') assert.is(dimensions, 5);
        if (reason === 'dimensions') assert.is.not(dimensions, 5);
        if (reason === 'checksum') assert.is(tokens === undefined, changed[0] === 0x95);
      }),
      { numRuns: 5000 },
    );
  });
}

test.run();
