import { chooseExponentCode, type ExponentCode, PATCHED_SYMBOL, ZERO_SYMBOL } from './exponent-code.js';
import { scaleOfBase, writeGrid } from './grid.js';
import { ROUND } from './rounding.js';

/**
 * Finds out whether a vector is a grid (docs/format.md section 2.5), and writes it as one. What is found is always verified to the
 * bit: a search that errs costs time, never a vector.
 */
const IMPLICIT = 24;

/** Fewer bits than this that no element uses are chance, or not worth a mode. */
const WORTHWHILE_BITS = 2;

/** The work that vectors may cause whose few values fit a part of a thousand scales, in whole passes. */
const MOST_PASSES = 16;

const PROBES = 8;
const PROBED_ELEMENTS = 32;
const FEWEST_PROBES = 4;

const HALF_ULP = 2 ** -24;

/** What a search knows of each element. It grows, and serves one call after the other. */
let room = makeRoom(0);

function makeRoom(n: number) {
  const products = new Float32Array(n);
  return {
    /** From 1 to 2; 0 for a zero. */
    mantissas: new Float64Array(n),
    /** K, of which there are P bits. */
    multiples: new Int32Array(n),
    /** Of the power of two that stands beside K, as a float32's; -1 for a zero. */
    exponents: new Int16Array(n),
    words: new Int32Array(n),
    products,
    productBits: new Uint32Array(products.buffer),
  };
}

function roomFor(n: number) {
  if (room.words.length < n) room = makeRoom(n);
  return room;
}

/** The payload of a vector whose elements end in zero bits, all of them: such as were cast from float16 or bfloat16. */
export function encodeUnscaledGrid(bits: Uint32Array): Uint8Array | undefined {
  const n = bits.length;
  let used = 0;
  for (let i = 0; i < n; i++) used |= bits[i] as number;
  used &= 0x7fffff;
  const unused = used === 0 ? 23 : 31 - Math.clz32(used & -used);
  if (unused < WORTHWHILE_BITS) return undefined;

  const significant = IMPLICIT - unused;
  const { exponents, words } = roomFor(n);
  for (let i = 0; i < n; i++) {
    const x = bits[i] as number;
    exponents[i] = (x & 0x7fffffff) === 0 ? -1 : (x >>> 23) & 0xff;
    words[i] = ((x & 0x7fffff) >>> unused) | ((x >>> 31) << (significant - 1));
  }
  return writeGrid({ significant, residual: 0, scale: undefined, code: chooseCode(n, 1, 254) }, exponents, words, bits);
}

/** The payload of a vector whose elements are numbers of `significant` bits times one scale, scaled once or twice. */
export function encodeScaledGrid(bits: Uint32Array, significant: number): Uint8Array | undefined {
  const n = bits.length;
  const probes = pickProbes(bits);
  if (probes.length < FEWEST_PROBES) return undefined;
  const { mantissas } = roomFor(n);
  let isPrepared = false;
  let budget = MOST_PASSES * n;

  const low = 2 ** (significant - 1);
  const high = 2 * low;
  const tolerance = high * 2 ** -22;
  const first = probes[0] as number;
  // One K for the first probe after the other: it determines the scale, and the scale the others.
  for (let k = low; k < high && budget > 0; k++) {
    // From `low` to `high`, so that a mantissa times it is at most one power of two above the K's.
    const ratio = k < low * first ? (2 * k) / first : k / first;
    let fits = true;
    for (let j = 1; fits && j < probes.length; j++) {
      let t = (probes[j] as number) * ratio;
      if (t >= high) t *= 0.5;
      fits = Math.abs(t - (t + ROUND - ROUND)) <= tolerance;
    }
    if (!fits) continue;
    if (!isPrepared) prepare(bits, mantissas);
    isPrepared = true;
    const fitting = fit(bits, ratio, significant);
    budget -= fitting + 1;
    if (fitting < n) continue;
    const payload = writeFitting(bits, significant);
    if (payload !== undefined) return payload;
  }
  return undefined;
}

/** The mantissas of large elements from all over the vector: small ones may have lost bits before they were scaled. */
function pickProbes(bits: Uint32Array): Float64Array {
  const n = bits.length;
  const probes = new Float64Array(PROBES);
  let count = 0;
  for (let j = 0; j < PROBES; j++) {
    const start = Math.floor((j * n) / PROBES);
    const end = Math.min(start + PROBED_ELEMENTS, Math.floor(((j + 1) * n) / PROBES));
    let largest = 0;
    for (let i = start; i < end; i++) {
      const magnitude = (bits[i] as number) & 0x7fffffff;
      if (magnitude > largest) largest = magnitude;
    }
    if (largest >= 0x00800000) probes[count++] = mantissaOf(largest);
  }
  return probes.subarray(0, count);
}

function mantissaOf(magnitude: number): number {
  return 1 + (magnitude & 0x7fffff) * 2 ** -23;
}

