import { digitsOf, encodeDecimal } from './decimal.js';
import { encodeScaledGrid, encodeUnscaledGrid } from './grid-search.js';
import { MODE } from './modes.js';
import { type Payload, payloadOf } from './payload.js';

/**
 * Which exact structure the vectors of a codec have, if any, and when to look for one. The vectors of a model are alike: what one of
 * them was found to be is tried on the next, and where nothing was found, a number of vectors go by before the next full look.
 *
 * `memory[0]` is the family and, above it, its detail; `memory[1]` the vectors without structure since.
 */
const FAMILY = { unknown: 0, none: 1, scaledGrid: 2, unscaledGrid: 3, decimal: 4 } as const;
const DETAIL_SHIFT = 8;

/** Vectors between the first two full looks, and between later ones: each time it is twice as many, up to the last. */
const FIRST_LOOK_AFTER = 16;
const LAST_LOOK_AFTER = 128;

/** So many vectors in a row may be of no structure before it is forgotten what the others were. */
const STRAYS = 3;

/** Of a float16 and a bfloat16, the leading one included. */
const FLOAT16_SIGNIFICANT = 11;
const BFLOAT16_SIGNIFICANT = 8;

/** In the order of what they cost to find, and to store. */
const GRIDS = [
  FAMILY.unscaledGrid,
  FAMILY.scaledGrid | (BFLOAT16_SIGNIFICANT << DETAIL_SHIFT),
  FAMILY.scaledGrid | (FLOAT16_SIGNIFICANT << DETAIL_SHIFT),
];

/** What the memory knows without a full look: the structured payload; undefined for none this time; 'look' where it is time for one. */
export function encodeRemembered(bits: Uint32Array, memory: Uint32Array): Payload | 'look' | undefined {
  if (memory[0] === FAMILY.none && !isTimeToLook(memory[1] as number)) {
    memory[1] = (memory[1] as number) + 1;
    return undefined;
  }
  const structured = encodeAs(bits, memory[0] as number);
  if (structured === undefined) return 'look';
  memory[1] = 0;
  return structured;
}

/** Looks for every structure: the smallest of what is found and `rival`. Remembers which it was. */
export function encodeLooking(bits: Uint32Array, memory: Uint32Array, rival: Payload): Payload {
  let family: number = FAMILY.none;
  let best = rival;
  const consider = (candidate: number): boolean => {
    const structured = encodeAs(bits, candidate);
    if (structured !== undefined && structured.payload.length < best.payload.length)
      [family, best] = [candidate, structured];
    return structured !== undefined;
  };
  // A grid of fewer bits is one of more bits too.
  GRIDS.some(consider);
  // Few digits can make a grid, but not the smallest.
  const digits = digitsOf(bits);
  if (digits !== undefined) consider(FAMILY.decimal | (digits << DETAIL_SHIFT));
  const isStray = family === FAMILY.none && (memory[0] as number) > FAMILY.none && (memory[1] as number) < STRAYS;
  const isNoneAgain = family === FAMILY.none && memory[0] === FAMILY.none;
  if (isStray || isNoneAgain) memory[1] = (memory[1] as number) + 1;
  else memory[1] = family === FAMILY.none ? 1 : 0;
  if (!isStray) memory[0] = family;
  return best;
}

function isTimeToLook(vectorsSince: number): boolean {
  const sum = vectorsSince + FIRST_LOOK_AFTER;
  return sum <= 2 * LAST_LOOK_AFTER ? Number.isInteger(Math.log2(sum)) : sum % LAST_LOOK_AFTER === 0;
}

/** The payload of a vector of this family; undefined where it is of another. */
function encodeAs(bits: Uint32Array, family: number): Payload | undefined {
  const detail = family >>> DETAIL_SHIFT;
  switch (family & 0xff) {
    case FAMILY.unscaledGrid:
      return payloadOf(MODE.grid, encodeUnscaledGrid(bits));
    case FAMILY.scaledGrid:
      return payloadOf(MODE.grid, encodeScaledGrid(bits, detail));
    case FAMILY.decimal:
      return payloadOf(MODE.decimal, encodeDecimal(bits, detail));
    default:
      return undefined;
  }
}
