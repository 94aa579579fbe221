import { Packr } from '#msgpackr';
import { InvalidInputError } from '../errors.js';
import { MALFORMED, msgpackCost, TOO_MUCH } from './cost.js';
import { TOO_LARGE, whyNotStorable } from './storable.js';

const packr = new Packr({ moreTypes: true, useRecords: false });

/**
 * What a value may take in memory, beside its msgpack: so many times `maxValueBytes`, by a rough
 * estimate.
 */
export const MEMORY_FACTOR = 10;

/** No msgpack takes so many times its bytes: short ones need not be looked at again. */
const LARGEST_RATIO = 4096;

/**
 * The msgpack of the value at a place of a batch, of at most `most` bytes. Throws
 * `InvalidInputError` for what would not come back.
 */
export function pack(value: unknown, place: number, most: number): Uint8Array {
  const refuse = (expected: string, received: string) => new InvalidInputError(`values[${place}]`, expected, received);
  const limit = `at most ${most} bytes of msgpack (maxValueBytes)`;
  if (value === undefined) throw refuse('a value', 'undefined, which is what a miss returns');
  let why: string | undefined;
  let bytes: Uint8Array | undefined;
  try {
    why = whyNotStorable(value, most);
    if (why === undefined) bytes = packr.pack(value);
  } catch {
    // What was thrown is not passed on: it can quote the value.
  }
  if (why === TOO_LARGE) throw refuse(limit, why);
  if (bytes === undefined) throw refuse('a value that msgpack can hold', why ?? `a ${typeof value} that it cannot`);
  if (bytes.length > most) throw refuse(limit, `${bytes.length}`);
  if (LARGEST_RATIO * bytes.length <= MEMORY_FACTOR * most) return bytes;
  const cost = msgpackCost(bytes, MEMORY_FACTOR * most);
  if (cost === TOO_MUCH) throw refuse(`a value of at most ${MEMORY_FACTOR * most} bytes in memory`, 'a larger one');
  if (cost === MALFORMED) throw refuse('a value that can be read again', `a ${typeof value} that could not`);
  return bytes;
}

/**
 * The value in some msgpack, and what it takes in memory beside that, estimated. `most` is the
 * largest such cost.
 */
export function unpack(bytes: Uint8Array, most: number): { value: unknown; cost: number } | 'payload' | 'limit' {
  const cost = msgpackCost(bytes, most);
  if (cost < 0) return cost === TOO_MUCH ? 'limit' : 'payload';
  try {
    return { value: packr.unpack(bytes), cost };
  } catch {
    return 'payload';
  }
}
