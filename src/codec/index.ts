/** 'vecstash/codec': the record format by itself. */

export type { EngineChoice } from './engine/select.js';
export type { CorruptReason } from './engine/status.js';
export type { Compression } from './modes.js';
export { type DictionaryOptions, trainDictionary } from './train.js';
export { createValueCodec, type ValueCodec, type ValueCodecOptions } from './values.js';
export {
  createVectorCodec,
  type OnRefused,
  type Precision,
  type VectorCodec,
  type VectorCodecOptions,
} from './vectors.js';
