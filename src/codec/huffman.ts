/**
 * The static Huffman codes of docs/format.md sections 2.2 and 2.6, bits from the lowest up. Codes are at most 11 bits long.
 */
const MAX_BITS = 11;

/** One code: what each symbol is written as. */
export interface Code {
  readonly lengths: Uint8Array;
  /** Each with its first bit lowest. */
  readonly codes: Uint16Array;
  /** For each possible next 11 bits the symbol, and its length above it; made when the code is first read. */
  lookup: Uint16Array | undefined;
}

const SYMBOL_BITS = 5;
const SYMBOL_MASK = (1 << SYMBOL_BITS) - 1;

/** The codes of an exponent's distance from a base, of 16 symbols. */
export const EXPONENT_CODES: readonly Code[] = [
  [11, 7, 3, 2, 2, 3, 3, 4, 5, 7, 7, 8, 9, 11, 11, 11],
  [11, 5, 2, 2, 2, 3, 5, 5, 6, 7, 8, 10, 10, 11, 11, 11],
  [7, 4, 3, 2, 2, 3, 4, 4, 5, 7, 7, 8, 9, 10, 11, 11],
  [11, 7, 2, 2, 2, 3, 4, 5, 7, 7, 8, 10, 10, 11, 11, 11],
].map(makeCode);

/** The codes of the top of a multiple of a step, of 32 symbols around 16. */
export const STEP_CODES: readonly Code[] = [
  [
    11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 9, 7, 5, 2, 1, 3, 4, 7, 9, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11,
    11,
  ],
  [11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 3, 2, 2, 2, 4, 6, 7, 9, 10, 10, 11, 11, 11, 11, 11, 11, 11, 11],
  [11, 11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 5, 4, 3, 3, 2, 3, 3, 4, 5, 6, 7, 8, 10, 10, 11, 11, 11, 11, 11, 11],
  [11, 11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 5, 4, 3, 2, 2, 3, 4, 5, 6, 7, 8, 10, 11, 11, 11, 11, 11, 11, 11, 11],
  [11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 5, 4, 3, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 11, 11, 11, 11, 11, 11, 11],
  [11, 11, 11, 11, 11, 10, 8, 7, 6, 6, 5, 5, 4, 4, 3, 3, 3, 3, 4, 4, 4, 5, 6, 6, 7, 8, 9, 11, 11, 11, 11, 11],
  [11, 11, 10, 9, 8, 7, 7, 6, 6, 5, 5, 4, 4, 4, 4, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 7, 7, 8, 9, 10, 11, 11],
].map(makeCode);

/** The canonical code of these lengths (RFC 1951, 3.2.2). */
function makeCode(lengths: readonly number[]): Code {
  const codes = new Uint16Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= MAX_BITS; length++) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      for (let bit = 0; bit < length; bit++)
        codes[symbol] = (codes[symbol] as number) | (((code >> bit) & 1) << (length - 1 - bit));
      code++;
    }
    code <<= 1;
  }
  return { lengths: Uint8Array.from(lengths), codes, lookup: undefined };
}

function makeLookup({ lengths, codes }: Code): Uint16Array {
  const lookup = new Uint16Array(1 << MAX_BITS);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] as number;
    for (let next = codes[symbol] as number; next < lookup.length; next += 1 << length)
      lookup[next] = symbol | (length << SYMBOL_BITS);
  }
  return lookup;
}

