import type { BackendEntry } from '../../src/backends/backend.js';

/** An entry of four equal bytes. */
export const entry = (key: string, fill = 1): BackendEntry => ({ key, value: new Uint8Array(4).fill(fill) });

export const keysOf = (count: number, prefix = 'k:') => Array.from({ length: count }, (_, index) => prefix + index);

/** Records as arrays of numbers, which compare whatever class they were. */
export const plain = (records: readonly (Uint8Array | undefined)[]) => records.map((record) => record && [...record]);
