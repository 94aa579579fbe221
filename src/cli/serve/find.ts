import { cachedLookup } from '../../adapters/openai/cached-create.js';
import type { Cache } from '../../cache/cache.js';
import type { Compression } from '../../codec/modes.js';
import type { Find } from './embeddings-route.js';

export interface FindOptions {
  cache: Cache;
  namespace: string;
  ttl: number | undefined;
  retries: number;
  compression: Compression;
  provider: string;
}

/** Looks vectors up, and asks for what is missing. */
export function createFind({ cache, namespace, ttl, retries, compression, provider }: FindOptions): Find {
  const lookUp = cachedLookup(cache, namespace, { ttl, compression, retry: { retries } });
  return (request, { identity, ...call }, form) =>
    lookUp(request, { ...call, provider: identity === undefined ? provider : `${provider} ${identity}` }, form);
}
