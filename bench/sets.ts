import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadRecordedTexts } from '../examples/quickstart/texts.js';
import { bfloat16, float16, float32, madeVectors, scaledFloat16, sixDecimals } from './made.js';
import { readNpy } from './npy.js';

/** Vectors to measure with. */
export interface VectorSet {
  name: string;
  vectors: Float32Array[];
  /** Whether a model made them, of texts. */
  isReal: boolean;
}

/** Where further real sets lie, if there are any: a folder `shared/data` beside the checkout. */
const FOLDER = new URL('../../shared/data/', import.meta.url);
const FILES = [
  { name: 'e5-small, 384', file: 'e5-small-384.npy' },
  { name: 'text-embedding-3-large, 3072', file: 'text-embedding-3-large.npy' },
];

export function realSets(): { sets: VectorSet[]; skipped: string[] } {
  const sets: VectorSet[] = [{ name: 'MiniLM, 384', vectors: recorded(), isReal: true }];
  const skipped: string[] = [];
  for (const { name, file } of FILES) {
    const path = fileURLToPath(new URL(file, FOLDER));
    if (existsSync(path)) sets.push({ name, vectors: readNpy(path), isReal: true });
    else skipped.push(`skipped: ${file} is not here`);
  }
  return { sets, skipped };
}

function recorded(): Float32Array[] {
  const { texts, vectorOf } = loadRecordedTexts();
  return texts.map(vectorOf);
}

/** Made ones, each kind by its name: what the gate holds sizes of. */
export function madeSets(): VectorSet[] {
  return [
    { name: 'made float32, 768', vectors: madeVectors(500, 768, float32), isReal: false },
    { name: 'made scaled float16, 1536', vectors: madeVectors(250, 1536, scaledFloat16), isReal: false },
    { name: 'made scaled float16, 3072', vectors: madeVectors(125, 3072, scaledFloat16), isReal: false },
    { name: 'made float16, 768', vectors: madeVectors(500, 768, float16), isReal: false },
    { name: 'made bfloat16, 768', vectors: madeVectors(500, 768, bfloat16), isReal: false },
    { name: 'made six decimals, 768', vectors: madeVectors(500, 768, sixDecimals), isReal: false },
  ];
}
