import { gaussianVectors } from '../../vectors.js';
import type { Model } from './peer.js';

export const COUNT = 1000;
export const DIMENSIONS = 768;
const SEED = 20261122;
/** Of ten texts, one is new in a lookup with 10 % misses. */
const NEW_IN = 10;

/** One table for all models: a large heap makes each collection dearer. */
const VECTORS = gaussianVectors(COUNT, DIMENSIONS, SEED);
const ARRAYS = VECTORS.map((vector) => Array.from(vector));

/** A model that answers at once: a text names the place of its vector. How many it was asked for is counted. */
export class TableModel implements Model {
  asked = 0;

  vectors = async (texts: string[]): Promise<Float32Array[]> => {
    this.asked += texts.length;
    return texts.map((text) => this.vectorOf(text));
  };

  arrays = async (texts: string[]): Promise<number[][]> => {
    this.asked += texts.length;
    return texts.map((text) => ARRAYS[placeOf(text)] as number[]);
  };

  vectorOf(text: string): Float32Array {
    return VECTORS[placeOf(text)] as Float32Array;
  }
}

/** The texts that are stored. */
export const STORED = textsOf('number');

/** Texts nobody has asked for. */
export function newTexts(round: number): string[] {
  return textsOf(`new in round ${round}, number`);
}

/** Stored texts, a tenth of them replaced by new ones. */
export function partlyNewTexts(round: number): string[] {
  const fresh = textsOf(`partly new in round ${round}, number`);
  return STORED.map((text, i) => (i % NEW_IN === 0 ? (fresh[i] as string) : text));
}

function textsOf(kind: string): string[] {
  return Array.from({ length: COUNT }, (_, i) => `a short passage of text as a search box would send it, ${kind} ${i}`);
}

function placeOf(text: string): number {
  return Number(text.slice(text.lastIndexOf(' ')));
}
