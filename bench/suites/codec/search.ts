/** Search by brute force, each vector asking for the nearest of the others. */
const NEIGHBOURS = 10;

/** The places of the nearest ten by cosine of each vector, itself left out. */
export function nearest(vectors: Float32Array[]): number[][] {
  const units = vectors.map((vector) => {
    const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    return Float64Array.from(vector, (x) => x / length);
  });
  const count = units.length;
  const cosines = new Float64Array(count * count).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      const cosine = dot(units[i] as Float64Array, units[j] as Float64Array);
      cosines[i * count + j] = cosine;
      cosines[j * count + i] = cosine;
    }
  }
  return units.map((_, i) => {
    const row = cosines.subarray(i * count, (i + 1) * count);
    const places = Array.from(row.keys());
    return places.sort((a, b) => (row[b] as number) - (row[a] as number) || a - b).slice(0, NEIGHBOURS);
  });
}

/** Which share of the true neighbours was found. */
export function recall(truth: number[][], found: number[][]): number {
  const hits = truth.reduce((sum, places, i) => sum + places.filter((place) => found[i]?.includes(place)).length, 0);
  return hits / truth.reduce((sum, places) => sum + places.length, 0);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
