import { chooseExponentCode, PATCHED_SYMBOL } from './exponent-code.js';
import { type Code, EXPONENT_CODES } from './huffman.js';
import { symbolScratch } from './scratch.js';
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
 * The exponent mode (docs/format.md section 2.2): exponents in static Huffman codes, everything else stored.
 */
const LENGTHS_AT = 3;
const HEADER = LENGTHS_AT + STREAM_LENGTHS;
const SYMBOLS = 16;

/** The payload, or undefined where it would need too many patches or be no smaller than `limit` bytes. */
export function encodeExponent(bits: Uint32Array, limit: number): Uint8Array | undefined {
  const n = bits.length;
  const counts = new Uint32Array(256);
  for (let i = 0; i < n; i++) {
    const e = ((bits[i] as number) >>> 23) & 0xff;
    counts[e] = (counts[e] as number) + 1;
  }
  const { table, base, bits: cost } = chooseExponentCode(counts, SYMBOLS, 0, 0xff, 0);
  const largest = HEADER + 3 * n + Math.ceil(cost / 8) + STREAM_PADDING;
  if (largest - STREAM_PADDING >= limit) return undefined;

  const payload = new Uint8Array(largest);
  const symbols = symbolScratch(n);
  let patches = 0;
  for (let i = 0; i < n; i++) {
    const e = ((bits[i] as number) >>> 23) & 0xff;
    const symbol = base - e;
    if (symbol >= 0 && symbol < SYMBOLS) {
      symbols[i] = symbol;
      continue;
    }
    if (patches === MAX_PATCHES) return undefined;
    symbols[i] = PATCHED_SYMBOL;
    writePatch(payload, HEADER, patches++, i, e);
  }
  payload[0] = table;
  payload[1] = base;
  payload[2] = patches;

  const streamsAt = HEADER + PATCH * patches;
  let at = writeStreams(EXPONENT_CODES[table] as Code, symbols, n, payload, LENGTHS_AT, streamsAt);
  for (let i = 0; i < n; i++) {
    payload[at++] = bits[i] as number;
    payload[at++] = (bits[i] as number) >>> 8;
  }
  for (let i = 0; i < n; i++)
    payload[at++] = (((bits[i] as number) >>> 24) & 0x80) | (((bits[i] as number) >>> 16) & 0x7f);
  return payload.subarray(0, at);
}

/** Decodes a payload into `bits`; false where it is not one. */
export function decodeExponent(payload: Uint8Array, bits: Uint32Array): boolean {
  const n = bits.length;
  const code = EXPONENT_CODES[payload[0] as number];
  const base = payload[1] as number;
  const patches = payload[2] as number;
  const streamsAt = HEADER + PATCH * patches;
  const lowAt = payload.length - 3 * n;
  if (code === undefined || !(streamsAt <= lowAt)) return false;
  if (!patchesAscend(payload, HEADER, patches, PATCH, n)) return false;
  const symbols = symbolScratch(n);
  if (!readStreams(code, payload, LENGTHS_AT, streamsAt, lowAt, symbols, n)) return false;

  const highAt = lowAt + 2 * n;
  for (let i = 0; i < n; i++) {
    const high = payload[highAt + i] as number;
    const low = readU16(payload, lowAt + 2 * i);
    bits[i] = ((high & 0x80) << 24) | (((base - (symbols[i] as number)) & 0xff) << 23) | ((high & 0x7f) << 16) | low;
  }
  patchExponents(payload, HEADER, patches, bits);
  return true;
}

/** Puts right the exponents of the patched elements. */
export function patchExponents(payload: Uint8Array, at: number, count: number, bits: Uint32Array): void {
  for (let p = at; p < at + PATCH * count; p += PATCH) {
    const index = readU16(payload, p);
    bits[index] = ((bits[index] as number) & 0x807fffff) | ((payload[p + 2] as number) << 23);
  }
}
