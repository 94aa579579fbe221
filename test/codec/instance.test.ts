import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import instantiate from '#wasm';
import { HINT_WORDS } from '../../src/codec/engine/engine.js';
import { createWasmEngine } from '../../src/codec/engine/wasm.js';
import { EngineError } from '../../src/errors.js';
import { RecordSpans } from '../../src/record-spans.js';
import { bytesOf, prf } from '../support/prf.js';

// What becomes of a batch when the core itself fails: WebAssembly traps, and its memory is then as the fault left it.
const test = suite('instances of the core');
const DIMENSIONS = 32;
const KEYS = ['a', 'b', 'c'];
const VECTORS = KEYS.map((key) => prf(key, DIMENSIONS));
const form = () => ({
  dimensions: DIMENSIONS,
  precision: 'exact' as const,
  compression: 'auto' as const,
  structureHint: new Uint32Array(HINT_WORDS),
  profiles: new Uint32Array(0),
});

type Exports = ReturnType<typeof instantiate>;

/** An engine whose calls trap where `traps` says so, by what they are given; and how many instances it made. */
function trapping(traps: (call: keyof Exports, given: number[], memory: Uint8Array) => boolean) {
  let made = 0;
  const engine = createWasmEngine(() => {
    made += 1;
    const exports = instantiate();
    return new Proxy({} as Exports, {
      get(_, name: keyof Exports) {
        const found = exports[name];
        if (typeof found !== 'function') return found;
        return (...given: number[]) => {
          if (traps(name, given, new Uint8Array(exports.memory.buffer))) throw new Error('unreachable');
          return (found as (...given: number[]) => number)(...given);
        };
      },
    });
  });
  return { engine, made: () => made };
}

const contains = (memory: Uint8Array, text: string) => Buffer.from(memory.buffer).includes(text);

test('a record at which the core fails is a miss, and the others of its batch are read', () => {
  const sound = createWasmEngine(instantiate);
  const keys = ['first', 'poison', 'last'];
  const records = sound.encodeVectors(keys, VECTORS, form());
  const { engine, made } = trapping((call, _, memory) => call === 'decode_vectors' && contains(memory, 'poison'));
  const block = new Float32Array(3 * DIMENSIONS);
  const statuses = engine.decodeVectors(keys, RecordSpans.of(records), form(), [block], 3);
  assert.equal(
    [...statuses].map((status) => status === 0),
    [true, false, true],
  );
  assert.is(bytesOf(block.subarray(2 * DIMENSIONS)), bytesOf(VECTORS[2] as Float32Array));
  assert.ok(made() > 1, 'after a fault there is a new instance');

  const values = sound.encodeValues(keys, [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)], 'auto', undefined);
  const poisoned = trapping((name, _, memory) => name === 'decode_values' && contains(memory, 'poison'));
  assert.equal(poisoned.engine.decodeValues(keys, values), [Uint8Array.of(1), 'payload', Uint8Array.of(3)]);
});

test('a batch that cannot be encoded is an error of its own, and the next one can', () => {
  let isBroken = true;
  const { engine } = trapping((call) => isBroken && call === 'encode_vectors');
  assert.throws(
    () => engine.encodeVectors(KEYS, VECTORS, form()),
    (error: unknown) => error instanceof EngineError,
  );
  isBroken = false;
  assert.is(engine.encodeVectors(KEYS, VECTORS, form()).length, 3);
});

test('a new instance knows the dictionaries of the old one', () => {
  const dictionary = new TextEncoder().encode('what all of these values have in common, at some length');
  let isBroken = false;
  let loads = 0;
  const { engine, made } = trapping((call) => {
    if (call === 'load_dictionary') loads += 1;
    return isBroken && call === 'digest';
  });
  const number = engine.loadDictionary(dictionary);
  assert.is(engine.loadDictionary(dictionary), number);
  const value = dictionary.slice(5);
  const [record] = engine.encodeValues(['k'], [value], 'auto', number) as [Uint8Array];
  isBroken = true;
  assert.throws(() => engine.digest(undefined, new Uint8Array(0), ['text']));
  loads = 0;
  assert.equal(engine.decodeValues(['k'], [record]), [value]);
  assert.is(made(), 2);
  assert.is(loads, 1, 'what was loaded twice is kept once');
});

test('memory that a huge value took is given back', () => {
  let largest = 0;
  const { engine, made } = trapping((_call, _given, memory) => {
    largest = Math.max(largest, memory.length);
    return false;
  });
  const huge = new Uint8Array(40 * 1024 * 1024).map((_, i) => i * 7);
  const [record] = engine.encodeValues(['k'], [huge], 'none', undefined) as [Uint8Array];
  assert.is(record.length > huge.length, true);
  assert.ok(largest > huge.length);
  largest = 0;
  assert.is(engine.encodeVectors(KEYS, VECTORS, form()).length, 3);
  assert.is(made(), 2);
  assert.ok(largest < 4 * 1024 * 1024, `${largest} bytes`);
});

test('100,000 vectors cross in slices', () => {
  let largest = 0;
  const { engine, made } = trapping((_call, _given, memory) => {
    largest = Math.max(largest, memory.length);
    return false;
  });
  const keys = Array.from({ length: 100_000 }, (_, i) => `key ${i}`);
  const vector = prf('a', DIMENSIONS);
  const records = engine.encodeVectors(keys, new Array(keys.length).fill(vector), form());
  const block = new Float32Array(keys.length * DIMENSIONS);
  const statuses = engine.decodeVectors(keys, RecordSpans.of(records), form(), [block], keys.length);
  assert.ok(statuses.every((status) => status === 0));
  assert.is(bytesOf(block.subarray(-DIMENSIONS)), bytesOf(vector));
  assert.ok(largest < 8 * 1024 * 1024 && made() === 1, `${largest} bytes, ${made()} instances`);
});

test.run();
