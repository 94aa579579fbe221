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
    infinities: every((x, i) => (i % 2 === 0 ? Number.POSITIVE_INFINITY : -Math.abs(x) / 0)),
    'any bits': bits((i) => Math.imul(i + 1, 2654435761) ^ Math.imul(i, 40503)),
    'cast from float16': bits((i) => (new Uint32Array(model.buffer)[i] as number) & 0xffffe000),
    'cast from bfloat16': bits((i) => (new Uint32Array(model.buffer)[i] as number) & 0xffff0000),
    'mostly zero': every((x, i) => (i % 11 === 0 ? x : 0)),
  };
}
