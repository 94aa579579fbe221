import { cachedLookup } from '../../adapters/openai/cached-create.js';
import type { Cache } from '../../cache/cache.js';
import type { Compression } from '../../codec/modes.js';
import type { Find } from './embeddings-route.js';

export interface FindOptions {
  cache: Cache;
  namespace: string;
  ttl: number | undefined;
  retries: number;
  /** How long a request may take. */
  timeoutMs: number;
  compression: Compression;
  provider: string;
}

/** The longest pause before the upstream is asked again, in milliseconds. */
const MAX_PAUSE = 30_000;

/** Looks vectors up, and asks for what is missing. */
export function createFind({ cache, namespace, ttl, retries, timeoutMs, compression, provider }: FindOptions): Find {
  // A longer pause would outlast the request, whose caller is told of the error instead.
  const retry = { retries, maxDelay: Math.min(MAX_PAUSE, timeoutMs), budget: timeoutMs };
  const lookUp = cachedLookup(cache, namespace, { ttl, compression, retry });
  return (request, { identity, ...call }, form) =>
    lookUp(request, { ...call, provider: `${provider} ${identity}`.trimEnd() }, form);
}
