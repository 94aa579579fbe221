import { createHash } from 'node:crypto';

/**
 * vector = PRF(text): every vector can be checked by whoever knows the text, so that a wrong one is always seen. Finite, about
 * length 1, never all zero.
 */
export function prf(text: string, dimensions: number): Float32Array {
  let state = createHash('sha256').update(text).digest().readUInt32LE(0) | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x100000000;
  };
  const scale = 1 / Math.sqrt(dimensions);
  return Float32Array.from({ length: dimensions }, () => (next() + next() + next() + next() - 2) * 1.7 * scale);
}

/** The bytes of a vector: what "bit for bit" compares. */
export function bytesOf(vector: Float32Array | undefined): string {
  if (vector === undefined) return 'no vector';
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('hex');
}
