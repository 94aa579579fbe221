import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import loadAddon from '#native';
import { MODE } from '../support/modes.js';
import { prf } from '../support/prf.js';
import { skipped } from '../support/skip.js';
import { type CallName, joined, type Part, WasmCore, words } from '../support/wasm-core.js';

// Whatever stands in an input and whatever a call is told of it, the core answers 0 or 1: it never traps, which these tests would
// see as an exception, and its output lies within the memory (`callOnly` sees to that).
const test = suite('the core as WebAssembly, misused');
const { addon } = loadAddon();

const core = new WasmCore();
const HINT_WORDS = core.exports.hint_words();

/** Each call, with as many numbers as it takes behind its count. */
const CALLS: readonly [CallName, number][] = [
  ['encode_vectors', 5],
  ['decode_vectors', 3],
  ['encode_values', 3],
  ['decode_values', 0],
  ['load_dictionary', 0],
  ['load_profile', 0],
  ['digest', 3],
  ['write_records', 0],
  ['read_records', 0],
];

const NO_PROFILES = new Uint32Array(0);
const HUGE = [0x7fffffff, 0x80000000, 0xffffffff, 0x40000000, 0x20000001, 0x10001, 0xffff];
const number = fc.oneof(
  fc.integer({ min: 0, max: 9 }),
  fc.nat(300),
  fc.constantFrom(...HUGE),
  fc.constantFrom(-1, -2, 0.5, Number.NaN),
);

test('any arguments over any bytes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CALLS),
      number,
      fc.array(number, { minLength: 5, maxLength: 5 }),
      fc.uint8Array({ maxLength: 300 }),
      ([name, others], count, numbers, bytes) => {
        core.call(name, [count, ...numbers.slice(0, others)], bytes);
      },
    ),
    { numRuns: 20_000 },
  );
});

test('any arguments over small lengths', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CALLS),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 5, maxLength: 5 }),
      fc.array(fc.oneof(fc.nat(12), fc.constantFrom(...HUGE)), { minLength: 2, maxLength: 20 }),
      fc.uint8Array({ maxLength: 200 }),
      ([name, others], count, numbers, lengths, bytes) => {
        core.call(name, [count, ...numbers.slice(0, others)], Uint32Array.from(lengths), bytes);
      },
    ),
    { numRuns: 20_000 },
  );
});

test('counts and lengths that are too large are misuse', () => {
  const some = new Uint8Array(4096);
  for (const [name, others] of CALLS) {
    for (const count of HUGE) {
      const args = [count, ...[8, 0, 0].slice(0, others)];
      assert.is(core.call(name, args, some), undefined, `${name} ${count}`);
      assert.is(core.call(name, args), undefined, `${name} ${count}, no input`);
    }
  }
  // Their sum is 0 in 32 bits.
  const half = Uint32Array.of(0x80000000, 0x80000000);
  const none = new Uint32Array(2);
  assert.is(core.call('decode_vectors', [2, 8, 0], half, none, some), undefined);
  assert.is(core.call('decode_vectors', [2, 8, 0], none, half, some), undefined);
  assert.is(core.call('decode_values', [2], half, none, some), undefined);
  assert.is(core.call('encode_values', [2, 0, 0, 0], none, half, some), undefined);
  assert.is(core.call('read_records', [2], half, half, some), undefined);
  assert.is(core.call('write_records', [2], half, none, none, none, some), undefined);
  assert.is(core.call('digest', [2, 0, 0, 0], half, new Uint8Array(2), some), undefined);
  assert.is(core.call('digest', [0, 0xffffffff, 1, 1], some), undefined);
  assert.is(core.call('digest', [0, 1, 1, 0xffffffff], some), undefined);
  // 65536 rows of 65535 floats are 16 GiB, which is 0 and a little in 32 bits.
  assert.is(core.call('decode_vectors', [0x10001, 0xffff, 0], new Uint8Array(8 * 0x10001)), undefined);
  assert.is(core.call('decode_vectors', [8200, 0xffff, 0], new Uint8Array(8 * 8200)), undefined);
});

test('arguments that no call takes are misuse', () => {
  const [lengths, key] = joined([Buffer.from('key')]);
  const encode = (dimensions: number, compression: number, tolerance: number) =>
    core.call(
      'encode_vectors',
      [1, dimensions, compression, tolerance],
      new Uint32Array(HINT_WORDS),
      lengths,
      new Float32Array(dimensions & 7),
      key,
    );
  assert.ok(encode(4, 0, 0));
  for (const dimensions of [0, 65536, 0xffffffff]) assert.is(encode(dimensions, 0, 0), undefined);
  for (const compression of [4, 0xffffffff]) assert.is(encode(4, compression, 0), undefined);
  for (const tolerance of [Number.NaN, -3, -0.5, Infinity, 1e-60]) assert.is(encode(4, 0, tolerance), undefined);
  // A value of no bytes, a dictionary that was not loaded, an odd number of bytes of UTF-16, a kind and a mode that are none.
  assert.is(core.call('encode_values', [1, 0, 0, 0], lengths, Uint32Array.of(0), key), undefined);
  assert.is(core.call('encode_values', [1, 0, 1, 12345], lengths, Uint32Array.of(1), key, Uint8Array.of(1)), undefined);
  for (const kind of [1, 3]) assert.is(core.call('digest', [1, 0, 0, 0], lengths, Uint8Array.of(kind), key), undefined);
  assert.is(core.call('digest', [0, 1, 0, 0], Uint8Array.of(0x80)), undefined);
  for (const mode of [128, 256, 0xffffffff])
    assert.is(
      core.call('write_records', [1], lengths, Uint32Array.of(0), Uint32Array.of(mode), Uint32Array.of(1), key),
      undefined,
    );
  // No dictionary, which is no misuse.
  assert.equal([...words(core.call('load_dictionary', [3], key) as Uint8Array, 2)], [0, 0]);
});

