import type { VectorSet } from '../../sets.js';
import type { FigureTable } from '../../tables.js';
import { PRECISIONS, store } from './precisions.js';
import { nearest, recall } from './search.js';
import { modesOf } from './sizes.js';

/** What each precision takes, and what it costs in accuracy and in search. */
export function lossesTable(sets: VectorSet[], skipped: string[]): FigureTable {
  const rows = sets.flatMap(({ name, vectors, isReal }) => {
    const truth = isReal ? nearest(vectors) : undefined;
    return Object.entries(PRECISIONS).map(([precision, option]) => {
      const { records, decoded, bytesPerVector, ratio } = store(vectors, option);
      const found = truth && { recall: precision === 'exact' ? 1 : recall(truth, nearest(decoded)) };
      return {
        set: name,
        precision,
        modes: modesOf(records),
        bytesPerVector,
        ratio,
        ...errors(vectors, decoded),
        ...found,
      };
    });
  });
  return {
    id: 'losses',
    title: 'Precisions: what a vector takes and what comes back (recall@10 of real sets, both sides decoded)',
    columns: [
      { key: 'set', head: 'set' },
      { key: 'precision', head: 'precision' },
      { key: 'modes', head: 'form' },
      { key: 'bytesPerVector', head: 'bytes a record', digits: 1 },
      { key: 'ratio', head: 'ratio', digits: 2 },
      { key: 'maxError', head: 'largest error', digits: 'power' },
      { key: 'cosineDistance', head: 'largest 1 - cos', digits: 'power' },
      { key: 'recall', head: 'recall@10', digits: 4 },
    ],
    rows,
    skipped,
  };
}

/** The largest error of any element, and the largest 1 - cos of a vector with itself. */
function errors(vectors: Float32Array[], decoded: Float32Array[]): { maxError: number; cosineDistance: number } {
  let maxError = 0;
  let cosineDistance = 0;
  vectors.forEach((vector, v) => {
    const other = decoded[v] as Float32Array;
    let distance = 0;
    let lengths = 0;
    let product = 0;
    for (let i = 0; i < vector.length; i++) {
      const a = vector[i] as number;
      const b = other[i] as number;
      maxError = Math.max(maxError, Math.abs(a - b));
      distance += (a - b) * (a - b);
      lengths += a * a - b * b;
      product += a * a;
    }
    // 1 - ab / (|a| |b|) without taking numbers near 1 from each other: |a - b|^2 - (|a| - |b|)^2 = 2 (|a| |b| - ab).
    const length = Math.sqrt(product);
    const otherLength = Math.sqrt(product - lengths);
    const lengthDifference = lengths / (length + otherLength);
    const twice = distance - lengthDifference * lengthDifference;
    cosineDistance = Math.max(cosineDistance, twice / (2 * length * otherLength));
  });
  return { maxError, cosineDistance };
}
