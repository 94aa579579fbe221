import type { VectorSet } from '../../sets.js';
import type { FigureTable } from '../../tables.js';
import { store } from './precisions.js';

/** The names of docs/format.md section 2. */
const MODE_NAMES: Record<number, string> = {
  0: 'raw',
  8: 'planes',
  16: 'exponent',
  32: 'grid',
  40: 'profiled',
  48: 'steps',
  49: 'decimal',
  50: 'multiples',
  56: 'profiled steps',
  57: 'profiled decimal',
  58: 'profiled multiples',
  64: 'float16',
  65: 'int8',
};

/** What exact records take, and that nothing was lost. */
export function sizesTable(sets: VectorSet[], skipped: string[]): FigureTable {
  const rows = sets.map(({ name, vectors }) => {
    const { records, decoded, bytesPerVector, ratio } = store(vectors, 'exact');
    const portable = store(vectors, 'exact', 'portable');
    for (const found of [decoded, portable.decoded]) {
      if (!found.every((vector, i) => bitsOf(vector).equals(bitsOf(vectors[i] as Float32Array))))
        throw new Error(`${name}: an exact record gave back something else`);
    }
    return {
      set: name,
      vectors: vectors.length,
      modes: modesOf(records),
      raw: 4 * (vectors[0]?.length ?? 0),
      bytesPerVector,
      ratio,
      portableRatio: portable.ratio,
    };
  });
  return {
    id: 'sizes',
    title: 'Exact records, bit for bit (ratio: 4 x dimensions / whole record, header included)',
    columns: [
      { key: 'set', head: 'set' },
      { key: 'vectors', head: 'vectors' },
      { key: 'modes', head: 'form' },
      { key: 'raw', head: 'raw bytes' },
      { key: 'bytesPerVector', head: 'bytes a record', digits: 1 },
      { key: 'ratio', head: 'ratio', digits: 3 },
      { key: 'portableRatio', head: 'ratio, portable engine', digits: 3 },
    ],
    rows,
    skipped,
  };
}

/** How many records took which form; the number is left out where all took one. */
export function modesOf(records: Uint8Array[]): string {
  const counts = new Map<string, number>();
  for (const record of records) {
    const name = MODE_NAMES[record[2] as number] ?? 'another';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  if (counts.size === 1) return [...counts.keys()].join();
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
}

function bitsOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
