/** 'vecstash/codec': the record format by itself. */

export type { EngineChoice } from './codec/engine/select.js';
export type { CorruptReason } from './codec/engine/status.js';
export type { Compression } from './codec/modes.js';
export { trainProfile } from './codec/profiles.js';
export {
  createVectorCodec,
  type OnRefused,
  type Precision,
  type VectorCodec,
  type VectorCodecOptions,
} from './codec/vectors.js';
export { createValueCodec, type ValueCodec, type ValueCodecOptions } from './values/codec.js';
export { type DictionaryOptions, trainDictionary } from './values/train.js';
