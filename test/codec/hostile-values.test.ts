import { deepStrictEqual } from 'node:assert';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CorruptRecordError, InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { createValueCodec } from '../../src/values/codec.js';
import { MALFORMED, MAX_DEPTH, msgpackCost, TOO_MUCH } from '../../src/values/cost.js';
import { pack } from '../../src/values/pack.js';
import { engines } from '../support/engines.js';
import { MODE } from '../support/modes.js';
import { packedArray, packedDeep, packedText } from '../support/msgpack.js';
import { reasonOf } from '../support/reason.js';
import { writeRecord } from '../support/records.js';
import { runNode } from '../support/run-script.js';

// Values whose records are sound and whose msgpack is not what vecstash writes, or takes far more memory than it has bytes.
const test = suite('hostile values');
const KEY = 'key';
const MIB = 1024 * 1024;

const stored = (msgpack: Uint8Array) => writeRecord(KEY, MODE.value, msgpack.length, msgpack);

/** What every engine says of some msgpack. */
function reasonOfAll(msgpack: Uint8Array, maxValueBytes = MIB): string {
  const reasons = engines.map((engine) =>
    reasonOf(() => createValueCodec({ engine, maxValueBytes }).decodeOne(KEY, stored(msgpack))),
  );
  assert.is(new Set(reasons).size, 1, reasons.join(' / '));
  return reasons[0] as string;
}

const MALFORMED_MSGPACK: Record<string, number[]> = {
  nothing: [],
  'a second value': [0xc0, 0xc0],
  'an array of 2^32 - 1': [0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0],
  'an array of 16 bits': [0xdc, 0xff, 0xff, 0xc0],
  'a map of 2^32 - 1': [0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0, 0xc0],
  'a map with half an entry': [0x82, ...packedText('a'), 0xc0, ...packedText('b')],
  'a string of 2^32 - 1': [0xdb, 0xff, 0xff, 0xff, 0xff, 0x41],
  'a bin of 2^32 - 1': [0xc6, 0xff, 0xff, 0xff, 0xff, 0x41],
  'an extension of 2^32 - 1': [0xc9, 0xff, 0xff, 0xff, 0xff, 0x42, 1],
  'the byte that is never used': [0xc1],
  'a definition of a record': [0xd4, 0x72, 0x40, 0x91, ...packedText('a'), 0xc0],
  'an id of something': [0xd6, 0x69, 0, 0, 0, 1, 0x90],
  'a pointer to something': [0xd6, 0x70, 0, 0, 0, 1],
  'a bundle of strings': [0xd6, 0x62, 0, 0, 0, 1, 0xc0],
  'an extension that nobody knows': [0xd4, 0x01, 0x00],
  'typed arrays of half an element': [0xc7, 4, 0x74, 7, 0, 0, 0],
  'typed arrays of no kind': [0xc7, 2, 0x74, 99, 0],
  'a set of a number': [0xd4, 0x73, 0, 5],
  'a set of a set': [0xd4, 0x73, 0, 0xd4, 0x73, 0, 0x90],
  'a set of nothing': [0xd4, 0x73, 0],
  'an error of one element': [0xd4, 0x65, 0, 0x91, ...packedText('Error')],
  'an error with an array as its message': [0xd4, 0x65, 0, 0x93, ...packedText('Error'), 0x90, 0xc0],
  'an error whose class is a method of every object': [0xd4, 0x65, 0, 0x93, ...packedText('valueOf'), 0xa0, 0xc0],
  'an expression of numbers': [0xd4, 0x78, 0, 0x92, 1, 2],
  'a key that is an array': [0x81, 0x90, 0xc0],
  'a key that is a map': [0x81, 0x80, 0xc0],
  'a key that is bytes': [0x81, 0xc4, 0, 0xc0],
  'a key that is a set': [0x81, 0xd4, 0x73, 0, 0x90, 0xc0],
};
for (const [name, bytes] of Object.entries(MALFORMED_MSGPACK)) {
  test(`refused as no value: ${name}`, () => {
    if (bytes.length > 0) assert.is(reasonOfAll(Uint8Array.from(bytes)), 'payload');
    assert.is(msgpackCost(Uint8Array.from(bytes), Number.POSITIVE_INFINITY), MALFORMED);
  });
}

