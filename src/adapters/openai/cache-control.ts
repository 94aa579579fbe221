import type { EmbedCallOptions } from '../../cache/embeddings.js';

/**
 * What the `Cache-Control` among a request's headers (an object, pairs, or `Headers`) asks of the
 * cache: `no-cache` to ask the model anew and store what it answers, `no-store` to be left out.
 */
export function cacheControl(headers: unknown): Pick<EmbedCallOptions, 'refresh' | 'bypass'> {
  const { get } = (headers ?? {}) as Partial<Headers>;
  const entries: [unknown, unknown][] = Array.isArray(headers) ? headers : Object.entries(headers ?? {});
  const given =
    typeof get === 'function'
      ? get.call(headers, 'cache-control')
      : entries.find(([name]) => /^cache-control$/i.test(String(name)))?.[1];
  const bypass = /\bno-store\b/i.test(String(given));
  return { refresh: !bypass && /\bno-cache\b/i.test(String(given)), bypass };
}
