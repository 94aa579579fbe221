import { MAX_DIMENSIONS } from '../../codec/modes.js';
import { EmbedError } from '../../errors.js';
import type { NamespaceCodec } from '../namespace-codec.js';

/**
 * The vectors of a model's answer, each of them sound. Where the dimensions are not known yet they
 * are those of the first vector. Throws `EmbedError` without indices.
 */
export function takeVectors(answer: unknown, count: number, codec: NamespaceCodec): Float32Array[] {
  if (!Array.isArray(answer) || answer.length !== count) {
    const received = Array.isArray(answer) ? `${answer.length} vectors` : typeof answer;
    throw new EmbedError(`the model returned ${received} for ${count} inputs`, []);
  }
  const vectors: Float32Array[] = [];
  let { dimensions } = codec;
  // By index: `map` passes over the places that an answer left empty.
  for (let i = 0; i < count; i++) {
    const { vector, problem } = takeVector(answer[i], dimensions);
    if (vector === undefined) throw new EmbedError(`the model returned ${problem} as vector ${i} of ${count}`, []);
    dimensions = vector.length;
    vectors.push(vector);
  }
  if (dimensions !== undefined) codec.for(dimensions);
  return vectors;
}

/** What became of a row: a vector of its own, or what is wrong with it. */
type TakenVector = { vector: Float32Array; problem?: undefined } | { vector?: undefined; problem: string };

/**
 * Copies `row` into a vector, where it is one of `dimensions` numbers (or, where that is undefined,
 * of 1 to 65,535) that are finite as float32s and, as such, not all zero. Each element is read once,
 * so what was checked is what is kept.
 */
export function takeVector(row: unknown, dimensions: number | undefined): TakenVector {
  const isList = Array.isArray(row) || (ArrayBuffer.isView(row) && !(row instanceof DataView));
  if (!isList) return { problem: row === null ? 'null' : `a value of type ${typeof row}` };
  const given = row as ArrayLike<unknown>;
  const { length } = given;
  if (dimensions === undefined ? !(length >= 1 && length <= MAX_DIMENSIONS) : length !== dimensions)
    return { problem: `${length} dimensions instead of ${dimensions ?? `1 to ${MAX_DIMENSIONS}`}` };
  const vector = new Float32Array(length);
  let isZero = true;
  for (let i = 0; i < length; i++) {
    const x = given[i];
    if (typeof x !== 'number') return { problem: `a value of type ${typeof x} in dimension ${i}` };
    vector[i] = x;
    const kept = vector[i] as number;
    // A double may be finite and its float32 not, or not be zero and its float32 be.
    if (!Number.isFinite(kept)) return { problem: `a number that is not finite (dimension ${i})` };
    if (kept !== 0) isZero = false;
  }
  return isZero ? { problem: 'nothing but zeros' } : { vector };
}
