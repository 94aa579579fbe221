import { createVectorCodec, type Precision } from 'vecstash/codec';

/** Every precision that is measured, by its name. */
export const PRECISIONS: Record<string, Precision> = {
  exact: 'exact',
  'maxError 1e-7': { maxError: 1e-7 },
  'maxError 1e-6': { maxError: 1e-6 },
  'maxError 1e-5': { maxError: 1e-5 },
  'maxError 1.25e-4': { maxError: 1.25e-4 },
  'maxError 5e-4': { maxError: 5e-4 },
  'maxError 2e-3': { maxError: 2e-3 },
  float16: 'float16',
  int8: 'int8',
};

/** Keys of the length that lookups have. */
export function keysFor(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `bench:v1:codec:AAAAAAAAAAAAAAAA:${String(i).padStart(22, '0')}`);
}

/** A set as records, and read back. */
export interface Stored {
  records: Uint8Array[];
  decoded: Float32Array[];
  bytesPerVector: number;
  /** 4 x dimensions / whole record. */
  ratio: number;
}

export function store(vectors: Float32Array[], precision: Precision, engine: 'auto' | 'portable' = 'auto'): Stored {
  const dimensions = vectors[0]?.length ?? 0;
  const codec = createVectorCodec({ dimensions, precision, engine });
  const keys = keysFor(vectors.length);
  const records = codec.encodeMany(keys, vectors);
  const decoded = codec.decodeMany(keys, records).map((vector) => {
    if (vector === undefined) throw new Error('a record that was just made was refused');
    return vector;
  });
  const bytesPerVector = records.reduce((sum, { length }) => sum + length, 0) / records.length;
  return { records, decoded, bytesPerVector, ratio: (4 * dimensions) / bytesPerVector };
}
