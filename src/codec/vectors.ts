import * as v from 'valibot';
import { ranges } from '../async/chunks.js';
import { CorruptRecordError, InvalidInputError } from '../errors.js';
import { checkOptions } from '../options.js';
import { isFloat32Array } from '../realms.js';
import { RecordSpans } from '../record-spans.js';
import { yieldThread } from '../runtime.js';
import { sameLength } from './batch.js';
import { HINT_WORDS, type VectorForm } from './engine/engine.js';
import { type EngineChoice, selectEngine } from './engine/select.js';
import type { CorruptReason } from './engine/status.js';
import type { LentMemory } from './lent-memory.js';
import { COMPRESSIONS, type Compression, MAX_DIMENSIONS, MIN_MAX_ERROR, type Precision } from './modes.js';
import { loadProfiles, profileSchema } from './profiles.js';
import { decodeLater, decodeNow, matrixOf, type OnRefused, vectorsOf } from './vector-batches.js';

export type { Precision } from './modes.js';
export type { OnRefused } from './vector-batches.js';

/** Options of `createVectorCodec`. */
export interface VectorCodecOptions {
  /** The length of every vector, 1 to 65,535. */
  dimensions: number;
  /**
   * How much of a vector must come back. Records that are coarser than that are refused; finer ones
   * are read. What a lossy precision has no room for (vectors that are not finite, a `maxError`
   * finer than float32) is stored exactly.
   *
   * @default 'exact', bit for bit
   */
  precision?: Precision | undefined;
  /**
   * Of exact records; the lossy forms carry their own coding. @default 'auto', the smallest that
   * wins
   */
  compression?: Compression | undefined;
  /**
   * What is known of the dimensions, by `trainProfile`. Of several the first is written with, and
   * all are read with: a record that was made with any other is refused with the reason
   * `'profile'`. Records without a profile are always read, and written where they are smaller, as
   * they always are at the precisions 'float16' and 'int8'. @default none
   */
  profile?: Uint8Array | readonly Uint8Array[] | undefined;
  /** @default 'auto', which VECSTASH_NATIVE decides */
  engine?: EngineChoice | undefined;
}

/** By vector; undefined where they are not known. */
export type Tokens = readonly (number | undefined)[];

/** Turns vectors into records and back, a batch at a time. The format is docs/format.md. */
export interface VectorCodec {
  readonly engine: 'native' | 'portable';
  readonly dimensions: number;
  /**
   * One record for each vector; the record holds only under its own key. Throws `InvalidInputError`
   * where a vector is not a Float32Array of `dimensions` elements. The records of one call may
   * share memory.
   *
   * @param tokens what the provider charged for each vector, which its record then says; what is
   *   no whole number from 0 to 4,294,967,295 counts as not known, and is left out
   */
  encodeMany(keys: readonly string[], vectors: readonly Float32Array[], tokens?: Tokens): Uint8Array[];
  /**
   * The same in slices of a few milliseconds, between which others have the thread. Nobody may
   * change the vectors until it is done, where `encodesInSlices` says that there is more than one
   * slice.
   */
  encodeManyLater(keys: readonly string[], vectors: readonly Float32Array[], tokens?: Tokens): Promise<Uint8Array[]>;
  encodesInSlices(count: number): boolean;
  /**
   * The vector of each record, in order; undefined for no record and for anything unsound. The
   * vectors are the caller's; those of one call may share blocks of at most 64 KiB, so that keeping
   * one keeps little else (`vector.buffer` is the block).
   */
  decodeMany(
    keys: readonly string[],
    records: RecordSpans | readonly (Uint8Array | undefined)[],
    onRefused?: OnRefused,
  ): (Float32Array | undefined)[];
  /**
   * The same, off this thread where there are more than 4 MiB of vectors to decode (the portable
   * engine has no other thread and slices the work instead). Nobody may change the records until it
   * is done.
   */
  decodeManyLater(
    keys: readonly string[],
    records: RecordSpans | readonly (Uint8Array | undefined)[],
    onRefused?: OnRefused,
  ): Promise<(Float32Array | undefined)[]>;
  /**
   * As `decodeMany`, into one block of n x dimensions; rows without a sound record are 0, and
   * `found` is 1 for the others.
   */
  decodeMatrix(
    keys: readonly string[],
    records: RecordSpans | readonly (Uint8Array | undefined)[],
    onRefused?: OnRefused,
  ): { data: Float32Array; found: Uint8Array };
  /** As `decodeManyLater`, into one block. */
  decodeMatrixLater(
    keys: readonly string[],
    records: RecordSpans | readonly (Uint8Array | undefined)[],
    onRefused?: OnRefused,
  ): Promise<{ data: Float32Array; found: Uint8Array }>;
  /** Throws `CorruptRecordError`, whose `reason` says what is wrong. */
  decodeOne(key: string, record: Uint8Array): Float32Array;
}

type Records = RecordSpans | readonly (Uint8Array | undefined)[];
type Vectors = (Float32Array | undefined)[];

/** A codec that decodes into memory that it is lent, where it is. */
export interface LendingCodec extends VectorCodec {
  decodeMany(keys: readonly string[], records: Records, onRefused?: OnRefused, memory?: LentMemory): Vectors;
  decodeManyLater(
    keys: readonly string[],
    records: Records,
    onRefused?: OnRefused,
    memory?: LentMemory,
  ): Promise<Vectors>;
}

