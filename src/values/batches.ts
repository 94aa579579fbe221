import type { Engine } from '../codec/engine/engine.js';
import type { Status } from '../codec/engine/status.js';
import { MAX_VALUE_BYTES } from '../codec/modes.js';
import { declaredLength } from '../codec/record-header.js';
import { MEMORY_FACTOR, unpack } from './pack.js';

/** A value that was read, or why there is none. */
export type Read = { value: unknown } | Status;

/**
 * What the values of a call may take in memory for each byte of their records: more is no
 * compression that real values have.
 */
const MEMORY_FOR_A_BYTE = 32;

/**
 * The value in each record. Memory is bounded whatever the records say: one value takes at most
 * `most` bytes of msgpack; all of a call, together with what is made of them, at most
 * `MEMORY_FACTOR * most` and `MEMORY_FOR_A_BYTE` for each byte of the records. What goes beyond is
 * refused as 'limit'.
 */
export function readValues(
  engine: Engine,
  keys: readonly string[],
  records: readonly Uint8Array[],
  most: number,
): Read[] {
  const results = new Array<Read>(records.length).fill('limit');
  let left = MEMORY_FACTOR * most;
  for (const record of records) left += MEMORY_FOR_A_BYTE * record.length;

  let part: number[] = [];
  let partBytes = 0;
  const readPart = () => {
    const all = part.length === records.length;
    const decoded = engine.decodeValues(
      all ? keys : part.map((i) => keys[i] as string),
      all ? records : part.map((i) => records[i] as Uint8Array),
    );
    decoded.forEach((bytes, k) => {
      const read = typeof bytes === 'string' ? bytes : unpack(bytes, left);
      if (typeof read === 'object') left -= read.cost;
      results[part[k] as number] = read;
    });
    part = [];
    partBytes = 0;
  };
  records.forEach((record, i) => {
    // What the format does not allow at all is the engine's to name.
    const length = declaredLength(record);
    const bytes = length > MAX_VALUE_BYTES ? 0 : length;
    if (bytes > most || bytes > left) return;
    // What is decompressed at once is let go before there is more.
    if (part.length > 0 && partBytes + bytes > most) readPart();
    left -= bytes;
    if (left < 0) return;
    part.push(i);
    partBytes += bytes;
  });
  if (part.length > 0) readPart();
  return results;
}
