import { gaussianVectors } from './vectors.js';

/** The forms in which models and their clients hand vectors out, made from float32s that have none. */
export type Make = (vector: Float32Array, index: number) => Float32Array;

export const float32: Make = (vector) => vector;

/** What a model in float16 gives. */
export const float16: Make = (vector) => vector.map(half);

/** What a model in bfloat16 gives. */
export const bfloat16: Make = (vector) => vector.map((x) => significant(x, 8));

/** Float16 divided by its length, as OpenAI's are. Each vector had another length before. */
export const scaledFloat16: Make = (vector, index) => {
  const halves = vector.map((x) => half(x * (8 + ((index * 0.618) % 8))));
  const length = Math.hypot(...halves);
  return halves.map((x) => x / length);
};

/** What went through JSON with six decimals. */
export const sixDecimals: Make = (vector) => vector.map((x) => Math.round(x * 1e6) / 1e6);

export function madeVectors(count: number, dimensions: number, make: Make, seed = 20261122): Float32Array[] {
  return gaussianVectors(count, dimensions, seed).map(make);
}

const LEAST_NORMAL_HALF = 2 ** -14;
const LEAST_HALF = 2 ** -24;

function half(x: number): number {
  return Math.abs(x) < LEAST_NORMAL_HALF ? Math.round(x / LEAST_HALF) * LEAST_HALF : significant(x, 11);
}

/** `x` with so many significant bits: Veltkamp's way of splitting a double. */
function significant(x: number, bits: number): number {
  const large = x * (2 ** (53 - bits) + 1);
  return large - (large - x);
}
