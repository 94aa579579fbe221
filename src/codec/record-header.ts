import { MAX_DIMENSIONS } from './modes.js';

/**
 * The numbers at the front of a record (docs/format.md section 1), for who needs one without an
 * engine. Only the bytes that are read are looked at: the record may be cut, damaged or another
 * key's.
 */

const ARRAY_OF_FIVE = 0x95;
const ARRAY_OF_SIX = 0x96;
const FORMAT = 1;
/** Modes below this are vectors'. */
const FIRST_OF_VALUES = 0x70;
const NUMBER_AT = 3;

/** Of msgpack's uints, from `cc` on: what they take, and the least that has no shorter form. */
const UINT_8 = 0xcc;
const WIDTHS = [2, 3, 5];
const LEAST = [0x80, 0x100, 0x10000];

/** The bytes of a value, as its record says; 0 where that says nothing. */
export function declaredLength(record: Uint8Array): number {
  return Math.max(0, numberAt(record, NUMBER_AT, record.length));
}

/**
 * The length of a vector, as its record says; undefined where it is no record of a vector.
 *
 * @param start where the record begins in `bytes`, and `end` where it ends: `RecordSpans.read`
 *   gives both
 */
export function dimensionsOf(bytes: Uint8Array, start = 0, end: number = bytes.length): number | undefined {
  const dimensions = isOfVector(bytes, start) ? numberAt(bytes, start + NUMBER_AT, end) : -1;
  return dimensions >= 1 && dimensions <= MAX_DIMENSIONS ? dimensions : undefined;
}

/**
 * The tokens that the provider charged for a vector, as its record says; undefined where it says
 * nothing. They are the writer's only in a record that was found sound.
 *
 * @param start as above
 */
export function tokensOf(bytes: Uint8Array, start = 0, end: number = bytes.length): number | undefined {
  if (bytes[start] !== ARRAY_OF_SIX || dimensionsOf(bytes, start, end) === undefined) return undefined;
  const at = start + NUMBER_AT;
  const tokens = numberAt(bytes, at + widthAt(bytes, at), end);
  return tokens < 0 ? undefined : tokens;
}

function isOfVector(bytes: Uint8Array, start: number): boolean {
  const array = bytes[start];
  const isRecord = (array === ARRAY_OF_FIVE || array === ARRAY_OF_SIX) && bytes[start + 1] === FORMAT;
  return isRecord && (bytes[start + 2] as number) < FIRST_OF_VALUES;
}

/** What a number takes there; 0 where there is none. */
function widthAt(bytes: Uint8Array, at: number): number {
  const token = bytes[at] as number;
  return token <= 0x7f ? 1 : (WIDTHS[token - UINT_8] ?? 0);
}

/** The number there, in its shortest form; -1 where there is none before `end`. */
function numberAt(bytes: Uint8Array, at: number, end: number): number {
  const width = widthAt(bytes, at);
  if (width === 0 || at + width > end) return -1;
  const token = bytes[at] as number;
  if (width === 1) return token;
  let number = 0;
  for (let next = at + 1; next < at + width; next++) number = 256 * number + (bytes[next] as number);
  return number < (LEAST[token - UINT_8] as number) ? -1 : number;
}
