import * as v from 'valibot';
import { kindOf } from '../describe.js';
import { InvalidInputError, InvalidOptionError } from '../errors.js';
import { isFloat32Array, isUint8Array } from '../realms.js';
import type { Engine } from './engine/engine.js';
import { MAX_DIMENSIONS } from './modes.js';

/**
 * The layout of a profile is docs/format.md section 2.10: this before the dimensions, the means,
 * and a checksum.
 */
const MAGIC = [0x56, 0x53, 0x50, 1];
const DIMENSIONS_AT = MAGIC.length;
const MEANS_AT = DIMENSIONS_AT + 2;
const BYTES_PER_MEAN = 2;
const CHECKSUM_BYTES = 4;

/** The `profile` of codecs and namespaces. */
export const profileSchema = v.optional(
  v.custom<Uint8Array | readonly Uint8Array[]>(
    (value) => [value].flat().every((bytes) => isUint8Array(bytes)),
    'a Uint8Array, or an array of them',
  ),
);

/**
 * Learns the mean of each dimension of a model's vectors, for the `profile` of a codec or a
 * namespace: 2 bytes a dimension, and 10 more. 16 to 32 vectors of many kinds of inputs are enough,
 * as they will be stored. The same vectors in the same order make the same bytes, on every machine.
 * Keep them as long as anything is stored with them.
 *
 * Throws `InvalidInputError` where there is no vector, where one is not a Float32Array of as many
 * elements as the first, 1 to 65,535, or where an element is not finite.
 */
export function trainProfile(vectors: readonly Float32Array[]): Uint8Array {
  const sums = new Float64Array(dimensionsOf(vectors));
  vectors.forEach((vector, i) => {
    if (!isFloat32Array(vector) || vector.length !== sums.length) {
      const received = isFloat32Array(vector) ? `${vector.length} elements` : kindOf(vector);
      throw new InvalidInputError(`vectors[${i}]`, `a Float32Array of ${sums.length} elements`, received);
    }
    vector.forEach((x, d) => {
      if (!Number.isFinite(x)) throw new InvalidInputError(`vectors[${i}][${d}]`, 'a finite number', `${x}`);
      sums[d] = (sums[d] as number) + x;
    });
  });
  const means = Float32Array.from(sums, (sum) => sum / vectors.length);
  const bytes = new Uint8Array(MEANS_AT + BYTES_PER_MEAN * means.length + CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint16(DIMENSIONS_AT, means.length, true);
  new Uint32Array(means.buffer).forEach((bits, d) => {
    view.setUint16(MEANS_AT + BYTES_PER_MEAN * d, upperHalf(bits), true);
  });
  const checksumAt = bytes.length - CHECKSUM_BYTES;
  view.setUint32(checksumAt, crc32(bytes.subarray(0, checksumAt)), true);
  return bytes;
}

/**
 * The numbers of profiles, ready to be used. Throws `InvalidOptionError` for what is no profile of
 * so many dimensions.
 */
export function loadProfiles(engine: Engine, given: readonly Uint8Array[], dimensions: number): Uint32Array {
  return Uint32Array.from(given, (bytes, i) => {
    const option = given.length === 1 ? 'profile' : `profile[${i}]`;
    const number = engine.loadProfile(bytes);
    if (number === undefined)
      throw new InvalidOptionError(option, 'what trainProfile returned, unchanged', `${bytes.length} bytes`);
    const found = new DataView(bytes.buffer, bytes.byteOffset).getUint16(DIMENSIONS_AT, true);
    if (found === dimensions) return number;
    throw new InvalidOptionError(option, `a profile of ${dimensions} dimensions`, `one of ${found}`);
  });
}

function dimensionsOf(vectors: readonly Float32Array[]): number {
  if (!Array.isArray(vectors)) throw new InvalidInputError('vectors', 'an array', kindOf(vectors));
  const [first] = vectors;
  if (first === undefined) throw new InvalidInputError('vectors', 'at least one, better 16 to 32', '0');
  const { length } = first;
  if (length >= 1 && length <= MAX_DIMENSIONS) return length;
  throw new InvalidInputError('vectors[0]', `a Float32Array of 1 to ${MAX_DIMENSIONS} elements`, `${length} elements`);
}

/**
 * The bfloat16 nearest to a float32, ties to even, as bits; of the largest numbers the one below,
 * for no mean is infinite.
 */
function upperHalf(bits: number): number {
  const upper = bits >>> 16;
  const rounded = (bits + 0x7fff + (upper & 1)) >>> 16;
  return (rounded & 0x7f80) === 0x7f80 ? upper : rounded;
}

/**
 * CRC-32 as zlib has it. Node has one as well, but not in every version that we run on, and Workers
 * have none.
 */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