const precisionName = v.picklist(['exact', 'float16', 'int8'], "'exact', 'float16', 'int8' or { maxError }");
const maxError = v.strictObject({
  maxError: v.pipe(
    v.number('a number'),
    v.finite('a finite number'),
    v.minValue(MIN_MAX_ERROR, `a number of at least ${MIN_MAX_ERROR}`),
  ),
});

/** The parts of the options that embeddings namespaces take too. */
export const vectorCodecEntries = {
  dimensions: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_DIMENSIONS)),
  precision: v.optional(
    // Lazy, so that a wrong bound is named, and not the object.
    v.lazy((value): typeof precisionName | typeof maxError => (typeof value === 'object' ? maxError : precisionName)),
  ),
  compression: v.optional(v.picklist(COMPRESSIONS)),
  profile: profileSchema,
};

const schema = v.strictObject({
  ...vectorCodecEntries,
  engine: v.optional(v.picklist(['auto', 'native', 'portable'])),
});

/**
 * Throws `InvalidOptionError` for an option that is unknown or out of range, for a profile that is
 * none of these dimensions, or for an engine that does not load.
 */
export function createVectorCodec(options: VectorCodecOptions): VectorCodec {
  return createLendingCodec(options);
}

/** The same for the cache itself. */
export function createLendingCodec(options: VectorCodecOptions): LendingCodec {
  const checked = checkOptions(schema, options, 'options');
  const { dimensions, precision = 'exact', compression = 'auto', profile = [] } = checked;
  const engine = selectEngine(checked.engine);
  const profiles = loadProfiles(engine, [profile].flat(), dimensions);
  const form: VectorForm = { dimensions, precision, compression, structureHint: new Uint32Array(HINT_WORDS), profiles };

  const rowsOf = (bytes: number) => Math.max(1, Math.floor(bytes / (4 * dimensions)));
  const rowsPerDecode = rowsOf(engine.sliceBytes.decoded);
  const rowsPerEncode = rowsOf(engine.sliceBytes.encoded);
  const atOnce = Number.POSITIVE_INFINITY;

  function checkVectors(keys: readonly string[], vectors: readonly Float32Array[]): void {
    sameLength(keys, vectors, 'vectors');
    vectors.forEach((vector, i) => {
      if (isFloat32Array(vector) && vector.length === dimensions) return;
      const received = isFloat32Array(vector) ? `${vector.length} elements` : typeof vector;
      throw new InvalidInputError(`vectors[${i}]`, `a Float32Array of ${dimensions} elements`, received);
    });
  }

  return {
    engine: engine.name,
    dimensions,
    encodeMany(keys, vectors, tokens) {
      checkVectors(keys, vectors);
      const crossing = crossingOf(keys, tokens);
      return vectors.length === 0 ? [] : engine.encodeVectors(keys, vectors, form, crossing);
    },
    async encodeManyLater(keys, vectors, tokens) {
      checkVectors(keys, vectors);
      const crossing = crossingOf(keys, tokens);
      const records: Uint8Array[] = [];
      for (const [start, end] of ranges(vectors.length, rowsPerEncode)) {
        if (start > 0) await yieldThread();
        const slice = [
          keys.slice(start, end),
          vectors.slice(start, end),
          form,
          crossing?.subarray(start, end),
        ] as const;
        for (const record of engine.encodeVectors(...slice)) records.push(record);
      }
      return records;
    },
    encodesInSlices: (count) => count > rowsPerEncode,
    decodeMany(keys, records, onRefused, memory) {
      sameLength(keys, records, 'records');
      return decodeNow(engine, vectorsOf(keys, recordsOf(records), form, atOnce, onRefused, memory));
    },
    async decodeManyLater(keys, records, onRefused, memory) {
      sameLength(keys, records, 'records');
      const run = records.length > rowsPerDecode ? decodeLater : decodeNow;
      return run(engine, vectorsOf(keys, recordsOf(records), form, rowsPerDecode, onRefused, memory));
    },
    decodeMatrix(keys, records, onRefused) {
      sameLength(keys, records, 'records');
      return decodeNow(engine, matrixOf(keys, recordsOf(records), form, atOnce, onRefused));
    },
    async decodeMatrixLater(keys, records, onRefused) {
      sameLength(keys, records, 'records');
      const run = records.length > rowsPerDecode ? decodeLater : decodeNow;
      return run(engine, matrixOf(keys, recordsOf(records), form, rowsPerDecode, onRefused));
    },
    decodeOne(key, record) {
      let reason: CorruptReason = 'payload';
      const [vector] = decodeNow(
        engine,
        vectorsOf([key], RecordSpans.of([record]), form, atOnce, (_, why) => {
          reason = why;
        }),
      );
      if (vector === undefined) throw new CorruptRecordError(reason);
      return vector;
    },
  };
}

/** Tokens as they cross to an engine; undefined where none are known. */
function crossingOf(keys: readonly string[], tokens: Tokens | undefined): Float64Array | undefined {
  if (tokens === undefined) return undefined;
  sameLength(keys, tokens, 'tokens');
  if (!tokens.some((count) => count !== undefined)) return undefined;
  return Float64Array.from(tokens, (count) => (typeof count === 'number' ? count : Number.NaN));
}

function recordsOf(records: Records): RecordSpans {
  return records instanceof RecordSpans ? records : RecordSpans.of(records);
}
