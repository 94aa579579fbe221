/** 'vecstash': the cache, and the backends that need nothing installed. */
export type {
  BackendEntry,
  BackendHealth,
  BackendLeases,
  BackendLimits,
  BackendLocks,
  BackendTouch,
  CacheBackend,
  ICacheBackend,
  ReadContext,
} from './backends/backend.js';
export type { BusListener, BusSubscription, InvalidationBus } from './backends/bus.js';
export { HybridBackend } from './backends/hybrid/hybrid.js';
export type { HybridBackendOptions, WriteBehindOptions, WriteBehindStats } from './backends/hybrid/options.js';
export { MemoryBackend, type MemoryBackendOptions } from './backends/memory/memory.js';
export { defineBackend } from './backends/shell/define-backend.js';
export type { LockStore } from './backends/shell/locks.js';
export type { BackendDefinition, RawContext, RawPage, RawReadContext, RawStore } from './backends/shell/raw-store.js';
export type { Awaitable } from './backends/shell/requests.js';
export type { AnswerForm, AnswerForms } from './cache/answers.js';
export { type Cache, type CacheHealth, type CacheStats, createCache } from './cache/cache.js';
export type { EmbedCallOptions, Embeddings } from './cache/embeddings.js';
export type { RateLimitOptions } from './cache/fill/rate-limit.js';
export type { RetryOptions } from './cache/fill/retries.js';
export type { CacheOptions, EmbeddingsOptions, EmbedFunction, Logger, ValuesOptions } from './cache/options.js';
export type { NamespaceStats } from './cache/stats.js';
export type { ComputeOptions, ValueCallOptions, Values } from './cache/values.js';
export type { Compression } from './codec/modes.js';
export type { Precision } from './codec/vectors.js';
export {
  BackendError,
  BackendLimitError,
  ClosedError,
  CorruptRecordError,
  EmbedError,
  EngineError,
  InvalidInputError,
  InvalidOptionError,
  NestedCallError,
  PartialFailureError,
  VecstashError,
} from './errors.js';
export {
  type BreakerEvent,
  CHANNELS,
  type DriftEvent,
  type Events,
  type FailureEvent,
  type LookupEvent,
  type ModelEvent,
  type Outcome,
  type QueueEvent,
  type TiersEvent,
  type WriteEvent,
} from './events.js';
export type { Identity } from './keys/digest.js';
export type { Model } from './keys/fingerprint.js';
export type { Secret } from './keys/secrets.js';
export type { AdaptiveTtlOptions } from './policies/adaptive-ttl.js';
export { RecordSpans } from './record-spans.js';
export type { Ttl } from './ttl.js';
