import type instantiate from '#wasm';
import { TextDecoder, TextEncoder } from '../../runtime.js';
import { declaredLength } from '../record-header.js';
import { concat, frameOf, joinKeys, numberOf, READ_NUMBERS, split, statusOf, toleranceOf } from './crossing.js';
import { type Engine, type Frame, HINT_WORDS } from './engine.js';
import { Instance, type Output } from './instance.js';
import { batchOf, eachAlone, slices } from './slices.js';
import { STATUSES, type Status } from './status.js';

const MIB = 1024 * 1024;

const WORD = 4;
const DOUBLE = 8;

const READ_BYTES = WORD * READ_NUMBERS;

const NOTHING = new Uint8Array(0);

const PAYLOAD = STATUSES.indexOf('payload');

/** A function that makes instances of the core. */
export type Instantiate = typeof instantiate;

/** The core as WebAssembly: the same records as the addon's, wherever JavaScript runs. */
export function createWasmEngine(instantiate: Instantiate): Engine {
  /** What was loaded, by number: a new instance is told of it. */
  const loaded = { load_dictionary: new Map<number, Uint8Array>(), load_profile: new Map<number, Uint8Array>() };
  const instance = new Instance(instantiate, (fresh) => {
    for (const call of ['load_dictionary', 'load_profile'] as const)
      for (const bytes of loaded[call].values()) load(fresh, call, bytes);
  });
  const keep = (call: Load, bytes: Uint8Array) => {
    const number = load(instance, call, bytes);
    if (number !== undefined && !loaded[call].has(number)) loaded[call].set(number, new Uint8Array(bytes));
    return number;
  };

  return {
    name: 'portable',

    encodeVectors(
      keys,
      vectors,
      { dimensions, precision, compression, structureHint, profiles: [profile = 0] },
      tokens,
    ) {
      const bytes = WORD * dimensions;
      return slices(keys.length, () => bytes).flatMap(([start, end]) => {
        const count = end - start;
        const [keyBytes, keyLengths] = joinKeys(keys.slice(start, end));
        const lengthsAt = WORD * HINT_WORDS + (tokens === undefined ? 0 : DOUBLE * count);
        const floatsAt = lengthsAt + WORD * count;
        const keysAt = floatsAt + count * bytes;
        const write = (buffer: ArrayBuffer, at: number) => {
          new Uint32Array(buffer, at, HINT_WORDS).set(structureHint);
          if (tokens !== undefined)
            new Float64Array(buffer, at + WORD * HINT_WORDS, count).set(tokens.subarray(start, end));
          new Uint32Array(buffer, at + lengthsAt, count).set(keyLengths);
          const floats = new Float32Array(buffer, at + floatsAt, count * dimensions);
          for (let i = 0; i < count; i++) floats.set(vectors[start + i] as Float32Array, i * dimensions);
          new Uint8Array(buffer, at + keysAt, keyBytes.length).set(keyBytes);
        };
        return instance.run(
          { length: keysAt + keyBytes.length, write },
          (core) =>
            core.encode_vectors(
              count,
              dimensions,
              numberOf(compression),
              toleranceOf(precision),
              profile,
              Number(tokens !== undefined),
            ),
          (output) => {
            structureHint.set(output.words(0, HINT_WORDS));
            return partsOf(output, WORD * HINT_WORDS, count);
          },
        );
      });
    },

    decodeVectors(keys, records, { dimensions, precision, profiles }, blocks, rowsPerBlock) {
      const bytes = WORD * dimensions;
      const statuses = new Uint8Array(keys.length);
      const decode = (start: number, end: number) =>
        instance.run(
          batchOf(keys.slice(start, end), records.slice(start, end).toArray(), profiles),
          (core) => core.decode_vectors(end - start, dimensions, toleranceOf(precision), profiles.length),
          (output) => {
            for (let row = start; row < end; ) {
              const place = row % rowsPerBlock;
              const rows = Math.min(end - row, rowsPerBlock - place);
              const found = output.floats(bytes * (row - start), rows * dimensions);
              (blocks[Math.floor(row / rowsPerBlock)] as Float32Array).set(found, place * dimensions);
              row += rows;
            }
            statuses.set(output.bytes.subarray(bytes * (end - start)), start);
          },
        );
      for (const [start, end] of slices(keys.length, (i) => Math.max(bytes, records.lengthOf(i)))) {
        eachAlone(start, end, decode, (i) => {
          statuses[i] = PAYLOAD;
        });
      }
      return statuses;
    },

    sliceBytes: { decoded: 4 * MIB, encoded: MIB },

    loadProfile: (bytes) => keep('load_profile', bytes),

    loadDictionary: (bytes) => keep('load_dictionary', bytes),

    encodeValues(keys, values, compression, dictionary) {
      const has = Number(dictionary !== undefined);
      return slices(keys.length, (i) => (values[i] as Uint8Array).length).flatMap(([start, end]) =>
        instance.run(
          batchOf(keys.slice(start, end), values.slice(start, end)),
          (core) => core.encode_values(end - start, numberOf(compression), has, dictionary ?? 0),
          (output) => partsOf(output, 0, end - start),
        ),
      );
    },

    decodeValues(keys, records) {
      const values = new Array<Uint8Array | Status>(keys.length).fill('payload');
      const decode = (start: number, end: number) =>
        instance.run(
          batchOf(keys.slice(start, end), records.slice(start, end)),
          (core) => core.decode_values(end - start),
          (output) => {
            const count = end - start;
            const statuses = output.bytes.subarray(WORD * count, (WORD + 1) * count);
            let at = (WORD + 1) * count;
            output.words(0, count).forEach((length, i) => {
              const status = statusOf(statuses[i] as number);
              values[start + i] = status === 'ok' ? output.bytes.slice(at, at + length) : status;
              at += length;
            });
          },
        );
      const bytesOf = (i: number) => (records[i] as Uint8Array).length + declaredLength(records[i] as Uint8Array);
      for (const [start, end] of slices(keys.length, bytesOf)) eachAlone(start, end, decode, () => {});
      return values;
    },

    digest(secret = NOTHING, prefix, inputs) {
      let digests = '';
      for (const [start, end] of slices(inputs.length, (i) => (inputs[i] as string | Uint8Array).length)) {
        const count = end - start;
        const { kinds, lengths, bytes } = tagged(inputs.slice(start, end));
        const all = concat([kinds, prefix, secret, bytes]);
        const write = (buffer: ArrayBuffer, at: number) => {
          new Uint32Array(buffer, at, count).set(lengths);
          new Uint8Array(buffer, at + WORD * count, all.length).set(all);
        };
        digests += instance.run(
          { length: WORD * count + all.length, write },
          (core) => core.digest(count, prefix.length, Number(secret !== NOTHING), secret.length),
          (output) => ascii.decode(output.bytes),
        );
      }
      return digests;
    },

    writeRecords: (keys, frames) =>
      slices(keys.length, (i) => (frames[i] as Frame).payload.length).flatMap(([start, end]) => {
        const part = frames.slice(start, end);
        const payloads = part.map(({ payload }) => payload);
        const [modes, numbers] = [part.map(({ mode }) => mode), part.map(({ number }) => number)];
        return instance.run(
          batchOf(keys.slice(start, end), payloads, [], modes, numbers),
          (core) => core.write_records(end - start),
          (output) => partsOf(output, 0, end - start),
        );
      }),

    readRecords: (keys, records) =>
      slices(keys.length, (i) => (records[i] as Uint8Array).length).flatMap(([start, end]) => {
        const part = records.slice(start, end);
        return instance.run(
          batchOf(keys.slice(start, end), part),
          (core) => core.read_records(end - start),
          (output) => part.map((record, i) => frameOf(output.words(READ_BYTES * i, READ_NUMBERS), record)),
        );
      }),
  };
}

