/** What the vectors of the canaries were, and how much they differ of themselves. */
export interface Baseline {
  /** Means of several rounds, one canary after the other. */
  vectors: Float32Array;
  dimensions: number;
  /** The root mean square distance of a vector from its text's mean, as a share of its length. */
  noise: number;
}

/** What a round says against the baseline. */
export interface Comparison {
  /**
   * The median over all canaries of how far each moved, as a share of its length: for small ones
   * `sqrt(2 - 2 cosine)` where lengths are equal. Infinity where the dimensions are others.
   */
  distance: number;
  /** From where on a canary has moved. */
  limit: number;
  /** How many have. */
  moved: number;
  /** Whether enough have. */
  isSuspicious: boolean;
}

/** How often each canary is embedded for a baseline. */
export const ROUNDS = 4;

/** No canary has moved that is nearer than this (a cosine of 0.99995), however little the noise is. */
const FLOOR = 0.01;

/** By how many times the noise a canary must have moved. */
const FACTOR = 8;

/** The share of the canaries that must have moved. */
const QUORUM = 1 / 4;

/** With more noise than this nothing could be told from it. */
export const MAX_NOISE = 0.05;

/** Beyond the limit of every baseline: what is as far away as that is no noise. */
const FAR = FACTOR * MAX_NOISE;

/**
 * The baseline of rounds of vectors, each with a vector for each canary. Undefined where they differ
 * too much from one another, or in their dimensions.
 */
export function baselineOf(rounds: readonly (readonly Float32Array[])[]): Baseline | undefined {
  const first = rounds[0] as readonly Float32Array[];
  const dimensions = first[0]?.length ?? 0;
  if (rounds.some((round) => round.some(({ length }) => length !== dimensions))) return undefined;
  const vectors = new Float32Array(first.length * dimensions);
  let squares = 0;
  for (let i = 0; i < first.length; i++) {
    const mean = vectors.subarray(i * dimensions, (i + 1) * dimensions);
    for (let j = 0; j < dimensions; j++) {
      mean[j] = rounds.reduce((sum, round) => sum + (round[i]?.[j] as number), 0) / rounds.length;
    }
    for (const round of rounds) squares += distanceOf(round[i] as Float32Array, mean) ** 2;
  }
  // One degree of freedom a canary went into its mean.
  const noise = Math.sqrt(squares / (first.length * (rounds.length - 1)));
  return noise <= MAX_NOISE ? { vectors, dimensions, noise } : undefined;
}

/**
 * @param round a vector for each canary
 * @param before those of the look before. What moved must still be near where it was then, as a
 * changed model is and noise, whose directions are random, is not; or be farther off than any noise
 */
export function compare(
  { vectors, dimensions, noise }: Baseline,
  round: readonly Float32Array[],
  before?: readonly Float32Array[],
): Comparison {
  const limit = limitOf(noise);
  const count = vectors.length / dimensions;
  const distances = Array.from({ length: count }, (_, i) => {
    const vector = round[i];
    if (vector?.length !== dimensions) return Number.POSITIVE_INFINITY;
    return distanceOf(vector, vectors.subarray(i * dimensions, (i + 1) * dimensions));
  });
  const isSteady = (distance: number, i: number) =>
    !before || distance > FAR || distanceOf(round[i] as Float32Array, before[i] as Float32Array) < distance / 2;
  const moved = distances.filter((distance, i) => distance > limit && isSteady(distance, i)).length;
  const distance = distances.sort((a, b) => a - b)[count >> 1] as number;
  return { distance, limit, moved, isSuspicious: moved >= count * QUORUM };
}

/** From where on a canary has moved, with so much noise. */
export function limitOf(noise: number): number {
  return Math.max(FLOOR, FACTOR * noise);
}

/** How far `vector` is from `from`, as a share of the length of that. */
function distanceOf(vector: Float32Array, from: Float32Array): number {
  let squares = 0;
  let length = 0;
  for (let j = 0; j < from.length; j++) {
    const x = from[j] as number;
    squares += ((vector[j] as number) - x) ** 2;
    length += x * x;
  }
  return Math.sqrt(squares / length);
}
