import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SENTENCES } from './sentences.js';

/** 778 passages of the SAP Fiori documentation with the vectors that all-MiniLM-L6-v2 made of them (Apache-2.0). */
export interface RecordedTexts {
  texts: string[];
  /** What the passages are called, each once: short texts, a line each. */
  titles: string[];
  /** The recorded vector of a text. */
  vectorOf(text: string): Float32Array;
  model: string;
  dimensions: number;
}

/** Short texts to embed: everyday sentences, then the titles of the recorded passages, each once. */
export function loadTexts(): string[] {
  return [...SENTENCES, ...loadRecordedTexts().titles];
}

/** Reads the npm package's files themselves: its own entry needs a newer Node. */
export function loadRecordedTexts(): RecordedTexts {
  const packageJson = createRequire(import.meta.url).resolve('@sap-ux/fiori-docs-embeddings/package.json');
  const folder = join(dirname(packageJson), 'data', 'embeddings');
  const { model, dimensions } = JSON.parse(readFileSync(join(folder, 'metadata.json'), 'utf8'));
  const records = readFileSync(join(folder, 'records.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): { content: string; title: string } => JSON.parse(line));
  const texts = records.map(({ content }) => content);
  const floats = new Float32Array(new Uint8Array(readFileSync(join(folder, 'embeddings.bin'))).buffer);
  const places = new Map(texts.map((text, i) => [text, i]));
  return {
    texts,
    titles: [...new Set(records.map(({ title }) => title.trim()))],
    model,
    dimensions,
    vectorOf(text) {
      const place = places.get(text);
      if (place === undefined) throw new Error('no vector was recorded for this text');
      return floats.subarray(place * dimensions, (place + 1) * dimensions);
    },
  };
}
