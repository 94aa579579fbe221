import OpenAI from 'openai';
import type { EmbedFunction, Model } from 'vecstash';
import { ENGLISH_DIMENSIONS, ENGLISH_IDENTITY, ENGLISH_NAME, EnglishModel } from './english.js';

type Context = Parameters<EmbedFunction<string>>[1];

/** A model, and what it was asked. */
export interface CountedModel {
  identity: Model;
  dimensions: number;
  description: string;
  calls: number;
  texts: number;
  /** Loads the model where it runs here: that is no part of a call. */
  prepare(): Promise<unknown>;
  /**
   * What the model gave for a text in this process: the vector that the text must come back as,
   * whatever the cache holds.
   */
  vectorOf(text: string): Float32Array;
  embed(texts: string[], context: Context): Promise<ArrayLike<number>[]>;
}

/** The model that runs here, offline. */
export function englishModel(): CountedModel {
  const model = new EnglishModel();
  const own = counted(ENGLISH_IDENTITY, ENGLISH_DIMENSIONS, ENGLISH_NAME, async (texts, { signal, usage }) => {
    const { vectors, tokens } = await model.embed(texts, signal);
    usage(tokens);
    return vectors;
  });
  return { ...own, prepare: () => model.embed(['ready']) };
}

/** Any OpenAI-compatible endpoint: OPENAI_BASE_URL and OPENAI_API_KEY say which. */
export function openaiModel(id: string, dimensions: number): CountedModel {
  const client = new OpenAI();
  const description = `${id} at ${client.baseURL}`;
  return counted({ provider: 'openai', id }, dimensions, description, async (input, { signal, usage }) => {
    const answer = await client.embeddings.create({ model: id, input, dimensions }, { signal });
    if (answer.usage) usage(answer.usage.total_tokens);
    return answer.data.sort((a, b) => a.index - b.index).map(({ embedding }) => embedding);
  });
}

function counted(identity: Model, dimensions: number, description: string, embed: CountedModel['embed']): CountedModel {
  const given = new Map<string, Float32Array>();
  return {
    identity,
    dimensions,
    description,
    calls: 0,
    texts: 0,
    prepare: async () => {},
    vectorOf: (text) => given.get(text) as Float32Array,
    async embed(texts, context) {
      this.calls++;
      this.texts += texts.length;
      const vectors = await embed(texts, context);
      texts.forEach((text, i) => {
        given.set(text, Float32Array.from(vectors[i] ?? []));
      });
      return vectors;
    },
  };
}
