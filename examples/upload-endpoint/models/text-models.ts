import OpenAI from 'openai';
import { ENGLISH_DIMENSIONS, ENGLISH_IDENTITY, ENGLISH_NAME, EnglishModel } from '../../quickstart/english.js';
import type { ExampleModel } from './model.js';

/** Where an OpenAI-compatible endpoint is, and what it is asked for. */
export interface OpenAIOptions {
  apiKey: string;
  /** @default OpenAI's own */
  baseURL?: string;
  model: string;
  dimensions: number;
}

/** The English model that runs here, offline. */
export function englishModel(): ExampleModel<string> {
  const model = new EnglishModel();
  return {
    identity: ENGLISH_IDENTITY,
    dimensions: ENGLISH_DIMENSIONS,
    name: ENGLISH_NAME,
    async embed(texts, { signal, usage }) {
      const { vectors, tokens } = await model.embed(texts, signal);
      usage(tokens);
      return vectors;
    },
    close: () => model.close(),
  };
}

/** Any OpenAI-compatible endpoint. */
export function openaiModel({ apiKey, baseURL, model, dimensions }: OpenAIOptions): ExampleModel<string> {
  const client = new OpenAI({ apiKey, ...(baseURL && { baseURL }) });
  return {
    identity: { provider: 'openai', id: model },
    dimensions,
    name: `${model} at ${new URL(client.baseURL).host}`,
    async embed(input, { signal, usage }) {
      const answer = await client.embeddings.create({ model, input, dimensions }, { signal });
      if (answer.usage) usage(answer.usage.total_tokens);
      return answer.data.sort((a, b) => a.index - b.index).map(({ embedding }) => embedding);
    },
  };
}