const TOO_MUCH_MSGPACK: Record<string, Uint8Array> = {
  'empty arrays': packedArray(400_000, [0x90]),
  'empty objects': packedArray(600_000, [0x80]),
  'objects with room for 300 numbers': packedArray(20_000, [0x81, ...packedText('300'), 0xc0]),
  sets: packedArray(150_000, [0xd4, 0x73, 0, 0x90]),
  'typed arrays': packedArray(50_000, [0xc7, 1, 0x74, 1]),
  errors: packedArray(20_000, [0xd4, 0x65, 0, 0x93, ...packedText('E'), ...packedText('m'), 0xc0]),
  'one level too many': packedDeep(MAX_DEPTH + 1),
  'a hundred thousand levels': packedDeep(100_000),
};
for (const [name, bytes] of Object.entries(TOO_MUCH_MSGPACK)) {
  test(`refused as too much: ${name}`, () => {
    assert.is(reasonOfAll(bytes), 'limit');
    assert.is(msgpackCost(bytes, 10 * MIB), TOO_MUCH);
  });
}

test('as deep as may be written can be read', () => {
  let value: unknown = 1;
  for (let i = 0; i < MAX_DEPTH; i++) value = i % 2 ? [value] : { a: value };
  for (const engine of engines) {
    const codec = createValueCodec({ engine });
    const [record] = codec.encodeMany([KEY], [value]) as [Uint8Array];
    deepStrictEqual(codec.decodeOne(KEY, record), value);
  }
});

/** Without dates that are none: they are kept, and equal nothing, themselves included. */
const anything = fc
  .anything({
    withBigInt: true,
    withDate: true,
    withMap: false,
    withSet: true,
    withTypedArray: true,
    withObjectString: true,
    withNullPrototype: false,
    withSparseArray: false,
  })
  .filter((value) => !inspect(value, { depth: 20 }).includes('Invalid Date'));

test('whatever is written is read, and is the same', () => {
  for (const engine of engines) {
    const codec = createValueCodec({ engine });
    let written = 0;
    fc.assert(
      fc.property(anything, (value) => {
        let record: Uint8Array;
        try {
          [record] = codec.encodeMany([KEY], [value]) as [Uint8Array];
        } catch (error) {
          assert.instance(error, InvalidInputError);
          return;
        }
        written++;
        deepStrictEqual(codec.decodeOne(KEY, record), sameButMinusZero(value));
      }),
      { numRuns: 2000 },
    );
    assert.ok(written > 1000, `${written} could be written`);
  }
});

/** -0 and `__proto__` are not kept. */
function sameButMinusZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(sameButMinusZero);
  if (value instanceof Set) return new Set([...value].map(sameButMinusZero));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key === '__proto__' ? '__proto_' : key, sameButMinusZero(item)]),
  );
}

test('random, cut and changed msgpack is a value or refused, by both engines alike', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.tuple(anything, fc.nat(60), fc.nat(255)).map(([value, at, byte]) => {
      try {
        const packed = Uint8Array.from(pack(value, 0, MIB));
        packed[at % packed.length] = byte;
        return packed;
      } catch {
        return Uint8Array.of(byte);
      }
    }),
  );
  let read = 0;
  fc.assert(
    fc.property(bytes, (msgpack) => {
      if (msgpack.length > 0 && reasonOfAll(msgpack) === 'ok') read++;
    }),
    { numRuns: 10_000 },
  );
  assert.ok(read > 500, `${read} could be read`);
  fc.assert(
    fc.property(anything, (value) => {
      let packed: Uint8Array;
      try {
        packed = pack(value, 0, MIB);
      } catch {
        return;
      }
      for (let cut = 0; cut < packed.length; cut++)
        assert.is(msgpackCost(packed.subarray(0, cut), Number.POSITIVE_INFINITY), MALFORMED);
    }),
    { numRuns: 300 },
  );
});

const isA = (type: typeof InvalidInputError | typeof InvalidOptionError) => (error: unknown) => error instanceof type;

