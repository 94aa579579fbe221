import * as v from 'valibot';
import { reasonOf, refusal, sameLength } from '../codec/batch.js';
import type { Engine } from '../codec/engine/engine.js';
import { type EngineChoice, selectEngine } from '../codec/engine/select.js';
import {
  COMPRESSIONS,
  type Compression,
  DEFAULT_VALUE_BYTES,
  DICTIONARY_BYTES,
  MAX_VALUE_BYTES,
} from '../codec/modes.js';
import type { OnRefused } from '../codec/vector-batches.js';
import { InvalidOptionError } from '../errors.js';
import { bytesSchema, checkOptions } from '../options.js';
import { isUint8Array } from '../realms.js';
import { readValues } from './batches.js';
import { pack } from './pack.js';

/** Options of `createValueCodec`. */
export interface ValueCodecOptions {
  /** @default 'auto', zstd where it wins */
  compression?: Compression | undefined;
  /**
   * What values have in common, by `trainDictionary` or zstd's own tools, or any bytes that they
   * resemble; 8 bytes to 1 MiB. Of several the first is written with, and all are read with: what
   * no reader has is a miss. Goes with 'auto' and 'zstd'. @default none
   */
  dictionary?: Uint8Array | readonly Uint8Array[] | undefined;
  /**
   * The most bytes that the msgpack of a value may have, decompressed; at most 64 MiB. Larger
   * values are refused when they are written, and records that hold larger ones when they are read.
   * What values take in memory is bounded with it: by 10 times as much, and 32 bytes for each byte
   * of the records that are read in one call, as estimated before anything is decoded.
   * @default 16777216 (16 MiB)
   */
  maxValueBytes?: number | undefined;
  /** @default 'auto', which VECSTASH_NATIVE decides */
  engine?: EngineChoice | undefined;
}

/**
 * Turns anything that msgpack holds (and Date, Set, BigInt, RegExp, Error, typed arrays) into
 * records and back. As msgpack has it, a Map comes back as an object, a Buffer as a Uint8Array and
 * -0 as 0; an object without a prototype gets one; of an error its name, message and cause come
 * back; an object's own `__proto__` comes back as `__proto_`, and does no harm. What has a `toJSON`
 * comes back as what that returns. What would come back as something else is refused: functions,
 * symbols, other instances of classes, strings with half a surrogate pair, arrays with holes, Maps
 * whose keys are objects, what is circular or more than 256 deep.
 */
export interface ValueCodec<T = unknown> {
  readonly engine: 'native' | 'portable';
  /**
   * Throws `InvalidInputError` for undefined, for what would not come back, and for a value over
   * `maxValueBytes`.
   */
  encodeMany(keys: readonly string[], values: readonly T[]): Uint8Array[];
  /**
   * The value of each record, in order; undefined for no record and for anything unsound, of which
   * `onRefused` is told why.
   */
  decodeMany(
    keys: readonly string[],
    records: readonly (Uint8Array | undefined)[],
    onRefused?: OnRefused,
  ): (T | undefined)[];
  /** Throws `CorruptRecordError`, whose `reason` says what is wrong. */
  decodeOne(key: string, record: Uint8Array): T;
}

/** The parts of the options that values namespaces take too. */
export const valueCodecEntries = {
  compression: v.optional(v.picklist(COMPRESSIONS)),
  dictionary: v.optional(
    v.custom<Uint8Array | readonly Uint8Array[]>(
      (value) => [value].flat().every((bytes) => isUint8Array(bytes)),
      'a Uint8Array, or an array of them',
    ),
  ),
  maxValueBytes: v.optional(v.pipe(bytesSchema, v.maxValue(MAX_VALUE_BYTES, `at most ${MAX_VALUE_BYTES} bytes`))),
};

const schema = v.strictObject({
  ...valueCodecEntries,
  engine: v.optional(v.picklist(['auto', 'native', 'portable'])),
});

/**
 * Throws `InvalidOptionError` for an unknown option, a dictionary that is none, or an engine that
 * does not load.
 */
export function createValueCodec<T = unknown>(options: ValueCodecOptions = {}): ValueCodec<T> {
  const {
    compression = 'auto',
    dictionary = [],
    maxValueBytes = DEFAULT_VALUE_BYTES,
    engine: choice,
  } = checkOptions(schema, options, 'options');
  const engine = selectEngine(choice);
  const [dictionaryNumber] = loadDictionaries(engine, [dictionary].flat(), compression);
  return {
    engine: engine.name,
    encodeMany(keys, values) {
      sameLength(keys, values, 'values');
      const packed = values.map((value, i) => pack(value, i, maxValueBytes));
      return packed.length === 0 ? [] : engine.encodeValues(keys, packed, compression, dictionaryNumber);
    },
    decodeMany(keys, records, onRefused) {
      sameLength(keys, records, 'records');
      const values = new Array<T | undefined>(records.length).fill(undefined);
      const present = records.flatMap((record, i) => (record === undefined ? [] : [i]));
      const presentKeys = present.map((i) => keys[i] as string);
      const presentRecords = present.map((i) => records[i] as Uint8Array);
      readValues(engine, presentKeys, presentRecords, maxValueBytes).forEach((read, k) => {
        const place = present[k] as number;
        if (typeof read === 'object') values[place] = read.value as T;
        else onRefused?.(place, reasonOf(read));
      });
      return values;
    },
    decodeOne(key, record) {
      const [read] = readValues(engine, [key], [record], maxValueBytes);
      if (typeof read === 'object') return read.value as T;
      throw refusal(read);
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
    const expected = `${DICTIONARY_BYTES.min} to ${DICTIONARY_BYTES.max} bytes that zstd takes for a dictionary`;
    throw new InvalidOptionError('dictionary', expected, `${bytes.length} bytes`);
  });
}
