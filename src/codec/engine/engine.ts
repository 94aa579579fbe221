import type { RecordSpans } from '../../record-spans.js';
import type { Compression, Precision } from '../modes.js';
import type { Status } from './status.js';

/** What the vectors of one codec are, and how they are stored. */
export interface VectorForm {
  readonly dimensions: number;
  readonly precision: Precision;
  readonly compression: Compression;
  /**
   * What the engine noticed of the vectors it has seen, so that it does not search each for
   * structure: all zero at first.
   */
  readonly structureHint: Uint32Array;
  /**
   * The numbers of the profiles that are read with, all of them loaded. The first is written with.
   */
  readonly profiles: Uint32Array;
}

/** The length of a structure hint. */
export const HINT_WORDS = 4;

/** A record as docs/format.md section 1 has it, without its key and checksum. */
export interface Frame {
  readonly mode: number;
  /** The third element: dimensions, or a length in bytes. */
  readonly number: number;
  readonly payload: Uint8Array;
}

/**
 * The core in Rust (native/core), a batch at a time, in one of its two builds: as an addon of Node,
 * or as WebAssembly. Both write the same bytes. Arguments are checked by the codecs above; records
 * are trusted by nobody.
 */
export interface Engine {
  readonly name: 'native' | 'portable';

  /**
   * One record for each vector.
   *
   * @param tokens of each vector, where one has any: what is no whole number below 2^32 is not
   *   known
   */
  encodeVectors(
    keys: readonly string[],
    vectors: readonly Float32Array[],
    form: VectorForm,
    tokens?: Float64Array,
  ): Uint8Array[];

  /**
   * Decodes record `i` into row `i % rowsPerBlock` of block `floor(i / rowsPerBlock)`; returns one
   * index into `STATUSES` a record, 'absent' where there is none. A row that is not ok holds
   * anything.
   */
  decodeVectors(
    keys: readonly string[],
    records: RecordSpans,
    form: VectorForm,
    blocks: readonly Float32Array[],
    rowsPerBlock: number,
  ): Uint8Array;

  /**
   * The same on another thread, where the engine has one. Nobody may read or write the blocks until
   * it is done.
   */
  decodeVectorsLater?(...batch: Parameters<Engine['decodeVectors']>): Promise<Uint8Array>;

  /**
   * How many bytes of vectors are decoded, or encoded, in a few milliseconds: larger batches are
   * cut into slices.
   */
  readonly sliceBytes: { readonly decoded: number; readonly encoded: number };

  /**
   * Makes a profile ready for good, and returns the number that records name it by, which is not 0;
   * undefined where it is none, or where there is another of its number.
   */
  loadProfile(bytes: Uint8Array): number | undefined;

  /**
   * Makes a dictionary ready for good, and returns the number that records name it by; undefined
   * where it is none that zstd takes, or where there is another of its number.
   */
  loadDictionary(bytes: Uint8Array): number | undefined;

  /**
   * A dictionary of at most so many bytes for what samples have in common; undefined where they are
   * too few.
   */
  trainDictionary?(samples: readonly Uint8Array[], bytes: number): Uint8Array | undefined;

  /** One record for each value's msgpack. @param dictionary the number of one that was loaded */
  encodeValues(
    keys: readonly string[],
    values: readonly Uint8Array[],
    compression: Compression,
    dictionary: number | undefined,
  ): Uint8Array[];

  /**
   * The msgpack in each record, in memory of its own, or why there is none. Any dictionary that was
   * loaded is used.
   */
  decodeValues(keys: readonly string[], records: readonly Uint8Array[]): (Uint8Array | Status)[];

  /**
   * The digest of each text, or bytes, behind the ASCII prefix, all of them end to end
   * (docs/format.md section 3): SHA-256, or with a secret HMAC-SHA256. At most 4096 of them: they
   * lie on the stack.
   */
  digest(secret: Uint8Array | undefined, prefix: Uint8Array, inputs: readonly (string | Uint8Array)[]): string;

  /** One record for each frame. */
  writeRecords(keys: readonly string[], frames: readonly Frame[]): Uint8Array[];

  /**
   * What is in each record, whose checksum is right under its key, or why there is nothing. Its
   * number is the bytes of a value.
   */
  readRecords(keys: readonly string[], records: readonly Uint8Array[]): (Frame | Status)[];
}
