import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dimensionsOf, tokensOf } from '../../src/codec/record-header.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { createSealer } from '../../src/sealing/seal.js';
import { createValueCodec } from '../../src/values/codec.js';
import { engines } from '../support/engines.js';
import type { Golden } from './make.js';

// Records that were written once, by `node --import tsx test/golden/make.ts`, and must be readable for ever. A new mode adds
// records; none is ever changed or removed.
const test = suite('golden records');
const golden: Golden = JSON.parse(readFileSync(new URL('format-1.json', import.meta.url), 'utf8'));

test('every mode has records', () => {
  const modes = new Set(golden.vectors.map(({ mode }) => mode));
  assert.equal([...modes].sort(), [
    'decimal',
    'exponent',
    'float16',
    'grid',
    'int8',
    'multiples',
    'planes',
    'planes, lz4',
    'planes, zstd',
    'raw',
    'steps',
  ]);
  assert.equal(golden.values.map(({ mode }) => mode).sort(), [
    'value',
    'value, dictionary',
    'value, dictionary that was not trained',
    'value, lz4',
    'value, zstd',
  ]);
});

test('tokens of every form', () => {
  const tokens = golden.vectors.flatMap((vector) => vector.tokens ?? []);
  assert.equal(
    [...new Set(tokens)].sort((a, b) => a - b),
    [0, 127, 128, 300, 70_000, 2 ** 32 - 1],
  );
});

test('sealed', () => {
  assert.equal(golden.sealed.map(({ record }) => record.slice(0, 6)).sort(), ['95017e', '95017f']);
  for (const { key, secret, record, inside } of golden.sealed) {
    const opened = createSealer([Buffer.from(secret)]).open(key, Buffer.from(record, 'hex'));
    assert.is(Buffer.from(opened ?? []).toString('hex'), inside);
  }
});

for (const engine of engines) {
  for (const { mode, name, key, record, floats, precision = 'exact', tokens } of golden.vectors) {
    test(`${engine}: ${mode}: ${name}`, () => {
      const codec = createVectorCodec({ dimensions: floats.length / 8, precision, engine });
      const vector = codec.decodeOne(key, Buffer.from(record, 'hex'));
      assert.is(Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('hex'), floats);
      assert.is(tokensOf(Buffer.from(record, 'hex')), tokens);
      assert.is(dimensionsOf(Buffer.from(record, 'hex')), floats.length / 8);
    });
  }
  for (const { mode, key, record, json, dictionary } of golden.values) {
    test(`${engine}: ${mode}`, () => {
      // In the second place, and loaded by nobody else: what is read with is more than what is written with.
      const given = dictionary === undefined ? [] : [Buffer.from('another one'), Buffer.from(dictionary, 'hex')];
      assert.equal(
        createValueCodec({ engine, dictionary: given }).decodeOne(key, Buffer.from(record, 'hex')),
        JSON.parse(json),
      );
    });
  }
}

test.run();
