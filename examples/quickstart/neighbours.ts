/** A text, and how alike its vector is: the cosine, 1 for the same direction. */
export interface Neighbour {
  text: string;
  similarity: number;
}

/** The `most` texts whose vectors are nearest to `vector`, the nearest first. */
export function nearest(
  vector: Float32Array,
  texts: readonly string[],
  vectors: readonly Float32Array[],
  most: number,
): Neighbour[] {
  return texts
    .map((text, i) => ({ text, similarity: cosine(vector, vectors[i] as Float32Array) }))
    .sort((a, b) => b.similarity - a.similarity)
    .slice(0, most);
}

/** From -1 to 1; NaN where a vector is all zeros. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, ofA, ofB] = [0, 0, 0];
  a.forEach((x, i) => {
    const y = b[i] as number;
    dot += x * y;
    ofA += x * x;
    ofB += y * y;
  });
  return dot / Math.sqrt(ofA * ofB);
}
