import { deepStrictEqual } from 'node:assert';
import { runInNewContext, runInThisContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidInputError } from '../../src/errors.js';
import { createValueCodec } from '../../src/values/codec.js';
import { pairs } from '../support/engines.js';

const test = suite('values');

const VALUES: unknown[] = [
  null,
  0,
  -1.5,
  2n ** 60n,
  '',
  'text, ☃ and \u0000',
  true,
  [],
  { a: { b: [1, 'two', null] } },
  new Date(1_700_000_000_000),
  new Set(['a']),
  Uint8Array.from([0, 255, 1]),
  Float32Array.from([1.5, -0]),
  'x'.repeat(100_000),
  Array.from({ length: 500 }, (_, i) => ({ id: i, name: `asset ${i}` })),
];

for (const [writer, reader] of pairs) {
  for (const compression of ['auto', 'none', 'lz4', 'zstd'] as const) {
    test(`${writer} writes, ${reader} reads, ${compression}`, () => {
      const keys = VALUES.map((_, i) => `key ${i}`);
      const records = createValueCodec({ engine: writer, compression }).encodeMany(keys, VALUES);
      const values = createValueCodec({ engine: reader }).decodeMany([...keys, 'missing'], [...records, undefined]);
      deepStrictEqual(values, [...VALUES, undefined]);
    });
  }
}

test('text that repeats itself is stored smaller', () => {
  const [record] = createValueCodec().encodeMany(['k'], ['again and '.repeat(1000)]);
  assert.ok((record?.length ?? Number.POSITIVE_INFINITY) < 500);
});

test('a value that comes out shares no memory with the record', () => {
  const codec = createValueCodec<Uint8Array>({ compression: 'none' });
  const [record] = codec.encodeMany(['k'], [Uint8Array.from([1, 2, 3])]) as [Uint8Array];
  codec.decodeOne('k', record).fill(0);
  assert.equal(codec.decodeOne('k', record), Uint8Array.from([1, 2, 3]));
});

test('a key __proto__ of what was parsed pollutes nothing, and its value is there', () => {
  const codec = createValueCodec<Record<string, unknown>>();
  const records = codec.encodeMany(['k'], [JSON.parse('{"__proto__":{"isAdmin":true},"a":1}')]);
  const [value] = codec.decodeMany(['k'], records);
  assert.equal(value, { __proto_: { isAdmin: true }, a: 1 });
  assert.is(value?.isAdmin, undefined);
});

test('bytes of another realm come back, and its dates, which would come back as text, are refused', () => {
  const foreign = (code: string) => createValueCodec().encodeMany(['k'], [runInNewContext(code)]);
  const codes = [
    'Uint8Array.of(1, 2)',
    'Float64Array.of(1.5)',
    'new DataView(new ArrayBuffer(4), 1)',
    'new ArrayBuffer(3)',
  ];
  for (const code of codes)
    deepStrictEqual(createValueCodec().decodeMany(['k'], foreign(code)), [runInThisContext(code)]);
  assert.throws(() => foreign('new Date(5)'), /a Date of another realm/);
  assert.throws(() => foreign('new Map()'), /an instance of a class/);
});

test('what cannot be stored is refused without being quoted', () => {
  const codec = createValueCodec();
  const cyclic: Record<string, unknown> = { password: 'secret-text' };
  cyclic.self = cyclic;
  for (const value of [undefined, cyclic]) {
    assert.throws(
      () => codec.encodeMany(['a'], [value]),
      (error: unknown) =>
        error instanceof InvalidInputError && error.field === 'values[0]' && !String(error).includes('secret'),
    );
  }
});

test.run();
