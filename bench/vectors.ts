/** Seeded inputs: the same on every machine, and no compressor's friend. */

/** Numbers in [0, 1), by mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 0x100000000;
  };
}

/** Unit vectors of independent Gaussian elements, full float32s: what CLIP's and MiniLM's look like to a compressor. */
export function gaussianVectors(count: number, dimensions: number, seed: number): Float32Array[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => {
    const vector = Float32Array.from({ length: dimensions }, () => {
      return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    });
    const norm = Math.hypot(...vector);
    return vector.map((x) => x / norm);
  });
}

/** Short texts, each different. */
export function texts(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `a short passage of text, number ${i}, as a search box would send it`);
}
