import { Buffer } from 'node:buffer';
import * as v from 'valibot';
import { InvalidInputError } from '../errors.js';
import { checkOptions } from '../options.js';
import { indicesOfPresent, reasonOf, refusal, sameLength } from './batch.js';
import { MEMORY_WORDS, type VectorForm } from './engine.js';
import { COMPRESSIONS, type Compression, MAX_DIMENSIONS, type Precision } from './modes.js';
import { LEAST_MAX_ERROR } from './precision.js';
import { type EngineChoice, selectEngine } from './select.js';
import { type CorruptReason, STATUSES, type Status } from './status.js';

export type { Precision } from './modes.js';

/** Options of `createVectorCodec`. */
export interface VectorCodecOptions {
  /** The length of every vector, 1 to 65,535. */
  dimensions: number;
  /**
   * How much of a vector must come back. Records that are coarser than that are refused; finer ones are read. What a lossy
   * precision has no room for (vectors that are not finite, a `maxError` finer than float32) is stored exactly.
   *
   * @default 'exact', bit for bit
   */
  precision?: Precision;
  /** Of exact records; the lossy forms carry their own coding. @default 'auto', the smallest that wins */
  compression?: Compression;
  /** @default 'auto', which VECSTASH_NATIVE decides */
  engine?: EngineChoice;
}

/** Is told of each record that was there and refused: its place, and what was wrong. */
export type OnRefused = (index: number, reason: CorruptReason) => void;

/** Turns vectors into records and back, a batch at a time. The format is docs/format.md. */
export interface VectorCodec {
  readonly engine: 'native' | 'portable';
  readonly dimensions: number;
  /**
   * One record for each vector; the record holds only under its own key. Throws `InvalidInputError` where a vector is not a
   * Float32Array of `dimensions` elements. The records of one call may share memory.
   */
  encodeMany(keys: readonly string[], vectors: readonly Float32Array[]): Uint8Array[];
  /**
   * The vector of each record, in order; undefined for no record and for anything unsound. The vectors are the caller's; those
   * of one call may share blocks of at most 64 KiB, so that keeping one keeps little else (`vector.buffer` is the block).
   */
  decodeMany(
    keys: readonly string[],
    records: readonly (Uint8Array | undefined)[],
    onRefused?: OnRefused,
  ): (Float32Array | undefined)[];
  /** The same into one block of n x dimensions; rows without a sound record are 0, and `found` is 1 for the others. */
  decodeMatrix(
    keys: readonly string[],
    records: readonly (Uint8Array | undefined)[],
    onRefused?: OnRefused,
  ): { data: Float32Array; found: Uint8Array };
  /** Throws `CorruptRecordError`, whose `reason` says what is wrong. */
  decodeOne(key: string, record: Uint8Array): Float32Array;
}

/** What one kept vector may keep alive, in bytes. */
const BLOCK_BYTES = 64 * 1024;

const OK = STATUSES.indexOf('ok');

