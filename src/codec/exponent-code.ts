import { EXPONENT_CODES } from './huffman.js';
import { PATCH } from './streams.js';

/** A patched exponent is coded as this. */
export const PATCHED_SYMBOL = 3;

/** The grid mode's symbol for a zero: exponents have those below it. */
export const ZERO_SYMBOL = 15;

/** How exponents are coded, and what the codes and patches cost together, in bits. */
export interface ExponentCode {
  table: number;
  base: number;
  bits: number;
}

/**
 * The cheapest table and base for exponents counted in `counts`, of which `symbols` from the base down can be coded, and the base
 * is from `lowest` to `highest`. Of the exponent mode all 256, and 16 of them; the grid's are fewer, and there are `zeros` beside them.
 */
export function chooseExponentCode(
  counts: Uint32Array,
  symbols: number,
  lowest: number,
  highest: number,
  zeros: number,
): ExponentCode {
  const present: number[] = [];
  let mode = 0;
  for (let e = 0; e < 256; e++) {
    if ((counts[e] as number) > 0) present.push(e);
    if ((counts[e] as number) > (counts[mode] as number)) mode = e;
  }
  const first = Math.max(lowest, Math.min(highest, mode));
  const end = Math.min(highest + 1, first + symbols);
  let best = { table: 0, base: first, bits: Number.POSITIVE_INFINITY };
  for (let base = first; base < end; base++) {
    for (let table = 0; table < EXPONENT_CODES.length; table++) {
      const lengths = EXPONENT_CODES[table]?.lengths as Uint8Array;
      const patched = (lengths[PATCHED_SYMBOL] as number) + 8 * PATCH;
      let bits = zeros * (lengths[ZERO_SYMBOL] as number);
      for (const e of present) {
        const symbol = base - e;
        const isCoded = symbol >= 0 && symbol < symbols;
        bits += (counts[e] as number) * (isCoded ? (lengths[symbol] as number) : patched);
      }
      if (bits < best.bits) best = { table, base, bits };
    }
  }
  return best;
}