test('more input than is asked for is none of its business', () => {
  const [lengths, key] = joined([Buffer.from('key')]);
  const parts: Part[] = [lengths, Uint8Array.of(0), key];
  assert.equal(
    core.call('digest', [1, 0, 0, 0], ...parts, new Uint8Array(100)),
    core.call('digest', [1, 0, 0, 0], ...parts),
  );
});

test('a batch of nothing', () => {
  for (const [name, others] of CALLS) {
    if (name.startsWith('load_')) continue;
    const dimensions = name.endsWith('vectors') ? 8 : 0;
    const output = core.call(
      name,
      [0, ...[dimensions, 0, 0, 0].slice(0, others)],
      new Uint32Array(HINT_WORDS),
      Buffer.alloc(8),
    );
    assert.is(output?.length, name === 'encode_vectors' ? 4 * HINT_WORDS : 0, name);
  }
});

test('an input that there is no memory for is refused, and the next one is not', () => {
  assert.is(core.exports.input(0xffffffff), 0);
  assert.is(core.exports.input(0xfffffff8), 0);
  assert.is(core.callOnly('read_records', [1]), undefined);
  assert.is.not(core.exports.input(16), 0);
});

test('what was taken for large batches is used again', () => {
  const fresh = new WasmCore();
  const dimensions = 65535;
  const count = 40;
  const keys = joined(Array.from({ length: count }, (_, i) => Buffer.from(`key ${i}`)));
  const vectors = new Float32Array(count * dimensions).fill(0.1);
  const round = () => {
    const args = [count, dimensions, 0, 0];
    fresh.call('encode_vectors', args, new Uint32Array(HINT_WORDS), keys[0], vectors, keys[1]);
    fresh.exports.trim();
    return fresh.exports.memory.buffer.byteLength;
  };
  const first = round();
  for (let i = 0; i < 5; i++)
    assert.ok(round() <= first * 1.25, `${fresh.exports.memory.buffer.byteLength} after ${first}`);
  assert.is(fresh.exports.output_length(), 0);
});

if (addon === undefined) {
  skipped('hostile records in the WebAssembly file, compared with the addon: there is no addon here');
} else {
  test('payloads that nobody wrote: the same answers as the addon', () => {
    const key = Buffer.from('key');
    const lengths = Uint32Array.of(key.length);
    const modes = Object.values(MODE);
    const seen = new Set<number>();
    const compare = (mode: number, dimensions: number, payload: Uint8Array, tolerance: number) => {
      const parts = [
        lengths,
        Uint32Array.of(payload.length),
        Uint32Array.of(mode),
        Uint32Array.of(dimensions),
        key,
        payload,
      ];
      const record = (core.call('write_records', [1], ...parts) as Uint8Array).subarray(4);
      const spans = Uint32Array.of(0, 0, record.length);
      const block = new Float32Array(dimensions);
      const status = addon.decodeVectors(
        key,
        lengths,
        [record],
        spans,
        dimensions,
        tolerance,
        [block],
        1,
        NO_PROFILES,
      )[0] as number;
      const args = [1, dimensions, tolerance];
      const output = core.call(
        'decode_vectors',
        args,
        lengths,
        Uint32Array.of(record.length),
        key,
        record,
      ) as Uint8Array;
      assert.is(output.at(-1), status);
      assert.ok(Buffer.from(block.buffer).equals(output.subarray(0, -1)));
      seen.add(status);
      const value = addon.decodeValues(key, lengths, [record], spans)[0] as Buffer | number;
      const read = core.call('decode_values', [1], lengths, Uint32Array.of(record.length), key, record) as Uint8Array;
      assert.is(read[4], typeof value === 'number' ? value : 0);
      if (typeof value !== 'number') assert.ok(value.equals(read.subarray(5)));
    };
    const tolerances = fc.constantFrom(0, -1, -2, 1e-5, 1e30);
    const dimensions = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(fc.constantFrom(...modes, 0x55), dimensions, fc.uint8Array({ maxLength: 400 }), tolerances, compare),
      { numRuns: 5000 },
    );

    // Sound ones, until a few bytes of them were changed.
    const sound = [0, -1, -2, 1e-5].flatMap((tolerance) =>
      [prf('a vector', 48), prf('a vector', 48).map((x) => Number(x.toFixed(6)))].map((vector) => {
        const memory = new Uint32Array(HINT_WORDS);
        const { bytes } = addon.encodeVectors(key, lengths, [vector], 48, 0, tolerance, memory, 0);
        const found = addon.readRecords(key, lengths, [bytes], Uint32Array.of(0, 0, bytes.length));
        return { mode: found[1] as number, payload: bytes.subarray(found[3]) };
      }),
    );
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...sound), changes, tolerances, ({ mode, payload }, changed, tolerance) => {
        const bytes = Uint8Array.from(payload);
        for (const [at, byte] of changed) bytes[at % bytes.length] = byte;
        compare(mode, 48, bytes, tolerance);
      }),
      { numRuns: 5000 },
    );
    assert.ok(seen.has(0) && seen.size > 3, `statuses ${[...seen]}`);
  });
}

test.run();
