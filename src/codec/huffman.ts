/**
 * The static Huffman codes of docs/format.md section 2.2, bits from the lowest up. Codes are at most 11 bits long.
 */
const MAX_BITS = 11;
const SYMBOLS = 16;

/** Code lengths of the symbols 0..15 in each table. */
export const CODE_LENGTHS: readonly Uint8Array[] = [
  [11, 7, 3, 2, 2, 3, 3, 4, 5, 7, 7, 8, 9, 11, 11, 11],
  [11, 5, 2, 2, 2, 3, 5, 5, 6, 7, 8, 10, 10, 11, 11, 11],
  [7, 4, 3, 2, 2, 3, 4, 4, 5, 7, 7, 8, 9, 10, 11, 11],
  [11, 7, 2, 2, 2, 3, 4, 5, 7, 7, 8, 10, 10, 11, 11, 11],
].map((lengths) => Uint8Array.from(lengths));

/** Canonical codes (RFC 1951, 3.2.2), each with its first bit lowest. */
const CODES = CODE_LENGTHS.map((lengths) => {
  const codes = new Uint16Array(SYMBOLS);
  let code = 0;
  for (let length = 1; length <= MAX_BITS; length++) {
    for (let symbol = 0; symbol < SYMBOLS; symbol++) {
      if (lengths[symbol] !== length) continue;
      for (let bit = 0; bit < length; bit++)
        codes[symbol] = (codes[symbol] as number) | (((code >> bit) & 1) << (length - 1 - bit));
      code++;
    }
    code <<= 1;
  }
  return codes;
});

/** For each possible next 11 bits: the symbol, and its length above it. */
const LOOKUP = CODES.map((codes, table) => {
  const lookup = new Uint8Array(1 << MAX_BITS);
  const lengths = CODE_LENGTHS[table] as Uint8Array;
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    const length = lengths[symbol] as number;
    for (let next = codes[symbol] as number; next < lookup.length; next += 1 << length)
      lookup[next] = symbol | (length << 4);
  }
  return lookup;
});

/** Codes `symbols` from `start` to `end` into `out` at `at`; returns the offset after the stream. */
export function encodeStream(
  table: number,
  symbols: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  const codes = CODES[table] as Uint16Array;
  const lengths = CODE_LENGTHS[table] as Uint8Array;
  let offset = at;
  let bits = 0;
  let held = 0;
  for (let i = start; i < end; i++) {
    const symbol = symbols[i] as number;
    bits |= (codes[symbol] as number) << held;
    held += lengths[symbol] as number;
    while (held >= 8) {
      out[offset++] = bits;
      bits >>>= 8;
      held -= 8;
    }
  }
  if (held > 0) out[offset++] = bits;
  return offset;
}

/** Decodes the stream in `input` from `at` to `limit` into `symbols` from `start` to `end`; false unless it is used up exactly. */
export function decodeStream(
  table: number,
  input: Uint8Array,
  at: number,
  limit: number,
  symbols: Uint8Array,
  start: number,
  end: number,
): boolean {
  const lookup = LOOKUP[table] as Uint8Array;
  let offset = at;
  let bits = 0;
  let held = 0;
  let i = start;
  while (i < end) {
    // Past the limit zeros are read: too short a stream shows in the count below.
    while (held <= 23) {
      if (offset < limit) bits |= (input[offset] as number) << held;
      offset++;
      held += 8;
    }
    const first = lookup[bits & 0x7ff] as number;
    symbols[i++] = first & 15;
    bits >>>= first >> 4;
    held -= first >> 4;
    if (i < end) {
      const second = lookup[bits & 0x7ff] as number;
      symbols[i++] = second & 15;
      bits >>>= second >> 4;
      held -= second >> 4;
    }
  }
  return offset - (held >> 3) === limit;
}
