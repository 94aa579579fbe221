/**
 * The longest text of a number: `-0.`, three zeros and 17 digits; of the others that of a double.
 */
const MAX_LENGTH = 25;

/** The digits of 0000 to 9999. */
const DIGITS = Buffer.from(Array.from({ length: 10_000 }, (_, i) => String(i).padStart(4, '0')).join(''));

const [MINUS, ZERO, DOT, COMMA, OPEN, CLOSE] = Buffer.from('-0.,[]') as unknown as [
  number,
  number,
  number,
  number,
  number,
  number,
];

/** Where texts are made: at most 1.7 MB. */
let scratch = Buffer.alloc(0);

/**
 * The text of `[...vector]` as JSON, three times as fast as `JSON.stringify`. Each
 * number has digits that make the same double of it.
 *
 * 17 digits do. 24 bits of a float32 times 10 ** 11, which has 26 bits beside its twos, fit a
 * double's 53: so the first 8 digits are exact, and what they leave is, of which 9 more are taken.
 */
export function floatText(vector: Float32Array): Buffer {
  const most = 2 + vector.length * (MAX_LENGTH + 1);
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(most);
  const out = scratch;
  let at = 0;
  out[at++] = OPEN;
  for (let i = 0; i < vector.length; i++) {
    if (i > 0) out[at++] = COMMA;
    const value = vector[i] as number;
    const size = Math.abs(value);
    const zeros = size >= 1 || size < 1e-4 ? -1 : size >= 0.1 ? 0 : size >= 0.01 ? 1 : size >= 0.001 ? 2 : 3;
    const scaled = size * (SCALES[zeros] ?? 0);
    let first = Math.floor(scaled);
    let rest = Math.round((scaled - first) * 1e9);
    if (rest === 1e9) {
      first += 1;
      rest = 0;
    }
    if (zeros < 0 || first >= 1e8) {
      at += out.write(Object.is(value, -0) ? '-0' : String(value), at, 'latin1');
      continue;
    }
    if (value < 0) out[at++] = MINUS;
    out[at++] = ZERO;
    out[at++] = DOT;
    for (let k = 0; k < zeros; k++) out[at++] = ZERO;
    const high = Math.floor(first / 1e4);
    const middle = Math.floor(rest / 1e4);
    const top = Math.floor(middle / 1e4);
    at = write4(out, at, high);
    at = write4(out, at, first - high * 1e4);
    out[at++] = ZERO + top;
    at = write4(out, at, middle - top * 1e4);
    at = write4(out, at, rest - middle * 1e4);
  }
  out[at++] = CLOSE;
  return Buffer.from(out.subarray(0, at));
}

const SCALES = [1e8, 1e9, 1e10, 1e11];

function write4(out: Buffer, at: number, number: number): number {
  const from = number * 4;
  out[at] = DIGITS[from] as number;
  out[at + 1] = DIGITS[from + 1] as number;
  out[at + 2] = DIGITS[from + 2] as number;
  out[at + 3] = DIGITS[from + 3] as number;
  return at + 4;
}
