import type { Precision } from '../../src/codec/modes.js';
import { createVectorCodec, type VectorCodecOptions } from '../../src/codec/vectors.js';
import type { EngineName } from './engines.js';
import { MODE } from './modes.js';
import { vectorKinds } from './vector-kinds.js';

/** A record, what it was made of, and for whom. */
export interface ModeRecord {
  mode: number;
  kind: string;
  precision: Precision;
  vector: Float32Array;
  record: Uint8Array;
}

/** Every mode, in each of the forms that it has: a name, a kind of vector, and the options that lead there. */
const FORMS: [string, number, string, Partial<VectorCodecOptions>][] = [
  ['raw', MODE.raw, 'as a model makes them', { compression: 'none' }],
  ['planes', MODE.planes, 'mostly zero', { compression: 'zstd' }],
  ['planes, lz4', MODE.planes, 'all the same', { compression: 'lz4' }],
  ['exponent', MODE.exponent, 'as a model makes them', {}],
  ['grid', MODE.grid, 'cast from float16', {}],
  ['grid, patched', MODE.grid, 'cast from float16, with what no float16 is', {}],
  ['grid, scaled', MODE.grid, 'bfloat16 times a scale', {}],
  ['grid, scaled and patched', MODE.grid, 'float16 with outliers, scaled', {}],
  ['grid, residual', MODE.grid, 'scaled twice', {}],
  ['steps, fine', MODE.steps, 'as a model makes them', { precision: { maxError: 1e-6 } }],
  ['steps, coarse', MODE.steps, 'six decimals', { precision: { maxError: 1e-2 } }],
  ['steps, patched', MODE.steps, 'three decimals, some far out', { precision: { maxError: 0.5 } }],
  ['decimal', MODE.decimal, 'eight decimals', {}],
  ['decimal, minus zero', MODE.decimal, 'six decimals', {}],
  ['multiples', MODE.multiples, 'bytes times a scale', {}],
  ['multiples, integers', MODE.multiples, 'integers', {}],
  ['grid, rounded to decimals', MODE.grid, 'bfloat16 times a scale, nine decimals', {}],
  ['grid, rounded to digits', MODE.grid, 'float16, seven digits', {}],
  ['grid, rounded to float16', MODE.grid, 'bfloat16 times a scale, cast to float16', {}],
  ['float16', MODE.float16, 'as a model makes them', { precision: 'float16' }],
  ['float16, patched', MODE.float16, 'one outlier', { precision: 'float16' }],
  ['int8', MODE.int8, 'as a model makes them', { precision: 'int8' }],
  ['int8, patched', MODE.int8, 'cast from float16, with what no float16 is', { precision: 'int8' }],
];

/** One record of every mode and form, by its name. Throws where one comes out in another mode than it is here for. */
export function modeRecords(engine: EngineName, key: string, dimensions: number): Map<string, ModeRecord> {
  const kinds = vectorKinds(dimensions);
  return new Map(
    FORMS.map(([name, mode, kind, options]) => {
      const vector = kinds[kind] as Float32Array;
      const codec = createVectorCodec({ ...options, dimensions, engine });
      const record = (codec.encodeMany([key], [vector])[0] as Uint8Array).slice();
      if (record[2] !== mode) throw new Error(`${engine}: ${name}: a record of mode ${record[2]}`);
      return [name, { mode, kind, precision: options.precision ?? 'exact', vector, record }];
    }),
  );
}