const precisionName = v.picklist(['exact', 'float16', 'int8'], "'exact', 'float16', 'int8' or { maxError }");
const maxError = v.strictObject({
  maxError: v.pipe(
    v.number('a number'),
    v.finite('a finite number'),
    v.minValue(LEAST_MAX_ERROR, `a number of at least ${LEAST_MAX_ERROR}`),
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
};

const schema = v.strictObject({
  ...vectorCodecEntries,
  engine: v.optional(v.picklist(['auto', 'native', 'portable'])),
});

/** Throws `InvalidOptionError` for an option that is unknown or out of range, or for an engine that does not load. */
export function createVectorCodec(options: VectorCodecOptions): VectorCodec {
  const checked = checkOptions(schema, options, 'options');
  const { dimensions, precision = 'exact', compression = 'auto' } = checked;
  const engine = selectEngine(checked.engine);
  const form: VectorForm = { dimensions, precision, compression, memory: new Uint32Array(MEMORY_WORDS) };

  /** Decodes the records that are there into small blocks: in each place a vector, or why there is none. */
  function decode(keys: readonly string[], records: readonly (Uint8Array | undefined)[]): (Float32Array | Status)[] {
    const present = indicesOfPresent(records);
    const all = present.length === records.length;
    const rowsPerBlock = Math.max(1, Math.floor(BLOCK_BYTES / (4 * dimensions)));
    const blocks = smallBlocks(present.length, rowsPerBlock, dimensions);
    const statuses = engine.decodeVectors(
      all ? keys : present.map((i) => keys[i] as string),
      all ? (records as Uint8Array[]) : present.map((i) => records[i] as Uint8Array),
      form,
      blocks,
      rowsPerBlock,
    );
    const decoded = new Array<Float32Array | Status>(records.length).fill('absent');
    for (let row = 0; row < present.length; row++) {
      const status = statuses[row] as number;
      const start = (row % rowsPerBlock) * dimensions;
      decoded[present[row] as number] =
        status === OK
          ? (blocks[Math.floor(row / rowsPerBlock)] as Float32Array).subarray(start, start + dimensions)
          : (STATUSES[status] ?? 'payload');
    }
    return decoded;
  }

  function decodeMany(
    keys: readonly string[],
    records: readonly (Uint8Array | undefined)[],
    onRefused: OnRefused | undefined,
  ) {
    return decode(keys, records).map((vector, i) => {
      if (typeof vector === 'object') return vector;
      if (records[i] !== undefined) onRefused?.(i, reasonOf(vector));
      return undefined;
    });
  }

  return {
    engine: engine.name,
    dimensions,
    encodeMany(keys, vectors) {
      sameLength(keys, vectors, 'vectors');
      vectors.forEach((vector, i) => {
        if (!(vector instanceof Float32Array) || vector.length !== dimensions) {
          const received = vector instanceof Float32Array ? `${vector.length} elements` : typeof vector;
          throw new InvalidInputError(`vectors[${i}]`, `a Float32Array of ${dimensions} elements`, received);
        }
      });
      return vectors.length === 0 ? [] : engine.encodeVectors(keys, vectors, form);
    },
    decodeMany(keys, records, onRefused) {
      sameLength(keys, records, 'records');
      return decodeMany(keys, records, onRefused);
    },
    decodeMatrix(keys, records, onRefused) {
      sameLength(keys, records, 'records');
      const data = new Float32Array(records.length * dimensions);
      const found = new Uint8Array(records.length);
      const present = indicesOfPresent(records);
      if (present.length === records.length && records.length > 0) {
        const statuses = engine.decodeVectors(keys, records as Uint8Array[], form, [data], records.length);
        for (let i = 0; i < records.length; i++) {
          if (statuses[i] === OK) found[i] = 1;
          else {
            data.fill(0, i * dimensions, (i + 1) * dimensions);
            onRefused?.(i, reasonOf(STATUSES[statuses[i] as number]));
          }
        }
        return { data, found };
      }
      decodeMany(keys, records, onRefused).forEach((vector, i) => {
        if (vector === undefined) return;
        data.set(vector, i * dimensions);
        found[i] = 1;
      });
      return { data, found };
    },
    decodeOne(key, record) {
      const [decoded] = decode([key], [record]);
      if (typeof decoded === 'object') return decoded;
      throw refusal(decoded);
    },
  };
}

/** Blocks for `rows` rows, not zeroed: only rows that were decoded are ever handed out. */
function smallBlocks(rows: number, rowsPerBlock: number, dimensions: number): Float32Array[] {
  const blocks: Float32Array[] = [];
  for (let row = 0; row < rows; row += rowsPerBlock) {
    const elements = Math.min(rowsPerBlock, rows - row) * dimensions;
    // Slow is the fast one here: its memory is its own, neither zeroed nor cut from Node's shared pool.
    blocks.push(new Float32Array(Buffer.allocUnsafeSlow(4 * elements).buffer, 0, elements));
  }
  return blocks;
}