const circular: Record<string, unknown> = {};
circular.self = [circular];
const twice: unknown[] = [];
let doubled: unknown = twice;
for (let i = 0; i < 100; i++) doubled = [doubled, doubled];
class Point {
  x = 1;
}
const NOT_STORABLE: Record<string, unknown> = {
  undefined: undefined,
  function: () => 1,
  'a function inside': { f() {} },
  symbol: Symbol('secret'),
  'a class': new Point(),
  'a promise': Promise.resolve(1),
  'a WeakMap': new WeakMap(),
  'a subclass of Map': new (class extends Map {})(),
  'a boxed string': Object('text'),
  'half a pair': ['\ud800'],
  'half a pair in a long text': `${'x'.repeat(200)}\udc00${'y'.repeat(200)}`,
  'half a pair as a key': { '\ud800': 1 },
  'an array with holes': Object.assign([1], { 2: 3 }),
  'a very long array with holes': new Array(2 ** 32 - 1),
  'a Map with objects as keys': new Map([[{}, 1]]),
  'too many keys': Object.fromEntries(Array.from({ length: 65_536 }, (_, i) => [`k${i}`, 0])),
  circular,
  'circular in a set': (() => {
    const set = new Set();
    return set.add(set);
  })(),
  'more than any memory': doubled,
  'a chain of 100,000': (() => {
    let chain: unknown;
    for (let i = 0; i < 100_000; i++) chain = { next: chain };
    return chain;
  })(),
  'a getter that throws': Object.defineProperty({}, 'secret', {
    enumerable: true,
    get() {
      throw new Error('secret');
    },
  }),
  'a toJSON that returns itself': new (class {
    toJSON() {
      return this;
    }
  })(),
  'too large: a text': 'x'.repeat(16 * MIB),
  'too large: bytes': new Uint8Array(16 * MIB),
  'too large: an array': new Array(17 * MIB).fill(0),
  'too large to hold': new Array(3 * MIB).fill([]),
};
for (const [name, value] of Object.entries(NOT_STORABLE)) {
  test(`is not written: ${name}`, () => {
    const codec = createValueCodec();
    assert.throws(
      () => codec.encodeMany([KEY, KEY], [1, value]),
      (error: unknown) =>
        error instanceof InvalidInputError && error.field === 'values[1]' && !String(error).includes('secret'),
    );
    assert.is(codec.encodeMany([KEY], [1]).length, 1, 'and the next one is');
  });
}

test('what has a toJSON is stored as that says', () => {
  const codec = createValueCodec();
  const [record] = codec.encodeMany([KEY], [{ at: new URL('https://example.com/') }]) as [Uint8Array];
  assert.equal(codec.decodeOne(KEY, record), { at: 'https://example.com/' });
});

for (const engine of engines) {
  test(`${engine}: maxValueBytes holds for what is written and what is read`, () => {
    const small = createValueCodec({ engine, maxValueBytes: 1000 });
    const large = createValueCodec({ engine, maxValueBytes: 100_000 });
    const text = 'x'.repeat(2000);
    assert.throws(() => small.encodeMany([KEY], [text]), isA(InvalidInputError));
    const [record] = large.encodeMany([KEY], [text]) as [Uint8Array];
    assert.ok(record.length < 200, 'compressed, it is smaller than that');
    assert.is(
      reasonOf(() => small.decodeOne(KEY, record)),
      'limit',
    );
    assert.equal(small.decodeMany([KEY, KEY], [record, undefined]), [undefined, undefined]);
    assert.is(large.decodeOne(KEY, record), text);
    for (const maxValueBytes of [0, 1.5, 64 * MIB + 1]) {
      assert.throws(() => createValueCodec({ engine, maxValueBytes }), isA(InvalidOptionError));
    }
  });

  test(`${engine}: many values of a call are bounded together, and those in front are read`, () => {
    const codec = createValueCodec({ engine, maxValueBytes: 100_000 });
    const [record] = codec.encodeMany([KEY], ['x'.repeat(90_000)]) as [Uint8Array];
    const values = codec.decodeMany(new Array(1000).fill(KEY), new Array(1000).fill(record));
    const found = values.filter((value) => value !== undefined).length;
    assert.ok(found > 3 && found < 100, `${found} of 1000`);
    // As much that is not made of nothing is read as a whole.
    const sound = createValueCodec({ engine, maxValueBytes: 100_000, compression: 'none' });
    const [plain] = sound.encodeMany([KEY], ['x'.repeat(90_000)]) as [Uint8Array];
    assert.ok(
      sound.decodeMany(new Array(200).fill(KEY), new Array(200).fill(plain)).every((value) => value !== undefined),
    );
  });

  test(`${engine}: forged values do not end a process that has little memory`, async () => {
    const script = fileURLToPath(new URL('../support/hostile-reader.ts', import.meta.url));
    const { code, stdout, stderr } = await runNode(['--max-old-space-size=400', '--import', 'tsx', script, engine]);
    assert.is(code, 0, stderr.slice(-2000));
    assert.match(stdout, 'alive');
  });
}

test('a refusal is typed', () => {
  const codec = createValueCodec();
  assert.throws(
    () => codec.decodeOne(KEY, stored(packedDeep(1000))),
    (error: unknown) => error instanceof CorruptRecordError && error.reason === 'limit',
  );
});

test.run();
