import type { VectorSet } from '../../sets.js';
import type { FigureTable } from '../../tables.js';

/** The parts of a float32 whose entropy is measured, as a shift and a mask. */
const PARTS = {
  sign: [31, 0x1],
  exponent: [23, 0xff],
  upper: [16, 0x7f],
  middle: [8, 0xff],
  low: [0, 0xff],
} as const;

/** How many bits each part of an element carries when the others are not looked at: what makes floats large is noise. */
export function factsTable(sets: VectorSet[], skipped: string[]): FigureTable {
  const rows = sets.map(({ name, vectors }) => {
    const bits = vectors.map(({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length));
    const parts = Object.entries(PARTS).map(([part, [shift, mask]]) => [part, entropy(bits, shift, mask)] as const);
    const all = parts.reduce((sum, [, part]) => sum + part, 0);
    return { set: name, vectors: vectors.length, ...Object.fromEntries(parts), all, bound: 32 / all };
  });
  return {
    id: 'facts',
    title: 'Entropy of the parts of an element, in bits, each part by itself',
    columns: [
      { key: 'set', head: 'set' },
      { key: 'vectors', head: 'vectors' },
      { key: 'sign', head: 'sign (1)', digits: 2 },
      { key: 'exponent', head: 'exponent (8)', digits: 2 },
      { key: 'upper', head: 'upper mantissa (7)', digits: 2 },
      { key: 'middle', head: 'middle (8)', digits: 2 },
      { key: 'low', head: 'low (8)', digits: 2 },
      { key: 'all', head: 'together (32)', digits: 2 },
      { key: 'bound', head: '32 / together', digits: 3 },
    ],
    rows,
    skipped,
  };
}

function entropy(vectors: Uint32Array[], shift: number, mask: number): number {
  const counts = new Float64Array(mask + 1);
  let total = 0;
  for (const vector of vectors) {
    total += vector.length;
    for (const x of vector) counts[(x >>> shift) & mask] = (counts[(x >>> shift) & mask] ?? 0) + 1;
  }
  return counts.reduce((bits, count) => (count === 0 ? bits : bits + (count / total) * Math.log2(total / count)), 0);
}
