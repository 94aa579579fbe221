import { trainProfile } from '../../src/codec/profiles.js';
import { prf } from './prf.js';

/** The vector of a text as of a model whose dimensions have means, of which `model` tells one from another. */
export function nearMean(text: string, dimensions: number, model = 'model'): Float32Array {
  const mean = prf(model, dimensions);
  const noise = prf(text, dimensions);
  return mean.map((x, d) => x + (noise[d] as number) / 4);
}

/** A profile of such vectors. */
export function profileOf(dimensions: number, model = 'model'): Uint8Array {
  return trainProfile(Array.from({ length: 32 }, (_, i) => nearMean(`trained ${i}`, dimensions, model)));
}
