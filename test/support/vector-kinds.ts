import { prf } from './prf.js';

/** Makes a vector from the bits of each element. */
export function fromBits(bits: ArrayLike<number>): Float32Array {
  return new Float32Array(Uint32Array.from(bits).buffer);
}

/** Vectors that codecs have stumbled over, by what is special about them, for any dimensions. */
export function vectorKinds(dimensions: number): Record<string, Float32Array> {
  const model = prf('a vector', dimensions);
  const every = (change: (x: number, i: number) => number) => model.map(change);
  const bits = (of: (i: number) => number) => fromBits(Array.from({ length: dimensions }, (_, i) => of(i)));
  const float16 = cut(model, 11);
  const bfloat16 = cut(model, 8);
  return {
    'as a model makes them': model,
    'all zero': new Float32Array(dimensions),
    'minus zero': every(() => -0),
    'all the same': every(() => 0.125),
    'one outlier': every((x, i) => (i === 0 ? 1e30 : x)),
    'some dimensions near 1e-33': every((x, i) => (i % 97 === 0 ? x * 1e-32 : x)),
    'more outliers than patches': every((x, i) => (i % 3 === 0 ? x * 1e-30 : x)),
    subnormal: bits((i) => (i * 2654435761) & 0x807fffff),
    'not numbers, with payloads': bits((i) => 0x7f800001 | ((i * 2654435761) & 0x807fffff)),
    'one in forty not a number': every((x, i) => (i % 40 === 7 ? Number.NaN : x)),
    infinities: every((x, i) => (i % 2 === 0 ? Number.POSITIVE_INFINITY : -Math.abs(x) / 0)),
    'any bits': bits((i) => Math.imul(i + 1, 2654435761) ^ Math.imul(i, 40503)),
    'cast from float16': float16,
    'cast from bfloat16': bfloat16,
    'mostly zero': every((x, i) => (i % 11 === 0 ? x : 0)),
    'float16 times a scale': withZeros(float16.map((x) => x * 1.0437261)),
    'bfloat16 times a scale': bfloat16.map((x) => x * 0.8112345),
    'scaled twice': withZeros(float16.map((x) => Math.fround(x * 0.6180339) * 1.7320508)),
    'scaled twice, and one element three units off': float16.map((x, i) => {
      const scaled = Math.fround(Math.fround(x * 0.6180339) * 1.7320508);
      return i === dimensions >> 1 ? scaled * (1 + 3 * 2 ** -23) : scaled;
    }),
    'few bits, near the largest float32s': cut(
      every((x) => x * Math.sqrt(dimensions) * 2 ** 126),
      11,
    ),
    'few bits, near the subnormals': cut(
      every((x) => x * Math.sqrt(dimensions) * 2 ** -127),
      11,
    ),
    'float16 with outliers, scaled': float16.map((x, i) => (i % 40 === 7 ? x * 2 ** -40 : x) * 1.0437261),
    'cast from float16, with what no float16 is': float16.map((x, i) =>
      i % 50 === 3 ? Number.NEGATIVE_INFINITY : i % 50 === 4 ? 2 ** -149 * 2 ** 20 : x,
    ),
    'six decimals': withZeros(every((x) => Number(x.toFixed(6)))),
    'eight decimals': every((x) => Number(x.toFixed(8))),
    'three decimals, some far out': every((x, i) => Number((i % 40 === 7 ? 40 + x : x).toFixed(3))),
    integers: withZeros(every((x) => Math.round(x * 4 * Math.sqrt(dimensions)))),
    'bytes over 127': every((x) => Math.round(x * 30 * Math.sqrt(dimensions)) / 127),
    'bytes times a scale': withZeros(every((x) => Math.round(x * 30 * Math.sqrt(dimensions)) * Math.fround(0.0012345))),
    'bfloat16 scaled twice': bfloat16.map((x) => Math.fround(x * 0.6180339) * 1.7320508),
    'bfloat16 times a scale, nine decimals': bfloat16.map((x) => Number(Math.fround(x * 0.8112345).toFixed(9))),
    'bfloat16 scaled twice, nine decimals': bfloat16.map((x) => {
      const scaled = Math.fround(Math.fround(x * 0.6180339) * 1.5320508);
      return Number(scaled.toFixed(9));
    }),
    'bfloat16 times a scale, cast to float16': bfloat16.map((x) => toFloat16(x * 0.8112345)),
    'float16, seven digits': float16.map((x) => Number(x.toPrecision(7))),
  };
}

/** Without the bits behind the first `significant` ones. */
export function cut(vector: Float32Array, significant: number): Float32Array {
  const bits = new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
  return fromBits(bits.map((x) => x & (-1 << (24 - significant))));
}

/** The nearest binary16, for what is neither very small nor very large. */
function toFloat16(x: number): number {
  const unit = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -14) - 10);
  return Math.round(x / unit) * unit;
}

/** Some elements +0, some -0. */
function withZeros(vector: Float32Array): Float32Array {
  return vector.map((x, i) => (i % 29 === 3 ? 0 : i % 31 === 4 ? -0 : x));
}
