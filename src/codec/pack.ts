import { Packr } from 'msgpackr';
import { InvalidInputError } from '../errors.js';
import { MAX_VALUE_BYTES } from './modes.js';

const packr = new Packr({ moreTypes: true, useRecords: false });

/** The msgpack of the value at a place of a batch. Throws `InvalidInputError` for what cannot be stored. */
export function pack(value: unknown, place: number): Uint8Array {
  const field = `values[${place}]`;
  if (value === undefined) throw new InvalidInputError(field, 'a value', 'undefined, which is what a miss returns');
  let bytes: Uint8Array;
  try {
    bytes = packr.pack(value);
  } catch {
    // The library's error is not passed on: it can quote the value.
    throw new InvalidInputError(field, 'a value that msgpack can hold', `a ${typeof value} that it cannot`);
  }
  if (bytes.length > MAX_VALUE_BYTES) {
    throw new InvalidInputError(field, `at most ${MAX_VALUE_BYTES} bytes of msgpack`, `${bytes.length}`);
  }
  return bytes;
}

/** The value in some msgpack. */
export function unpack(bytes: Uint8Array): { value: unknown } | 'payload' {
  try {
    return { value: packr.unpack(bytes) };
  } catch {
    return 'payload';
  }
}
