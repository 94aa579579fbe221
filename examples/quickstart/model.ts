import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import type { Model } from 'vecstash';
import type { RecordedTexts } from './texts.js';

/** What plays the model, and what it was asked. */
export interface CountedModel {
  identity: Model;
  dimensions: number;
  description: string;
  calls: number;
  texts: number;
  /** The vector that a text must come back as: what the model gave for it, whatever the cache holds. */
  vectorOf(text: string): Float32Array;
  embed(texts: string[], context: { signal: AbortSignal }): Promise<ArrayLike<number>[]>;
}

/** What one call of the recorded model is made to take: about what a hosted one takes for a batch. */
const CALL_MILLISECONDS = 120;

/** Gives the recorded vectors, slowly. */
export function recordedModel(recorded: RecordedTexts): CountedModel {
  return {
    identity: { provider: 'recorded', id: recorded.model },
    dimensions: recorded.dimensions,
    description: `the recorded vectors of ${recorded.model} play the model; a call is made to take ${CALL_MILLISECONDS} ms`,
    calls: 0,
    texts: 0,
    vectorOf: recorded.vectorOf,
    async embed(texts, { signal }) {
      this.calls++;
      this.texts += texts.length;
      await sleep(CALL_MILLISECONDS, undefined, { signal });
      return texts.map((text) => recorded.vectorOf(text));
    },
  };
}

/** Any OpenAI-compatible endpoint: OPENAI_BASE_URL and OPENAI_API_KEY say which. */
export function openaiModel(id: string, dimensions: number): CountedModel {
  const client = new OpenAI();
  const given = new Map<string, Float32Array>();
  return {
    identity: { provider: 'openai', id },
    dimensions,
    description: `${id} with ${dimensions} dimensions at ${client.baseURL}`,
    calls: 0,
    texts: 0,
    vectorOf: (text) => given.get(text) as Float32Array,
    async embed(texts, { signal }) {
      this.calls++;
      this.texts += texts.length;
      const { data } = await client.embeddings.create({ model: id, input: texts, dimensions }, { signal });
      const vectors = data.sort((a, b) => a.index - b.index).map((row) => row.embedding);
      texts.forEach((text, i) => {
        given.set(text, Float32Array.from(vectors[i] ?? []));
      });
      return vectors;
    },
  };
}
