import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readNpy } from '../../bench/npy.js';

/** The vectors of a file in the folder `shared/data` beside the checkout; undefined where it is not there. */
export function realVectors(name: string): Float32Array[] | undefined {
  const path = fileURLToPath(new URL(`../../../shared/data/${name}.npy`, import.meta.url));
  return existsSync(path) ? readNpy(path) : undefined;
}
