import { ROUND } from './rounding.js';
import { integerScratch } from './scratch.js';
import { INTEGER_LIMIT, MINUS_ZERO, PARAMETERS_AT, readSteps, writeSteps } from './steps.js';

/**
 * The decimal mode (docs/format.md section 2.6): vectors that were rounded to a number of decimal digits, such as those that came
 * as JSON, are integers times a power of ten.
 */
const PARAMETERS = 1;
const HEADER = PARAMETERS_AT + PARAMETERS;
const MAX_DIGITS = 12;
const FEWEST_TRIED = 3;
const MOST_TRIED = 10;
const PROBES = 16;

const TENS = Array.from({ length: MAX_DIGITS + 1 }, (_, digits) => Number(`1e${digits}`));
const TENTHS = Array.from({ length: MAX_DIGITS + 1 }, (_, digits) => Number(`1e-${digits}`));

/** The fewest digits with which every element comes back; undefined where there are none. */
export function digitsOf(bits: Uint32Array): number | undefined {
  const floats = new Float32Array(bits.buffer, bits.byteOffset, bits.length);
  const stride = Math.max(1, Math.floor(floats.length / PROBES));
  for (let digits = FEWEST_TRIED; digits <= MOST_TRIED; digits++) {
    if (areDecimal(floats, stride, digits) && areDecimal(floats, 1, digits)) return digits;
  }
  return undefined;
}

function areDecimal(floats: Float32Array, stride: number, digits: number): boolean {
  const ten = TENS[digits] as number;
  const tenth = TENTHS[digits] as number;
  for (let i = 0; i < floats.length; i += stride) {
    const x = floats[i] as number;
    if (Math.fround((x * ten + ROUND - ROUND) * tenth) !== x) return false;
  }
  return true;
}

/** The payload of a vector with so many digits; undefined where it has more, or the payload is no smaller than raw. */
export function encodeDecimal(bits: Uint32Array, digits: number): Uint8Array | undefined {
  const n = bits.length;
  const floats = new Float32Array(bits.buffer, bits.byteOffset, n);
  const ten = TENS[digits] as number;
  const tenth = TENTHS[digits] as number;
  const integers = integerScratch(n);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const x = floats[i] as number;
    const integer = x * ten + ROUND - ROUND;
    const magnitude = Math.abs(integer);
    if (Math.fround(integer * tenth) !== x || magnitude >= INTEGER_LIMIT) return undefined;
    integers[i] = (bits[i] as number) === 0x80000000 ? MINUS_ZERO : integer;
    sum += magnitude;
  }
  return writeSteps(integers, n, sum, Uint8Array.of(digits));
}

/** Decodes a payload into `bits`; false where it is not one. */
export function decodeDecimal(payload: Uint8Array, bits: Uint32Array): boolean {
  if (payload.length < HEADER) return false;
  const digits = payload[PARAMETERS_AT] as number;
  if (digits < 1 || digits > MAX_DIGITS) return false;
  return readSteps(payload, PARAMETERS, TENTHS[digits] as number, bits);
}
