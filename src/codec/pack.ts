import { Packr } from 'msgpackr';
import { InvalidInputError } from '../errors.js';
import { MALFORMED, msgpackCost, TOO_MUCH } from './msgpack-cost.js';
import { whyNotStorable } from './storable.js';

const packr = new Packr({ moreTypes: true, useRecords: false });

/** What a value may take in memory, beside its msgpack: so many times `maxValueBytes`, by a rough estimate. */
export const MEMORY_FACTOR = 10;

/** No msgpack takes so many times its bytes: short ones need not be looked at again. */
const LARGEST_RATIO = 4096;

/** The msgpack of the value at a place of a batch, of at most `most` bytes. Throws `InvalidInputError` for what would not come back. */
export function pack(value: unknown, place: number, most: number): Uint8Array {
  const field = `values[${place}]`;
  const expected = `a value that msgpack can hold, in at most ${most} bytes`;
  if (value === undefined) throw new InvalidInputError(field, 'a value', 'undefined, which is what a miss returns');
  let why: string | undefined;
  let bytes: Uint8Array | undefined;
  try {
    why = whyNotStorable(value, most);
    if (why === undefined) bytes = packr.pack(value);
  } catch {
    // What was thrown is not passed on: it can quote the value.
  }
  if (bytes === undefined) throw new InvalidInputError(field, expected, why ?? `a ${typeof value} that it cannot`);
  if (bytes.length > most) throw new InvalidInputError(field, expected, `${bytes.length} bytes`);
  if (LARGEST_RATIO * bytes.length <= MEMORY_FACTOR * most) return bytes;
  const cost = msgpackCost(bytes, MEMORY_FACTOR * most);
  if (cost === TOO_MUCH)
    throw new InvalidInputError(field, expected, 'one that is too large or too deep to be read again');
  if (cost === MALFORMED) throw new InvalidInputError(field, expected, 'one that could not be read again');
  return bytes;
}

/** The value in some msgpack, and what it takes in memory beside that, estimated. `most` is the largest such cost. */
export function unpack(bytes: Uint8Array, most: number): { value: unknown; cost: number } | 'payload' | 'limit' {
  const cost = msgpackCost(bytes, most);
  if (cost < 0) return cost === TOO_MUCH ? 'limit' : 'payload';
  try {
    return { value: packr.unpack(bytes), cost };
  } catch {
    return 'payload';
  }
}
