import { ROUND } from './rounding.js';
import { integerScratch } from './scratch.js';
import { INTEGER_LIMIT, PARAMETERS_AT, readSteps, writeSteps } from './steps.js';

/**
 * The steps mode (docs/format.md section 2.6): multiples of a step, so that no element is further from what it was than a bound
 * that the record states.
 */
const PARAMETERS = 5;
const HEADER = PARAMETERS_AT + PARAMETERS;
const PARTS = 0x10000;

/** A step of less than half of what the bound allows would be for float32s that are too coarse for the bound themselves. */
const MOST_PARTS_KEPT = 0x8000;

const parameters = new Uint8Array(PARAMETERS);
const parametersView = new DataView(parameters.buffer);

/** The largest byte that stands for parts kept back: 63488 of them. */
const MOST_KEPT = 0xcf;

/** The byte for at least so many parts: below 16 the number itself, above that a factor of 16 to 31 and a power of two. */
function keptByte(parts: number): number {
  if (parts < 16) return parts;
  const power = 27 - Math.clz32(parts);
  // A factor that comes to 32 is 16 of the next power.
  return ((power + 1) << 4) + Math.ceil(parts / 2 ** power) - 16;
}

/** The step for a bound of which so many parts are kept back as the byte says. */
function stepOf(bound: number, kept: number): number {
  const parts = kept < 16 ? kept : (16 + (kept & 15)) << ((kept >> 4) - 1);
  return Math.fround((2 * bound * (PARTS - parts)) / PARTS);
}

/** The payload; undefined where the vector is not finite, the bound too fine for its float32s, or the payload no smaller than raw. */
export function encodeWithin(bits: Uint32Array, bound: number): Uint8Array | undefined {
  const n = bits.length;
  const floats = new Float32Array(bits.buffer, bits.byteOffset, n);
  let largest = 0;
  for (let i = 0; i < n; i++) {
    const magnitude = (bits[i] as number) & 0x7fffffff;
    if (magnitude > largest) largest = magnitude;
  }
  if (largest >= 0x7f800000) return undefined;
  // What rounding to a float32 may add to half a step.
  const halfUlp = 2 ** (Math.max(1, largest >>> 23) - 127 - 24);
  const parts = Math.ceil((PARTS * halfUlp) / bound) + 1;
  if (parts > MOST_PARTS_KEPT) return undefined;

  const kept = keptByte(parts);
  const step = stepOf(bound, kept);
  const perStep = 1 / step;
  const integers = integerScratch(n);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const x = floats[i] as number;
    const integer = x * perStep + ROUND - ROUND;
    const magnitude = Math.abs(integer);
    // Written so that a NaN would be refused too.
    if (!(Math.abs(x - Math.fround(integer * step)) <= bound && magnitude < INTEGER_LIMIT)) return undefined;
    integers[i] = integer;
    sum += magnitude;
  }
  parametersView.setFloat32(0, bound, true);
  parameters[4] = kept;
  return writeSteps(integers, n, sum, parameters);
}

/** The bound that a payload states; undefined where it states none that a bound can be. */
export function boundOf(payload: Uint8Array): number | undefined {
  if (payload.length < HEADER) return undefined;
  const bound = new DataView(payload.buffer, payload.byteOffset).getFloat32(PARAMETERS_AT, true);
  return bound > 0 && bound < Number.POSITIVE_INFINITY ? bound : undefined;
}

/** Decodes a payload into `bits`; false where it is not one. */
export function decodeWithin(payload: Uint8Array, bits: Uint32Array): boolean {
  const bound = boundOf(payload);
  if (bound === undefined) return false;
  const kept = payload[PARAMETERS_AT + 4] as number;
  if (kept > MOST_KEPT) return false;
  const step = stepOf(bound, kept);
  // Twice a bound may be more than a float32 holds, and none of that is NaN.
  return step < Number.POSITIVE_INFINITY && readSteps(payload, PARAMETERS, step, bits);
}
