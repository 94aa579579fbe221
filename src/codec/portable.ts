import { loadCompressors } from './compressors.js';
import { findDictionary, loadDictionary } from './dictionaries.js';
import type { Engine } from './engine.js';
import { toleranceOf, whyNotAccepted } from './precision.js';
import { readRecord, writeRecord } from './record.js';
import { STATUSES, type Status } from './status.js';
import { decodeValue, encodeValue } from './value-payload.js';
import { decodeVector, encodeVector } from './vector-payload.js';

/** A decompressor that throws has been given something that is not its own. */
function orPayload<T>(decode: () => T): T | 'payload' {
  try {
    return decode();
  } catch {
    return 'payload';
  }
}

const KIB = 1024;

/** No bytes are no record. */
const NO_RECORD = new Uint8Array(0);

/** The engine in TypeScript: the same records as the native one, wherever JavaScript runs. */
export function createPortableEngine(): Engine {
  const compressors = loadCompressors();
  const number = Object.fromEntries(STATUSES.map((status, i) => [status, i])) as Record<Status, number>;

  return {
    name: 'portable',

    encodeVectors: (keys, vectors, form) =>
      vectors.map((vector, i) => {
        const bits = new Uint32Array(vector.buffer, vector.byteOffset, form.dimensions);
        const { mode, payload } = encodeVector(bits, form, compressors);
        return writeRecord(keys[i] as string, mode, form.dimensions, payload);
      }),

    decodeVectors(keys, records, { dimensions, precision }, blocks, rowsPerBlock) {
      const tolerance = toleranceOf(precision);
      return Uint8Array.from(keys, (key, i) => {
        const block = blocks[Math.floor(i / rowsPerBlock)] as Float32Array;
        const offset = block.byteOffset + 4 * dimensions * (i % rowsPerBlock);
        const parsed = readRecord(key, records.at(i) ?? NO_RECORD, dimensions);
        if (typeof parsed === 'string') return number[parsed];
        const refused = whyNotAccepted(parsed.mode, parsed.payload, tolerance);
        if (refused !== undefined) return number[refused];
        const bits = new Uint32Array(block.buffer, offset, dimensions);
        return number[orPayload(() => decodeVector(parsed.mode, parsed.payload, bits, compressors)) ?? 'ok'];
      });
    },

    turn: { decoded: 512 * KIB, encoded: 128 * KIB },

    loadDictionary,

    encodeValues(keys, values, compression, number) {
      const dictionary = number === undefined ? undefined : findDictionary(number);
      return values.map((value, i) => {
        const { mode, payload } = encodeValue(value, compression, compressors, dictionary);
        return writeRecord(keys[i] as string, mode, value.length, payload);
      });
    },

    decodeValues: (keys, records) =>
      records.map((record, i) => {
        const parsed = readRecord(keys[i] as string, record, undefined);
        if (typeof parsed === 'string') return parsed;
        return orPayload(() => decodeValue(parsed.mode, parsed.payload, parsed.dimensions, compressors));
      }),
  };
}
