import { readFileSync, writeFileSync } from 'node:fs';

/** Files of vectors in NumPy's format: little-endian float32s in C order, one vector a row. */
const MAGIC = '\x93NUMPY';

export function readNpy(file: string): Float32Array[] {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, start);
  const [, dimensions] = /\(\d+, (\d+)\)/.exec(header) ?? [];
  const sound =
    bytes.toString('latin1', 0, 7) === `${MAGIC}\x01` && /'<f4'/.test(header) && /order': False/.test(header);
  if (!sound || dimensions === undefined) throw new Error(`${file}: expected rows of float32s in C order`);
  const floats = new Float32Array(new Uint8Array(bytes.subarray(start)).buffer);
  return Array.from({ length: floats.length / Number(dimensions) }, (_, i) =>
    floats.subarray(i * Number(dimensions), (i + 1) * Number(dimensions)),
  );
}

export function writeNpy(file: string, vectors: readonly Float32Array[]): void {
  const shape = `(${vectors.length}, ${vectors[0]?.length})`;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`;
  const header = `${text.padEnd(117)}\n`;
  const preamble = Buffer.from(`${MAGIC}\x01\x00\0\0${header}`, 'latin1');
  preamble.writeUInt16LE(header.length, 8);
  writeFileSync(file, Buffer.concat([preamble, ...vectors.map((vector) => new Uint8Array(vector.slice().buffer))]));
}
