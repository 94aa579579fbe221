import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import loadAddon from '#native';
import { STATUSES } from '../../src/codec/engine/status.js';
import type { Precision } from '../../src/codec/modes.js';
import { tokensOf } from '../../src/codec/record-header.js';
import type { Golden } from '../golden/make.js';
import { MODE } from '../support/modes.js';
import { prf } from '../support/prf.js';
import { skipped } from '../support/skip.js';
import { vectorKinds } from '../support/vector-kinds.js';
import { exportNames, imports, joined, WasmCore, words } from '../support/wasm-core.js';

// The file that native/wasm builds to, called as its ABI says: it reads what was ever written, and writes what the addon writes.
const test = suite('the core as WebAssembly');
const golden: Golden = JSON.parse(readFileSync(new URL('../golden/format-1.json', import.meta.url), 'utf8'));
const { addon } = loadAddon();

const core = new WasmCore();
const HINT_WORDS = core.exports.hint_words();
const COMPRESSIONS = [0, 1, 2, 3] as const;

const hex = (text: string) => Buffer.from(text, 'hex');
const toleranceOf = (precision: Precision) =>
  typeof precision === 'object' ? precision.maxError : precision === 'float16' ? -1 : precision === 'int8' ? -2 : 0;

/** The status and the vector of one record. */
function decodeOne(key: Uint8Array, record: Uint8Array, dimensions: number, tolerance: number) {
  const lengths = Uint32Array.of(key.length, record.length);
  const output = core.call('decode_vectors', [1, dimensions, tolerance], lengths, key, record) as Uint8Array;
  return { status: STATUSES[output.at(-1) as number], bytes: output.subarray(0, -1) };
}

/** The records that an output ends with, behind `skipped` words and the lengths. */
function recordsOf(output: Uint8Array, count: number, skipped = 0): Uint8Array[] {
  let at = 4 * (skipped + count);
  return Array.from(words(output, count, 4 * skipped), (length) => {
    at += length;
    return output.subarray(at - length, at);
  });
}

test('it imports nothing and exports its ABI', () => {
  assert.equal(imports, []);
  assert.is(core.exports.abi(), 3);
  const source = readFileSync(new URL('../../native/wasm/src/lib.rs', import.meta.url), 'utf8');
  const declared = [...source.slice(source.indexOf('\nexports! {')).matchAll(/^ {4}fn (\w+)\(/gm)].map(
    ([, name]) => name,
  );
  assert.equal([...exportNames].sort(), ['memory', ...declared].sort());
});

test('golden vectors', () => {
  assert.ok(golden.vectors.length > 0);
  for (const { name, mode, key, record, floats, precision = 'exact' } of golden.vectors) {
    const found = decodeOne(Buffer.from(key), hex(record), floats.length / 8, toleranceOf(precision));
    assert.is(found.status, 'ok', `${mode}: ${name}`);
    assert.is(Buffer.from(found.bytes).toString('hex'), floats, `${mode}: ${name}`);
  }
});

test('golden values', () => {
  for (const { mode, key, record, json, dictionary } of golden.values) {
    const lengths = Uint32Array.of(key.length, record.length / 2);
    const decode = () => core.call('decode_values', [1], lengths, Buffer.from(key), hex(record)) as Uint8Array;
    if (dictionary !== undefined) {
      assert.is(STATUSES[decode()[4] as number], 'unsupported', mode);
      const bytes = hex(dictionary);
      const loaded = core.call('load_dictionary', [bytes.length], bytes) as Uint8Array;
      assert.equal([...words(loaded, 2)], [1, hex(record).readUInt32LE(hex(record).length - payloadLength(record))]);
    }
    const output = decode();
    assert.is(STATUSES[output[4] as number], 'ok', mode);
    assert.is(words(output, 1)[0], output.length - 5, mode);
    // Whatever the msgpack is in detail, the strings of the value stand in it as they are.
    const strings = [...json.matchAll(/"([\w .-]{4,})"/g)].map(([, text]) => text as string);
    assert.ok(strings.length > 0);
    for (const text of strings) assert.ok(Buffer.from(output).includes(text), `${mode}: ${text}`);
  }
});

test('golden sealed records', () => {
  for (const { key, record, inside } of golden.sealed) {
    const lengths = Uint32Array.of(key.length, record.length / 2);
    const output = core.call('read_records', [1], lengths, Buffer.from(key), hex(record)) as Uint8Array;
    const [status, mode, number, payloadAt] = words(output, 4);
    assert.equal([status, mode, number], [0, hex(record)[2], inside.length / 2]);
    const framed = [
      Uint32Array.of(mode as number),
      Uint32Array.of(number as number),
      Buffer.from(key),
      hex(record).subarray(payloadAt),
    ];
    const payloads = Uint32Array.of(key.length, record.length / 2 - (payloadAt as number));
    const written = core.call('write_records', [1], payloads, ...framed) as Uint8Array;
    assert.is(Buffer.from(recordsOf(written, 1)[0] as Uint8Array).toString('hex'), record);
  }
});

/** The bytes of a golden record's payload. */
function payloadLength(record: string): number {
  const bytes = hex(record);
  const at = bytes.indexOf(0xcf) + 9;
  const width = [1, 2, 4][(bytes[at] as number) - 0xc4] as number;
  return bytes.readUIntBE(at + 1, width);
}

test('every flip and every truncation of a record of each mode is refused', () => {
  const seen = new Set<string>();
  for (const { mode, name, key, record, floats, precision = 'exact' } of golden.vectors) {
    if (seen.has(mode) || record.length > 600) continue;
    seen.add(mode);
    const bytes = hex(record);
    const decode = (damaged: Uint8Array) =>
      decodeOne(Buffer.from(key), damaged, floats.length / 8, toleranceOf(precision));
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const found = decode(damaged);
      assert.is.not(found.status, 'ok', `${mode}: ${name}: bit ${bit}`);
      assert.ok(found.bytes.every((byte) => byte === 0));
    }
    for (let length = 0; length < bytes.length; length++)
      assert.is(decode(bytes.subarray(0, length)).status, length === 0 ? 'absent' : 'truncated');
  }
  assert.is(seen.size, new Set(golden.vectors.map(({ mode }) => mode)).size);
});

