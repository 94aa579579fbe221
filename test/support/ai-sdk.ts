import { wrapEmbeddingModel } from 'ai';
import { MockEmbeddingModelV3 } from 'ai/test';
import { type EmbeddingCacheOptions, embeddingCache } from '../../src/adapters/ai-sdk/ai-sdk.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { prf } from './prf.js';

type MockOptions = NonNullable<ConstructorParameters<typeof MockEmbeddingModelV3>[0]>;
export type Asked = Parameters<Extract<MockOptions['doEmbed'], (...args: never) => unknown>>[0];

export const vectorOf = (text: string, dimensions = 16) => [...prf(text, dimensions)];
/** In proportion to bytes, by which the cache splits the sum of a call. */
export const tokensOf = (text: string) => Buffer.byteLength(text) || 1;

/** A model whose vectors tell what it was asked for. */
export function mock(options: MockOptions = {}) {
  return new MockEmbeddingModelV3({
    maxEmbeddingsPerCall: 100,
    supportsParallelCalls: true,
    doEmbed: async ({ values, providerOptions }) => ({
      embeddings: values.map((text) => vectorOf(text, Number(providerOptions?.mock?.dimensions ?? 16))),
      usage: { tokens: values.reduce((sum, text) => sum + tokensOf(text), 0) },
      providerMetadata: { mock: { asked: values.length } },
      response: { headers: { first: values[0] as string } },
      warnings: [],
    }),
    ...options,
  });
}

export const open = (options: Partial<EmbeddingCacheOptions> = {}, inner = mock()) => {
  const middleware = embeddingCache({ backend: options.cache ? undefined : new MemoryBackend(), ...options });
  return { inner, middleware, model: wrapEmbeddingModel({ model: inner, middleware }) };
};

export const askedOf = (inner: MockEmbeddingModelV3) => inner.doEmbedCalls.map(({ values }) => values);
