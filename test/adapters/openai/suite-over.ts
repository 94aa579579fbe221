import type { AzureOpenAI, OpenAI } from 'openai';
import { suite } from 'uvu';
import { type EmbeddingCacheOptions, withEmbeddingCache } from '../../../src/adapters/openai/openai.js';
import { MemoryBackend } from '../../../src/backends/memory/memory.js';
import {
  type OpenAIUpstream,
  startOpenAIUpstream,
  type UpstreamBody,
  type UpstreamInput,
  upstreamVector,
} from '../../support/openai-upstream.js';

/** What is taken of an SDK, whatever version it is of. */
export interface Sdk {
  OpenAI: typeof OpenAI;
  AzureOpenAI: typeof AzureOpenAI;
}

export type Params = OpenAI.EmbeddingCreateParams;

export const model = 'text-embedding-3-small';

/** Tests around the clients of one version of the SDK, each over a real server of its own. */
export function suiteOver(name: string, { OpenAI }: Sdk) {
  const test = suite<{ upstream: OpenAIUpstream }>(name);
  test.before.each(async (context) => {
    context.upstream = await startOpenAIUpstream();
  });
  test.after.each(({ upstream }) => upstream.stop());

  const plainClient = ({ url }: OpenAIUpstream, maxRetries = 0) =>
    new OpenAI({ apiKey: 'sk-test', baseURL: url, maxRetries });
  const cachedClient = (upstream: OpenAIUpstream, options: EmbeddingCacheOptions = { backend: new MemoryBackend() }) =>
    withEmbeddingCache(plainClient(upstream), options);
  return { test, plainClient, cachedClient };
}

export const numbersOf = ({ data }: OpenAI.CreateEmbeddingResponse) => data.map(({ embedding }) => embedding);

export const expected = (body: Partial<UpstreamBody>, inputs: UpstreamInput[]) =>
  inputs.map((input) => [...upstreamVector({ model, ...body }, input)]);
