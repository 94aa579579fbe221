import { CODE_LENGTHS, decodeStream, encodeStream } from './huffman.js';

/**
 * The exponent mode (docs/format.md section 2.2): exponents in static Huffman codes, everything else stored.
 */
const STREAMS = 4;
const HEADER = 9;
const PATCH = 3;
const SYMBOLS = 16;
const PATCHED_SYMBOL = 3;
const MAX_PATCHES = 0xff;

/** The cheapest table and base for these exponents, and what the codes and patches cost together, in bits. */
function chooseCode(counts: Uint32Array): { table: number; base: number; bits: number } {
  const present: number[] = [];
  let mode = 0;
  for (let e = 0; e < 256; e++) {
    if ((counts[e] as number) > 0) present.push(e);
    if ((counts[e] as number) > (counts[mode] as number)) mode = e;
  }
  let best = { table: 0, base: 0, bits: Number.POSITIVE_INFINITY };
  for (let base = mode; base < Math.min(256, mode + SYMBOLS); base++) {
    for (let table = 0; table < CODE_LENGTHS.length; table++) {
      const lengths = CODE_LENGTHS[table] as Uint8Array;
      const patched = (lengths[PATCHED_SYMBOL] as number) + 8 * PATCH;
      let bits = 0;
      for (const e of present) bits += (counts[e] as number) * (lengths[base - e] ?? patched);
      if (bits < best.bits) best = { table, base, bits };
    }
  }
  return best;
}

/** The payload, or undefined where it would need too many patches or be no smaller than `limit` bytes. */
export function encodeExponent(bits: Uint32Array, limit: number): Uint8Array | undefined {
  const n = bits.length;
  const counts = new Uint32Array(256);
  for (let i = 0; i < n; i++) {
    const e = ((bits[i] as number) >>> 23) & 0xff;
    counts[e] = (counts[e] as number) + 1;
  }
  const { table, base, bits: cost } = chooseCode(counts);
  const largest = HEADER + 3 * n + Math.ceil(cost / 8) + STREAMS;
  if (largest - STREAMS >= limit) return undefined;

  const payload = new Uint8Array(largest);
  const symbols = new Uint8Array(n);
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
    payload.set([i & 0xff, i >> 8, e], HEADER + PATCH * patches++);
  }
  payload.set([table, base, patches]);

  const quarter = Math.ceil(n / STREAMS);
  let at = HEADER + PATCH * patches;
  for (let k = 0; k < STREAMS; k++) {
    const start = Math.min(n, k * quarter);
    const next = encodeStream(table, symbols, start, Math.min(n, start + quarter), payload, at);
    if (k < STREAMS - 1) payload.set([(next - at) & 0xff, (next - at) >> 8], 3 + 2 * k);
    at = next;
  }
  for (let i = 0; i < n; i++) {
    payload[at++] = bits[i] as number;
    payload[at++] = (bits[i] as number) >>> 8;
  }
  for (let i = 0; i < n; i++)
    payload[at++] = (((bits[i] as number) >>> 24) & 0x80) | (((bits[i] as number) >>> 16) & 0x7f);
  return payload.subarray(0, at);
}

let scratch = new Uint8Array(0);

/** Decodes a payload into `bits`; false where it is not one. */
export function decodeExponent(payload: Uint8Array, bits: Uint32Array): boolean {
  const n = bits.length;
  const table = payload[0] as number;
  const base = payload[1] as number;
  const patches = payload[2] as number;
  const streamsStart = HEADER + PATCH * patches;
  const lowStart = payload.length - 3 * n;
  if (lowStart < streamsStart || table >= CODE_LENGTHS.length) return false;

  if (scratch.length < n) scratch = new Uint8Array(n);
  const quarter = Math.ceil(n / STREAMS);
  let at = streamsStart;
  for (let k = 0; k < STREAMS; k++) {
    const start = Math.min(n, k * quarter);
    const coded = (payload[3 + 2 * k] as number) | ((payload[4 + 2 * k] as number) << 8);
    const limit = k < STREAMS - 1 ? at + coded : lowStart;
    if (limit > lowStart) return false;
    if (!decodeStream(table, payload, at, limit, scratch, start, Math.min(n, start + quarter))) return false;
    at = limit;
  }

  const highStart = lowStart + 2 * n;
  for (let i = 0; i < n; i++) {
    const high = payload[highStart + i] as number;
    const low = (payload[lowStart + 2 * i] as number) | ((payload[lowStart + 2 * i + 1] as number) << 8);
    bits[i] = ((high & 0x80) << 24) | (((base - (scratch[i] as number)) & 0xff) << 23) | ((high & 0x7f) << 16) | low;
  }

  let previous = -1;
  for (let p = HEADER; p < streamsStart; p += PATCH) {
    const index = (payload[p] as number) | ((payload[p + 1] as number) << 8);
    if (index <= previous || index >= n) return false;
    previous = index;
    bits[index] = ((bits[index] as number) & 0x807fffff) | ((payload[p + 2] as number) << 23);
  }
  return true;
}