/**
 * The parts of an output, in memory of their own, which they share: their lengths, and then they
 * themselves end to end.
 */
function partsOf(output: Output, at: number, count: number): Uint8Array[] {
  const lengths = output.words(at, count).slice();
  return split(output.bytes.slice(at + WORD * count), lengths);
}

type Load = 'load_dictionary' | 'load_profile';

/** The number of a dictionary or a profile that the core takes. */
function load(instance: Instance, call: Load, bytes: Uint8Array): number | undefined {
  const write = (buffer: ArrayBuffer, at: number) => new Uint8Array(buffer, at, bytes.length).set(bytes);
  const [isTaken, number] = instance.run(
    { length: bytes.length, write },
    (core) => core[call](bytes.length),
    (output) => output.words(0, 2).slice(),
  );
  return isTaken === 0 ? undefined : number;
}

const utf8 = new TextEncoder();
const ascii = new TextDecoder('latin1');

/** Texts and bytes as the core takes them: what each is, its length, and all of them end to end. */
function tagged(inputs: readonly (string | Uint8Array)[]): {
  kinds: Uint8Array;
  lengths: Uint32Array;
  bytes: Uint8Array;
} {
  const kinds = new Uint8Array(inputs.length);
  if (inputs.every((input) => typeof input === 'string')) {
    const [bytes, lengths] = joinKeys(inputs);
    // All ASCII: each has as many bytes as characters.
    if (inputs.every((input, i) => input.length === lengths[i])) return { kinds, lengths, bytes };
  }
  const parts = inputs.map((input, i) => {
    const isText = typeof input === 'string';
    kinds[i] = isText ? Number(!input.isWellFormed()) : 2;
    if (!isText) return input;
    return kinds[i] === 0 ? utf8.encode(input) : unitsOf(input);
  });
  return { kinds, lengths: Uint32Array.from(parts, ({ length }) => length), bytes: concat(parts) };
}

/** A text that has no UTF-8, in UTF-16, low bytes first. */
function unitsOf(text: string): Uint8Array {
  const units = new Uint8Array(2 * text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    units[2 * i] = unit & 0xff;
    units[2 * i + 1] = unit >> 8;
  }
  return units;
}
