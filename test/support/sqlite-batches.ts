import { createHash } from 'node:crypto';
import type { BackendEntry } from '../../src/backends/backend.js';

/** The value that belongs under a key, of a length that belongs to it too: whoever knows the key can check the value. */
export function recordOf(key: string): Buffer {
  const seed = createHash('sha256').update(key).digest();
  const length = seed.readUInt16LE(0) % 5000;
  return Buffer.alloc(length, seed);
}

/** The entries of a worker's batch. Half of them live for an hour, some for no time worth the name. */
export function batchOf(worker: number, batch: number, count: number): BackendEntry[] {
  return Array.from({ length: count }, (_, index) => {
    const key = `${worker}:${batch}:${index}`;
    const life = index % 10 === 9 ? { ttlMs: 1 } : index % 2 === 0 ? { ttlMs: 3_600_000 } : {};
    return { key, value: recordOf(key), ...life };
  });
}
