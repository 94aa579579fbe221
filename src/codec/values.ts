import { Packr } from 'msgpackr';
import * as v from 'valibot';
import { InvalidInputError } from '../errors.js';
import { checkOptions } from '../options.js';
import { indicesOfPresent, refusal, sameLength } from './batch.js';
import { COMPRESSIONS, type Compression, MAX_VALUE_BYTES } from './modes.js';
import { type EngineChoice, selectEngine } from './select.js';

/** Options of `createValueCodec`. */
export interface ValueCodecOptions {
  /** @default 'auto', zstd where it wins */
  compression?: Compression;
  /** @default 'auto', which VECSTASH_NATIVE decides */
  engine?: EngineChoice;
}

/**
 * Turns anything that msgpack holds (and Date, Set, BigInt, typed arrays) into records and back. As msgpack has it, a Map comes
 * back as an object and a Buffer as a Uint8Array.
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
export const valueCodecEntries = { compression: v.optional(v.picklist(COMPRESSIONS)) };

const schema = v.strictObject({
  ...valueCodecEntries,
  engine: v.optional(v.picklist(['auto', 'native', 'portable'])),
});

/** Throws `InvalidOptionError` for an unknown option, or for an engine that does not load. */
export function createValueCodec<T = unknown>(options: ValueCodecOptions = {}): ValueCodec<T> {
  const { compression = 'auto', engine: choice } = checkOptions(schema, options, 'options');
  const engine = selectEngine(choice);
  const packr = new Packr({ moreTypes: true, useRecords: false });

  function pack(value: T, i: number): Uint8Array {
    if (value === undefined)
      throw new InvalidInputError(`values[${i}]`, 'a value', 'undefined, which is what a miss returns');
    let bytes: Uint8Array;
    try {
      bytes = packr.pack(value);
    } catch {
      // The library's error is not passed on: it can quote the value.
      throw new InvalidInputError(`values[${i}]`, 'a value that msgpack can hold', `a ${typeof value} that it cannot`);
    }
    if (bytes.length > MAX_VALUE_BYTES) {
      throw new InvalidInputError(`values[${i}]`, `at most ${MAX_VALUE_BYTES} bytes of msgpack`, `${bytes.length}`);
    }
    return bytes;
  }

  function unpack(bytes: Uint8Array): { value: T } | 'payload' {
    try {
      return { value: packr.unpack(bytes) as T };
    } catch {
      return 'payload';
    }
  }

  return {
    engine: engine.name,
    encodeMany(keys, values) {
      sameLength(keys, values, 'values');
      return values.length === 0 ? [] : engine.encodeValues(keys, values.map(pack), compression);
    },
    decodeMany(keys, records) {
      sameLength(keys, records, 'records');
      const values = new Array<T | undefined>(records.length).fill(undefined);
      const present = indicesOfPresent(records);
      const decoded = engine.decodeValues(
        present.map((i) => keys[i] as string),
        present.map((i) => records[i] as Uint8Array),
      );
      decoded.forEach((bytes, k) => {
        const unpacked = typeof bytes === 'string' ? bytes : unpack(bytes);
        if (typeof unpacked === 'object') values[present[k] as number] = unpacked.value;
      });
      return values;
    },
    decodeOne(key, record) {
      const [bytes] = engine.decodeValues([key], [record]);
      const unpacked = typeof bytes === 'object' ? unpack(bytes) : bytes;
      if (typeof unpacked === 'object') return unpacked.value;
      throw refusal(unpacked);
    },
  };
}
