import { patchExponents } from './exponent.js';
import { type ExponentCode, PATCHED_SYMBOL, ZERO_SYMBOL } from './exponent-code.js';
import { type Code, EXPONENT_CODES } from './huffman.js';
import { symbolScratch } from './scratch.js';
import { readStoredBits, storedBytes, writeStoredBits } from './stored-bits.js';
import {
  MAX_PATCHES,
  PATCH,
  patchesAscend,
  readStreams,
  STREAM_LENGTHS,
  STREAM_PADDING,
  writePatch,
  writeStreams,
} from './streams.js';

/**
 * The payload of the grid mode (docs/format.md section 2.5): few significant bits times one scale. How a vector is found to be
 * such is in grid-search.ts.
 */
const LENGTHS_AT = 3;
const HEADER = LENGTHS_AT + STREAM_LENGTHS;
const SCALED = 0x10;
const MAX_PRECISION = 24;

/** A vector as `K x s / 2^symbol`, all but its elements. */
export interface Grid {
  /** P: the significant bits of each K. */
  significant: number;
  /** R: 0 or 2. */
  residual: number;
  /** `s`; undefined where it is the power of two that `code.base` stands for. */
  scale: number | undefined;
  code: ExponentCode;
}

/**
 * The payload. `exponents` are those that `grid.code` counts from, and -1 for a zero; `words` are the stored bits of the elements,
 * `bits` the elements. Undefined where it would need too many patches or be no smaller than raw.
 */
export function writeGrid(
  grid: Grid,
  exponents: Int16Array,
  words: Int32Array,
  bits: Uint32Array,
): Uint8Array | undefined {
  const n = bits.length;
  const { significant, residual, scale, code } = grid;
  const width = significant + residual;
  const patchesAt = HEADER + (scale === undefined ? 1 : 8);
  const largest = patchesAt + Math.ceil(code.bits / 8) + STREAM_PADDING + storedBytes(width, n);
  if (largest - STREAM_PADDING >= 4 * n) return undefined;

  const payload = new Uint8Array(largest);
  const symbols = symbolScratch(n);
  let patches = 0;
  for (let i = 0; i < n; i++) {
    const exponent = exponents[i] as number;
    const symbol = exponent < 0 ? ZERO_SYMBOL : code.base - exponent;
    if (exponent < 0 || (symbol >= 0 && symbol < ZERO_SYMBOL)) {
      symbols[i] = symbol;
      continue;
    }
    if (patches === MAX_PATCHES) return undefined;
    symbols[i] = PATCHED_SYMBOL;
    writePatch(payload, patchesAt, patches++, i, (bits[i] as number) >>> 23);
  }
  payload[0] = code.table | (residual << 2) | (scale === undefined ? 0 : SCALED);
  payload[1] = significant;
  payload[2] = patches;
  if (scale === undefined) payload[HEADER] = code.base;
  else new DataView(payload.buffer).setFloat64(HEADER, scale, true);
  const streamsAt = patchesAt + PATCH * patches;
  const storedAt = writeStreams(EXPONENT_CODES[code.table] as Code, symbols, n, payload, LENGTHS_AT, streamsAt);
  const end = writeStoredBits(words, n, width, payload, storedAt);
  return end < 4 * n ? payload.subarray(0, end) : undefined;
}

/** Decodes a payload into `bits`; false where it is not one. */
export function decodeGrid(payload: Uint8Array, bits: Uint32Array): boolean {
  if (payload.length < HEADER + 1) return false;
  const n = bits.length;
  const header = payload[0] as number;
  const code = EXPONENT_CODES[header & 3] as Code;
  const residual = (header >> 2) & 3;
  const significant = payload[1] as number;
  const patches = payload[2] as number;
  if (header > (SCALED | 0x0f) || (residual !== 0 && residual !== 2)) return false;
  if (significant < 1 || significant > MAX_PRECISION) return false;

  const isScaled = (header & SCALED) !== 0;
  const patchesAt = HEADER + (isScaled ? 8 : 1);
  const streamsAt = patchesAt + PATCH * patches;
  const width = significant + residual;
  const storedAt = payload.length - storedBytes(width, n);
  if (storedAt < streamsAt || !patchesAscend(payload, patchesAt, patches, PATCH, n)) return false;
  const scale = isScaled
    ? new DataView(payload.buffer, payload.byteOffset).getFloat64(HEADER, true)
    : scaleOfBase(payload[HEADER] as number, significant);
  if (!(scale > 0 && scale < Number.POSITIVE_INFINITY)) return false;

  const symbols = symbolScratch(n);
  if (!readStreams(code, payload, LENGTHS_AT, streamsAt, storedAt, symbols, n)) return false;
  // The stored bits lie where the elements will: no memory is taken for them.
  readStoredBits(payload, storedAt, width, bits);
  fromGrid(bits, symbols, significant, residual, scale);
  patchExponents(payload, patchesAt, patches, bits);
  return true;
}

/** As many products are made at once as stay near, and take no memory of a vector's size. */
const CHUNK = 1024;
const products = new Float32Array(CHUNK);
const productBits = new Uint32Array(products.buffer);

/** Turns stored bits and symbols into elements, in place. */
function fromGrid(bits: Uint32Array, symbols: Uint8Array, significant: number, residual: number, scale: number): void {
  const n = bits.length;
  const top = 1 << (significant - 1);
  const signAt = significant + residual - 1;
  const residualMask = (1 << residual) - 1;
  const residualZero = residual === 0 ? 0 : 1 << (residual - 1);
  for (let start = 0; start < n; start += CHUNK) {
    const count = Math.min(CHUNK, n - start);
    for (let i = 0; i < count; i++)
      products[i] = ((((bits[start + i] as number) >>> residual) & (top - 1)) | top) * scale;
    for (let i = 0; i < count; i++) {
      const word = bits[start + i] as number;
      const symbol = symbols[start + i] as number;
      const magnitude = (productBits[i] as number) - (symbol << 23) + (word & residualMask) - residualZero;
      const kept = symbol === ZERO_SYMBOL ? 0 : magnitude & 0x7fffffff;
      bits[start + i] = kept | ((word >>> signAt) << 31);
    }
  }
}

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);

/** `s = 2^(base - 127 - (P - 1))`, made from its bits. */
export function scaleOfBase(base: number, significant: number): number {
  halves[0] = 0;
  halves[1] = (1023 + base - 127 - (significant - 1)) << 20;
  return double[0] as number;
}