/** Codes `symbols` from `start` to `end` into `out` at `at`; returns the offset after the stream. */
export function encodeStream(
  { codes, lengths }: Code,
  symbols: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
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

/** Where a stream lies, in bytes, and which symbols it holds: of the four of a payload, one after the other. */
export interface Streams {
  readonly starts: Uint32Array;
  readonly limits: Uint32Array;
  /** One more than there are streams: stream `k` has the symbols from `firsts[k]` to `firsts[k + 1]`. */
  readonly firsts: Uint32Array;
}

/**
 * Decodes four streams of `input` into `symbols`; false unless each is used up exactly. They are read side by side, two symbols of
 * each at a time: one stream alone would wait for each of its symbols.
 */
export function decodeStreams(code: Code, input: Uint8Array, streams: Streams, symbols: Uint8Array): boolean {
  code.lookup ??= makeLookup(code);
  const lookup = code.lookup;
  const { starts, limits, firsts } = streams;
  let p0 = 8 * (starts[0] as number);
  let p1 = 8 * (starts[1] as number);
  let p2 = 8 * (starts[2] as number);
  let p3 = 8 * (starts[3] as number);
  let i0 = firsts[0] as number;
  let i1 = firsts[1] as number;
  let i2 = firsts[2] as number;
  let i3 = firsts[3] as number;
  const end = firsts[4] as number;
  const words = new DataView(input.buffer, input.byteOffset, input.length);
  // The last bit from which a whole word can be read.
  const last = 8 * (input.length - 4) + 7;
  const last0 = Math.min(last, 8 * (limits[0] as number));
  const last1 = Math.min(last, 8 * (limits[1] as number));
  const last2 = Math.min(last, 8 * (limits[2] as number));
  const last3 = Math.min(last, 8 * (limits[3] as number));
  // The last stream is the shortest.
  const pairsEnd = end - 1;
  while (i3 < pairsEnd && ((last0 - p0) | (last1 - p1) | (last2 - p2) | (last3 - p3)) >= 0) {
    // A word has 25 bits at least behind the position, and two codes 22 at most.
    const w0 = words.getUint32(p0 >> 3, true) >>> (p0 & 7);
    const w1 = words.getUint32(p1 >> 3, true) >>> (p1 & 7);
    const w2 = words.getUint32(p2 >> 3, true) >>> (p2 & 7);
    const w3 = words.getUint32(p3 >> 3, true) >>> (p3 & 7);
    const a0 = lookup[w0 & 0x7ff] as number;
    const a1 = lookup[w1 & 0x7ff] as number;
    const a2 = lookup[w2 & 0x7ff] as number;
    const a3 = lookup[w3 & 0x7ff] as number;
    const b0 = lookup[(w0 >>> (a0 >> SYMBOL_BITS)) & 0x7ff] as number;
    const b1 = lookup[(w1 >>> (a1 >> SYMBOL_BITS)) & 0x7ff] as number;
    const b2 = lookup[(w2 >>> (a2 >> SYMBOL_BITS)) & 0x7ff] as number;
    const b3 = lookup[(w3 >>> (a3 >> SYMBOL_BITS)) & 0x7ff] as number;
    symbols[i0] = a0 & SYMBOL_MASK;
    symbols[i0 + 1] = b0 & SYMBOL_MASK;
    symbols[i1] = a1 & SYMBOL_MASK;
    symbols[i1 + 1] = b1 & SYMBOL_MASK;
    symbols[i2] = a2 & SYMBOL_MASK;
    symbols[i2 + 1] = b2 & SYMBOL_MASK;
    symbols[i3] = a3 & SYMBOL_MASK;
    symbols[i3 + 1] = b3 & SYMBOL_MASK;
    p0 += (a0 >> SYMBOL_BITS) + (b0 >> SYMBOL_BITS);
    p1 += (a1 >> SYMBOL_BITS) + (b1 >> SYMBOL_BITS);
    p2 += (a2 >> SYMBOL_BITS) + (b2 >> SYMBOL_BITS);
    p3 += (a3 >> SYMBOL_BITS) + (b3 >> SYMBOL_BITS);
    i0 += 2;
    i1 += 2;
    i2 += 2;
    i3 += 2;
  }
  return (
    decodeRest(lookup, input, p0, limits[0] as number, symbols, i0, firsts[1] as number) &&
    decodeRest(lookup, input, p1, limits[1] as number, symbols, i1, firsts[2] as number) &&
    decodeRest(lookup, input, p2, limits[2] as number, symbols, i2, firsts[3] as number) &&
    decodeRest(lookup, input, p3, limits[3] as number, symbols, i3, end)
  );
}

/** Decodes the symbols from `start` to `end` from bit `position` on; false unless they end in the byte before `limit`. */
function decodeRest(
  lookup: Uint16Array,
  input: Uint8Array,
  position: number,
  limit: number,
  symbols: Uint8Array,
  start: number,
  end: number,
): boolean {
  let p = position;
  for (let i = start; i < end; i++) {
    const at = p >> 3;
    // Past the limit zeros are read: no code that lies before it is read otherwise, and one that does not is refused below.
    const low = at < limit ? (input[at] as number) : 0;
    const middle = at + 1 < limit ? (input[at + 1] as number) : 0;
    const high = at + 2 < limit ? (input[at + 2] as number) : 0;
    const found = lookup[((low | (middle << 8) | (high << 16)) >>> (p & 7)) & 0x7ff] as number;
    symbols[i] = found & SYMBOL_MASK;
    p += found >> SYMBOL_BITS;
  }
  return (p + 7) >> 3 === limit;
}
