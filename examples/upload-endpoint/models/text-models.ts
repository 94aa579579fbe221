import OpenAI from 'openai';
import type { RecordedTexts } from '../../quickstart/texts.js';
import { hashedFeatures } from './hashed-features.js';
import type { ExampleModel } from './model.js';

/** Where an OpenAI-compatible endpoint is, and what it is asked for. */
export interface OpenAIOptions {
  apiKey: string;
  /** @default OpenAI's own */
  baseURL?: string;
  model: string;
  dimensions: number;
}

const HASHED = 'hashed features, no model';

/** The recorded vectors where there is one, and hashed features for the rest. */
export function recordedModel({ texts, vectorOf, model, dimensions }: RecordedTexts): ExampleModel<string> {
  const recorded = new Set(texts);
  return {
    identity: { provider: 'example', id: `${model} recorded, else hashed`, revision: '1' },
    dimensions,
    name: `recorded vectors of ${model}; other texts: ${HASHED}`,
    madeBy: (text) => (recorded.has(text) ? `${model}, recorded` : HASHED),
    embed: async (inputs) =>
      inputs.map((text) => (recorded.has(text) ? vectorOf(text) : hashedFeatures(text, dimensions))),
  };
}

/** Any OpenAI-compatible endpoint. */
export function openaiModel({ apiKey, baseURL, model, dimensions }: OpenAIOptions): ExampleModel<string> {
  const client = new OpenAI({ apiKey, ...(baseURL && { baseURL }) });
  const name = `${model} at ${new URL(client.baseURL).host}`;
  return {
    identity: { provider: 'openai', id: model },
    dimensions,
    name,
    madeBy: () => name,
    async embed(input, { signal, usage }) {
      const answer = await client.embeddings.create({ model, input, dimensions }, { signal });
      if (answer.usage) usage(answer.usage.total_tokens);
      return answer.data.sort((a, b) => a.index - b.index).map(({ embedding }) => embedding);
    },
  };
}
