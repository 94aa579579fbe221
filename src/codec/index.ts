/** 'vecstash/codec': the record format by itself. */

export type { Compression } from './modes.js';
export type { EngineChoice } from './select.js';
export type { CorruptReason } from './status.js';
export { type DictionaryOptions, trainDictionary } from './train.js';
export { createValueCodec, type ValueCodec, type ValueCodecOptions } from './values.js';
export {
  createVectorCodec,
  type OnRefused,
  type Precision,
  type VectorCodec,
  type VectorCodecOptions,
} from './vectors.js';