function prepare(bits: Uint32Array, mantissas: Float64Array): void {
  for (let i = 0; i < bits.length; i++) {
    const magnitude = (bits[i] as number) & 0x7fffffff;
    mantissas[i] = magnitude === 0 ? 0 : mantissaOf(magnitude);
  }
}

// What a fit that reached the end has found of the scale, for exponent 0: the bounds within which all elements are exact (none where
// the lower is above the upper), and the sums for the scale that is nearest to all.
let lowest = 0;
let highest = 0;
let sumOfProducts = 0;
let sumOfSquares = 0;

/** Finds K and exponent of each element, where the scale is about `1 / ratio`; returns how many elements have them before one has not. */
function fit(bits: Uint32Array, ratio: number, significant: number): number {
  const n = bits.length;
  const { mantissas, multiples, exponents } = room;
  const low = 2 ** (significant - 1);
  const high = 2 * low;
  const tolerance = high * 2 ** -21;
  let from = 0;
  let to = Number.POSITIVE_INFINITY;
  let products = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const mantissa = mantissas[i] as number;
    if (mantissa === 0) {
      multiples[i] = 0;
      exponents[i] = -1;
      continue;
    }
    let factor = 1;
    let exponent = ((bits[i] as number) >>> 23) & 0xff;
    let t = mantissa * ratio;
    if (t >= high) {
      t *= 0.5;
      factor = 0.5;
      exponent++;
    }
    let multiple = t + ROUND - ROUND;
    if (Math.abs(t - multiple) > tolerance) return i;
    if (multiple === high) {
      multiple = low;
      factor *= 0.5;
      exponent++;
    }
    // What is not finite is on no grid.
    if (exponent > 254) return i;
    multiples[i] = multiple;
    exponents[i] = exponent;
    const perMultiple = factor / multiple;
    const lower = (mantissa - HALF_ULP) * perMultiple;
    const upper = (mantissa + HALF_ULP) * perMultiple;
    if (lower > from) from = lower;
    if (upper < to) to = upper;
    products += mantissa * factor * multiple;
    squares += multiple * multiple;
  }
  lowest = from;
  highest = to;
  sumOfProducts = products;
  sumOfSquares = squares;
  return n;
}

/** Writes what `fit` has found: exactly where one scale gives all elements, else with what is left over. */
function writeFitting(bits: Uint32Array, significant: number): Uint8Array | undefined {
  // K x scale is up to four times the scale's power of two, which must not lead out of a float32's exponents.
  const code = chooseCode(bits.length, 3, 251);
  const power = scaleOfBase(code.base, 1);
  const { exponents, words } = room;
  const scale = lowest < highest ? ((lowest + highest) / 2) * power : 0;
  if (scale > 0 && verify(bits, significant, 0, scale, code)) {
    return writeGrid({ significant, residual: 0, scale, code }, exponents, words, bits);
  }
  const nearest = (sumOfProducts / sumOfSquares) * power;
  if (nearest > 0 && verify(bits, significant, 2, nearest, code)) {
    return writeGrid({ significant, residual: 2, scale: nearest, code }, exponents, words, bits);
  }
  return undefined;
}

/** Whether a reader gets every element back, and what is stored for that. */
function verify(bits: Uint32Array, significant: number, residual: number, scale: number, code: ExponentCode): boolean {
  const n = bits.length;
  const { multiples, exponents, words, products, productBits } = room;
  for (let i = 0; i < n; i++) products[i] = (multiples[i] as number) * scale;
  const mask = (1 << (significant - 1)) - 1;
  const signAt = significant + residual - 1;
  let missed = 0;
  for (let i = 0; i < n; i++) {
    const x = bits[i] as number;
    const exponent = exponents[i] as number;
    const symbol = code.base - exponent;
    const isCoded = symbol >= 0 && symbol < ZERO_SYMBOL;
    let left = ((x & 0x7fffffff) - (productBits[i] as number) + ((isCoded ? symbol : PATCHED_SYMBOL) << 23)) | 0;
    // A patch replaces the exponent, whatever it was.
    if (!isCoded) left = (left << 9) >> 9;
    left = exponent < 0 ? 0 : left + residual;
    missed |= left >>> residual;
    words[i] = ((x >>> 31) << signAt) | (((multiples[i] as number) & mask) << residual) | left;
  }
  return missed === 0;
}

/** The code for the exponents in `room`. */
function chooseCode(n: number, lowestBase: number, highestBase: number): ExponentCode {
  const { exponents } = room;
  const counts = new Uint32Array(256);
  let zeros = 0;
  for (let i = 0; i < n; i++) {
    const exponent = exponents[i] as number;
    if (exponent < 0) zeros++;
    else counts[exponent] = (counts[exponent] as number) + 1;
  }
  return chooseExponentCode(counts, ZERO_SYMBOL, lowestBase, highestBase, zeros);
}
