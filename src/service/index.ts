/** 'vecstash/service': the cache of an application with embeddings, searches, assets and slugs. */
export type { ServiceModel } from './embeddings.js';
export { getCacheService, resetCacheService } from './environment.js';
export {
  createImageEmbeddingKey,
  createRecentAssetsKey,
  createSearchResultsKey,
  createTextEmbeddingKey,
  type ImageEmbeddingKey,
  type RecentAssetsKey,
  type SearchResultsKey,
  type TextEmbeddingKey,
} from './keys.js';
export type { MigrationOptions, MigrationStats } from './migration.js';
export type { LoadRecentAssets, PreloadOutcome } from './preloading.js';
export { type CacheNamespace, CacheService, type CacheServiceOptions } from './service.js';
export { type ResolvedSlug, SlugCache, type SlugCacheOptions, type SlugSource } from './slug-cache.js';
export type { WarmingCallOptions, WarmingOptions, WarmingProgress, WarmingReport } from './warming.js';
