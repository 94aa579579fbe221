import { type Code, STEP_CODES } from './huffman.js';
import { symbolScratch } from './scratch.js';
import { readStoredBits, storedBytes, writeStoredBits } from './stored-bits.js';
import {
  MAX_PATCHES,
  PATCH,
  patchesAscend,
  readStreams,
  readU16,
  STREAM_LENGTHS,
  STREAM_PADDING,
  writePatch,
  writeStreams,
} from './streams.js';

/**
 * What the steps and the decimal mode have in common (docs/format.md section 2.6): integers times a step, the top of each integer
 * coded and the rest stored. `parameters` are the bytes between the streams' lengths and the patches, that say what the step is.
 */
const LENGTHS_AT = 2;
export const PARAMETERS_AT = LENGTHS_AT + STREAM_LENGTHS;
const ZERO_SYMBOL = 16;
const SYMBOLS = 32;
const MAX_STORED = 24;
const MAX_TOP = 127;
const TOP_OF_MINUS_ZERO = -128;

/** Integers of at least this magnitude have no code. */
export const INTEGER_LIMIT = 2 ** 28;

/** Stands for -0 among the integers. */
export const MINUS_ZERO = -(2 ** 31);

/** How integers are coded: `stored` bits of each as they are, the rest by a table. */
interface StepCode {
  stored: number;
  table: number;
  bits: number;
}

/** The cheapest code of the first `n` integers, of which `sum` is the sum of magnitudes; undefined where patches do not suffice. */
function chooseStepCode(integers: Int32Array, n: number, sum: number): StepCode | undefined {
  // The codes are made for tops of a mean magnitude about 0.9 to 1.9; where it is 0.5 or 3.8, another code may be cheaper still.
  let middle = 0;
  while (middle < MAX_STORED && sum / n >= 1.9 * 2 ** middle) middle++;
  let best: StepCode | undefined;
  for (let stored = Math.max(0, middle - 1); stored <= Math.min(MAX_STORED, middle + 1); stored++) {
    const counts = new Uint32Array(SYMBOLS);
    let patches = 0;
    for (let i = 0; i < n; i++) {
      const top = (integers[i] as number) >> stored;
      const symbol = top + ZERO_SYMBOL;
      if (symbol >>> 5 === 0) counts[symbol] = (counts[symbol] as number) + 1;
      else if ((top >= -MAX_TOP && top <= MAX_TOP) || integers[i] === MINUS_ZERO) patches++;
      else patches = Number.POSITIVE_INFINITY;
    }
    if (patches > MAX_PATCHES) continue;
    for (let table = 0; table < STEP_CODES.length; table++) {
      const { lengths } = STEP_CODES[table] as Code;
      let bits = n * stored + patches * ((lengths[ZERO_SYMBOL] as number) + 8 * PATCH);
      for (let symbol = 0; symbol < SYMBOLS; symbol++) bits += (counts[symbol] as number) * (lengths[symbol] as number);
      if (best === undefined || bits < best.bits) best = { stored, table, bits };
    }
  }
  return best;
}

/** The payload of the first `n` integers; undefined where they have no code, or it is no smaller than raw. */
export function writeSteps(
  integers: Int32Array,
  n: number,
  sum: number,
  parameters: Uint8Array,
): Uint8Array | undefined {
  const choice = chooseStepCode(integers, n, sum);
  if (choice === undefined) return undefined;
  const { stored, table, bits } = choice;
  const patchesAt = PARAMETERS_AT + parameters.length;
  // What is stored ends on a whole byte too.
  const largest = patchesAt + Math.ceil(bits / 8) + STREAM_PADDING + 1;
  if (largest - STREAM_PADDING - 1 >= 4 * n) return undefined;

  const payload = new Uint8Array(largest);
  const symbols = symbolScratch(n);
  let patches = 0;
  for (let i = 0; i < n; i++) {
    const integer = integers[i] as number;
    const symbol = (integer >> stored) + ZERO_SYMBOL;
    if (symbol >>> 5 === 0) {
      symbols[i] = symbol;
      continue;
    }
    symbols[i] = ZERO_SYMBOL;
    writePatch(payload, patchesAt, patches++, i, integer === MINUS_ZERO ? TOP_OF_MINUS_ZERO : integer >> stored);
  }
  payload[0] = table | (stored << 3);
  payload[1] = patches;
  payload.set(parameters, PARAMETERS_AT);
  const streamsAt = patchesAt + PATCH * patches;
  const storedAt = writeStreams(STEP_CODES[table] as Code, symbols, n, payload, LENGTHS_AT, streamsAt);
  const end = writeStoredBits(integers, n, stored, payload, storedAt);
  return end < 4 * n ? payload.subarray(0, end) : undefined;
}

const patchedBits = new Uint32Array(MAX_PATCHES);

/** Decodes a payload whose parameters take `parameterBytes` and mean `step` into `bits`; false where it is not one. */
export function readSteps(payload: Uint8Array, parameterBytes: number, step: number, bits: Uint32Array): boolean {
  const n = bits.length;
  const header = payload[0] as number;
  const code = STEP_CODES[header & 7];
  const stored = header >> 3;
  const patches = payload[1] as number;
  const patchesAt = PARAMETERS_AT + parameterBytes;
  const streamsAt = patchesAt + PATCH * patches;
  const storedAt = payload.length - storedBytes(stored, n);
  if (code === undefined || stored > MAX_STORED || storedAt < streamsAt) return false;
  if (!patchesAscend(payload, patchesAt, patches, PATCH, n)) return false;
  const symbols = symbolScratch(n);
  if (!readStreams(code, payload, LENGTHS_AT, streamsAt, storedAt, symbols, n)) return false;

  // The stored bits lie where the elements will: no memory is taken for them.
  readStoredBits(payload, storedAt, stored, bits);
  for (let p = 0; p < patches; p++) patchedBits[p] = bits[readU16(payload, patchesAt + PATCH * p)] as number;
  const floats = new Float32Array(bits.buffer, bits.byteOffset, n);
  for (let i = 0; i < n; i++) {
    const integer = (((symbols[i] as number) - ZERO_SYMBOL) << stored) + (bits[i] as number);
    floats[i] = integer * step;
  }
  for (let p = 0; p < patches; p++) {
    const top = ((payload[patchesAt + PATCH * p + 2] as number) << 24) >> 24;
    const integer = (top << stored) + (patchedBits[p] as number);
    floats[readU16(payload, patchesAt + PATCH * p)] = top === TOP_OF_MINUS_ZERO ? -0 : integer * step;
  }
  return true;
}