if (addon === undefined) {
  skipped('the comparison of the WebAssembly file with the addon: there is no addon here');
} else {
  test('vectors: the same bytes as the addon, in every mode', () => {
    const modes = new Set<number>();
    for (const dimensions of [1, 5, 66, 384, 1027]) {
      const vectors = Object.values(vectorKinds(dimensions));
      const keys = vectors.map((_, i) => Buffer.from(`key ${i}`));
      const [keyLengths, keyBytes] = joined(keys);
      const floats = Float32Array.from({ length: vectors.length * dimensions }, () => 0);
      vectors.forEach((vector, i) => {
        new Uint32Array(floats.buffer).set(
          new Uint32Array(vector.buffer, vector.byteOffset, dimensions),
          i * dimensions,
        );
      });
      for (const tolerance of [0, -1, -2, 1e-6, 1e-3, 0.5, 1e30]) {
        for (const compression of tolerance === 0 ? COMPRESSIONS : ([0] as const)) {
          const name = `${dimensions} dimensions, compression ${compression}, tolerance ${tolerance}`;
          const memory = new Uint32Array(HINT_WORDS);
          const args = [vectors.length, dimensions, compression, tolerance];
          const output = core.call('encode_vectors', args, memory, keyLengths, floats, keyBytes) as Uint8Array;
          const expected = addon.encodeVectors(
            keyBytes,
            keyLengths,
            vectors,
            dimensions,
            compression,
            tolerance,
            memory,
            0,
          );
          assert.equal([...words(output, HINT_WORDS)], [...memory], name);
          assert.equal([...words(output, vectors.length, 4 * HINT_WORDS)], [...expected.lengths], name);
          const head = 4 * (HINT_WORDS + vectors.length);
          assert.ok(expected.bytes.equals(output.subarray(head)), name);
          for (const record of recordsOf(output, vectors.length, HINT_WORDS)) modes.add(record[2] as number);

          // Back again, the same as the addon reads, NaN payloads and all.
          const blocks = [new Float32Array(vectors.length * dimensions)];
          const spans = spansOf(expected.lengths);
          const sources = [expected.bytes];
          const count = vectors.length;
          const statuses = addon.decodeVectors(
            keyBytes,
            keyLengths,
            sources,
            spans,
            dimensions,
            tolerance,
            blocks,
            count,
            new Uint32Array(0),
          );
          const read = core.call(
            'decode_vectors',
            [vectors.length, dimensions, tolerance],
            ...[keyLengths, expected.lengths, keyBytes, expected.bytes],
          ) as Uint8Array;
          const end = 4 * floats.length;
          assert.ok(Buffer.from(read.subarray(end)).equals(statuses), name);
          assert.ok(Buffer.from(read.subarray(0, end)).equals(Buffer.from((blocks[0] as Float32Array).buffer)), name);
        }
      }
    }
    const { raw, planes, exponent, grid, steps, decimal, float16, int8 } = MODE;
    for (const mode of [raw, planes, exponent, grid, steps, decimal, float16, int8])
      assert.ok(modes.has(mode), `mode ${mode} was written`);
  });

  test('tokens: the same bytes as the addon', () => {
    const tokens = Float64Array.of(
      0,
      127,
      128,
      70_000,
      2 ** 32 - 1,
      2 ** 32,
      -1,
      0.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    );
    const count = tokens.length;
    const [keyLengths, keyBytes] = joined(Array.from(tokens, (_, i) => Buffer.from(`key ${i}`)));
    const floats = prf('tokens', 5 * count);
    const vectors = Array.from(tokens, (_, i) => floats.subarray(5 * i, 5 * i + 5));
    const memory = new Uint32Array(HINT_WORDS);
    const output = core.call('encode_vectors', [count, 5, 0, 0, 0, 1], memory, tokens, keyLengths, floats, keyBytes);
    const expected = addon.encodeVectors(keyBytes, keyLengths, vectors, 5, 0, 0, memory, 0, tokens);
    const records = recordsOf(output as Uint8Array, count, HINT_WORDS);
    assert.ok(expected.bytes.equals(Buffer.concat(records)));
    assert.equal(
      records.map((record) => tokensOf(record)),
      [0, 127, 128, 70_000, 2 ** 32 - 1, ...new Array(5).fill(undefined)],
    );
    for (const unfit of [tokens.subarray(1), new Float64Array(0), new Uint32Array(count)])
      assert.throws(
        () => addon.encodeVectors(keyBytes, keyLengths, vectors, 5, 0, 0, memory, 0, unfit as Float64Array),
        /tokens must be/,
      );
  });

  test('values: the same bytes as the addon, with dictionaries too', () => {
    const texts = Array.from({ length: 400 }, (_, i) =>
      Buffer.from(
        JSON.stringify({ id: `asset_${i * 7919}`, name: `beach-${i}.jpg`, tags: ['sea', 'sand', `tag ${i % 7}`] }),
      ),
    );
    const random = Buffer.from(Float32Array.from({ length: 70_000 }, (_, i) => Math.sin(i * i)).buffer);
    const values = [
      ...texts.slice(0, 40),
      Buffer.concat(texts),
      // Long enough for every block size and window that level 3 chooses between.
      ...[1, 2, 63, 64, 65, 20_000, 140_000, 280_000].map((length) => random.subarray(0, length)),
      ...[17_000, 129_000, 300_000, 3_000_000].map((length) => Buffer.alloc(length, Buffer.concat(texts))),
    ];
    const keys = values.map((_, i) => Buffer.from(`value ${i}`));
    const [keyLengths, keyBytes] = joined(keys);
    const [valueLengths, valueBytes] = joined(values);
    const trained = addon.trainDictionary(
      Buffer.concat(texts),
      Uint32Array.from(texts, (text) => text.length),
      4096,
    );
    const numbers = [trained as Uint8Array, texts[0] as Uint8Array].map((bytes) => {
      const number = addon.loadDictionary(bytes);
      assert.equal([...words(core.call('load_dictionary', [bytes.length], bytes) as Uint8Array, 2)], [1, number]);
      return number as number;
    });
    const modes = new Set<number>();
    for (const compression of COMPRESSIONS) {
      for (const dictionary of [undefined, ...numbers]) {
        const expected = addon.encodeValues(keyBytes, keyLengths, values, compression, dictionary);
        const args = [values.length, compression, Number(dictionary !== undefined), dictionary ?? 0];
        const output = core.call('encode_values', args, keyLengths, valueLengths, keyBytes, valueBytes) as Uint8Array;
        assert.equal([...words(output, values.length)], [...expected.lengths]);
        assert.ok(expected.bytes.equals(output.subarray(4 * values.length)), `${compression}, ${dictionary}`);
        for (const record of recordsOf(output, values.length)) modes.add(record[2] as number);

        const read = core.call(
          'decode_values',
          [values.length],
          ...[keyLengths, expected.lengths, keyBytes, expected.bytes],
        ) as Uint8Array;
        assert.equal([...words(read, values.length)], [...valueLengths]);
        assert.ok(read.subarray(4 * values.length, 5 * values.length).every((status) => status === 0));
        assert.ok(valueBytes.equals(read.subarray(5 * values.length)));
      }
    }
    assert.equal([...modes].sort(), [0x70, 0x71, 0x72, 0x73]);
  });

  test('digests: the same as the addon', () => {
    const prefix = Buffer.from('prefix:');
    const strings = ['', 'text', 'ünïcödé', '\u{10ffff}', 'lone \ud800 surrogate', 'x'.repeat(5000)];
    const units = (text: string) => Buffer.from(text, 'utf16le');
    for (const secret of [undefined, Buffer.alloc(0), Buffer.from('a secret'), Buffer.alloc(100, 7)]) {
      const digest = (kinds: number[], inputs: Buffer[]) => {
        const [lengths, bytes] = joined(inputs);
        const args = [inputs.length, prefix.length, Number(secret !== undefined), secret?.length ?? 0];
        const parts = [lengths, Uint8Array.from(kinds), prefix, secret ?? Buffer.alloc(0), bytes];
        return Buffer.from(core.call('digest', args, ...parts) as Uint8Array).toString('latin1');
      };
      const kinds = strings.map((text) => Number(!text.isWellFormed()));
      const inputs = strings.map((text, i) => (kinds[i] === 1 ? units(text) : Buffer.from(text)));
      assert.is(digest(kinds, inputs), addon.digestStrings(secret, prefix, ...strings));
      assert.is(
        digest([2, 2], [Buffer.from('text'), Buffer.alloc(0)]),
        addon.digestBytes(secret, prefix, [Buffer.from('text'), Buffer.alloc(0)]),
      );
    }
  });

  test('records around payloads: the same as the addon', () => {
    const payloads = [0, 1, 255, 256, 70_000].map((length) => Buffer.alloc(length, length));
    const [keyLengths, keyBytes] = joined(payloads.map((_, i) => Buffer.from(`k${i}`)));
    const [payloadLengths, payloadBytes] = joined(payloads);
    const modes = Uint32Array.of(0x7e, 0x7f, 0, 0x70, 1);
    const numbers = Uint32Array.of(1, 127, 128, 65536, 0xffffffff);
    const parts = [keyLengths, payloadLengths, modes, numbers, keyBytes, payloadBytes];
    const written = core.call('write_records', [payloads.length], ...parts) as Uint8Array;
    const expected = addon.writeRecords(keyBytes, keyLengths, payloads, modes, numbers);
    assert.equal([...words(written, payloads.length)], [...expected.lengths]);
    assert.ok(expected.bytes.equals(written.subarray(4 * payloads.length)));

    const read = core.call('read_records', [payloads.length], keyLengths, expected.lengths, keyBytes, expected.bytes);
    const found = addon.readRecords(keyBytes, keyLengths, [expected.bytes], spansOf(expected.lengths));
    assert.equal([...words(read as Uint8Array, 4 * payloads.length)], [...found]);
    // The last number is longer than any value.
    assert.equal(
      [0, 1, 2, 3, 4].map((i) => STATUSES[found[4 * i] as number]),
      ['ok', 'ok', 'ok', 'ok', 'dimensions'],
    );
  });
}

/** One source that holds all records end to end. */
function spansOf(lengths: Uint32Array): Uint32Array {
  const spans = new Uint32Array(3 * lengths.length);
  let at = 0;
  lengths.forEach((length, i) => {
    spans.set([0, at, length], 3 * i);
    at += length;
  });
  return spans;
}

test.run();
