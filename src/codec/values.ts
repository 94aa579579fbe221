import * as v from 'valibot';
import { InvalidOptionError } from '../errors.js';
import { checkOptions } from '../options.js';
import { refusal, sameLength } from './batch.js';
import type { Engine } from './engine.js';
import { COMPRESSIONS, type Compression, DICTIONARY_BYTES } from './modes.js';
import { pack, unpack } from './pack.js';
import { type EngineChoice, selectEngine } from './select.js';

/** Options of `createValueCodec`. */
export interface ValueCodecOptions {
  /** @default 'auto', zstd where it wins */
  compression?: Compression;
  /**
   * What values have in common, by `trainDictionary` or zstd's own tools, or any bytes that they resemble; 8 bytes to 1 MiB. Of several
   * the first is written with, and all are read with: what no reader has is a miss. Goes with 'auto' and 'zstd'. @default none
   */
  dictionary?: Uint8Array | readonly Uint8Array[];
  /** @default 'auto', which VECSTASH_NATIVE decides */
  engine?: EngineChoice;
}

/**
 * Turns anything that msgpack holds (and Date, Set, BigInt, typed arrays) into records and back. As msgpack has it, a Map comes
 * back as an object and a Buffer as a Uint8Array; an object's own `__proto__` comes back as `__proto_`, and does no harm.
 */
export interface ValueCodec<T = unknown> {
  readonly engine: 'native' | 'portable';
  /** Throws `InvalidInputError` for undefined, for what msgpack cannot hold, and for a value over 64 MiB. */
  encodeMany(keys: readonly string[], values: readonly T[]): Uint8Array[];
  /** The value of each record, in order; undefined for no record and for anything unsound. */
  decodeMany(keys: readonly string[], records: readonly (Uint8Array | undefined)[]): (T | undefined)[];
  /** Throws `CorruptRecordError`, whose `reason` says what is wrong. */
  decodeOne(key: string, record: Uint8Array): T;
}

/** The parts of the options that values namespaces take too. */
export const valueCodecEntries = {
  compression: v.optional(v.picklist(COMPRESSIONS)),
  dictionary: v.optional(
    v.custom<Uint8Array | readonly Uint8Array[]>(
      (value) => [value].flat().every((bytes) => bytes instanceof Uint8Array),
      'a Uint8Array, or an array of them',
    ),
  ),
};

const schema = v.strictObject({
  ...valueCodecEntries,
  engine: v.optional(v.picklist(['auto', 'native', 'portable'])),
});

/** Throws `InvalidOptionError` for an unknown option, a dictionary that is none, or an engine that does not load. */
export function createValueCodec<T = unknown>(options: ValueCodecOptions = {}): ValueCodec<T> {
  const { compression = 'auto', dictionary = [], engine: choice } = checkOptions(schema, options, 'options');
  const engine = selectEngine(choice);
  const [dictionaryNumber] = loadDictionaries(engine, [dictionary].flat(), compression);
  return {
    engine: engine.name,
    encodeMany(keys, values) {
      sameLength(keys, values, 'values');
      return values.length === 0 ? [] : engine.encodeValues(keys, values.map(pack), compression, dictionaryNumber);
    },
    decodeMany(keys, records) {
      sameLength(keys, records, 'records');
      const values = new Array<T | undefined>(records.length).fill(undefined);
      const present = records.flatMap((record, i) => (record === undefined ? [] : [i]));
      const decoded = engine.decodeValues(
        present.map((i) => keys[i] as string),
        present.map((i) => records[i] as Uint8Array),
      );
      decoded.forEach((bytes, k) => {
        const unpacked = typeof bytes === 'string' ? bytes : unpack(bytes);
        if (typeof unpacked === 'object') values[present[k] as number] = unpacked.value as T;
      });
      return values;
    },
    decodeOne(key, record) {
      const [bytes] = engine.decodeValues([key], [record]);
      const unpacked = typeof bytes === 'object' ? unpack(bytes) : bytes;
      if (typeof unpacked === 'object') return unpacked.value as T;
      throw refusal(unpacked);
    },
  };
}

/** The numbers of dictionaries, ready to be used. */
function loadDictionaries(engine: Engine, given: readonly Uint8Array[], compression: Compression): number[] {
  if (given.length > 0 && (compression === 'lz4' || compression === 'none'))
    throw new InvalidOptionError('dictionary', `none beside compression '${compression}'`, 'one');
  return given.map((bytes) => {
    const number = engine.loadDictionary(bytes);
    if (number !== undefined) return number;
    const expected = `${DICTIONARY_BYTES.least} to ${DICTIONARY_BYTES.most} bytes that zstd takes for a dictionary`;
    throw new InvalidOptionError('dictionary', expected, `${bytes.length} bytes`);
  });
}
