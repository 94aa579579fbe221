// What ai-sdk.check.ts compiles and runs with AI SDK 7, over its mock models and real providers.
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, embed, embedMany, wrapEmbeddingModel } from 'ai';
import { MockEmbeddingModelV3, MockEmbeddingModelV4 } from 'ai/test';
import { createCache, MemoryBackend } from 'vecstash';
import { embeddingCache } from 'vecstash/ai-sdk';

const vectorOf = (text: string, dimensions = 4) => Array.from({ length: dimensions }, (_, i) => text.length + i);

async function ofMocks() {
  const doEmbed = async ({ values, dimensions }: { values: string[]; dimensions?: number }) => ({
    embeddings: values.map((text) => vectorOf(text, dimensions)),
    usage: { tokens: values.join('').length },
    warnings: [],
  });
  const options = { maxEmbeddingsPerCall: 2, supportsParallelCalls: true, doEmbed };
  const told = [];
  for (const inner of [new MockEmbeddingModelV3(options), new MockEmbeddingModelV4(options)]) {
    const middleware = embeddingCache({ backend: new MemoryBackend() });
    const model = wrapEmbeddingModel({ model: inner, middleware });
    const missed = await embedMany({ model, values: ['a', 'bb', 'ccc'] });
    const partly = await embedMany({ model, values: ['dddd', 'ccc', 'a', 'dddd'] });
    const one = await embed({ model, value: 'bb' });
    told.push({
      embeddings: [missed.embeddings, partly.embeddings, one.embedding],
      tokens: [missed.usage.tokens, partly.usage.tokens, one.usage.tokens],
      asked: inner.doEmbedCalls.map(({ values }) => values),
    });
    if (inner instanceof MockEmbeddingModelV3) continue;
    const lengths = [];
    for (const dimensions of [8, 8, 2])
      lengths.push((await embed({ model, value: 'bb', dimensions })).embedding.length);
    told.push({ lengths, asked: inner.doEmbedCalls.length });
  }
  return told;
}

/** OpenAI's and Google's own clients, over an API that is played here. */
async function ofProviders() {
  const requests: (string | number | string[])[][] = [];
  const fetch = async (url: unknown, init?: { body?: unknown }) => {
    const body = JSON.parse(String(init?.body));
    const { input, dimensions } = body;
    const asked = input ?? body.requests?.length ?? 1;
    requests.push([String(url).split('/').at(-1) as string, asked, ...(dimensions ? [dimensions] : [])]);
    if (input?.includes('bad')) return Response.json({ error: { message: 'no', type: 'x' } }, { status: 400 });
    const values = (body.requests ?? [body]).map(({ content }: { content?: { parts: unknown } }) => ({
      values: vectorOf(JSON.stringify(content?.parts) ?? ''),
    }));
    return Response.json({
      data: input?.map((text: string) => ({ embedding: vectorOf(text, dimensions) })),
      usage: { prompt_tokens: input?.join('').length },
      embeddings: values,
      embedding: values[0],
    });
  };
  const middleware = embeddingCache({ cache: createCache({ backend: new MemoryBackend() }) });
  const openai = createOpenAI({ apiKey: 'k', fetch: fetch as typeof globalThis.fetch });
  const google = createGoogle({ apiKey: 'k', fetch: fetch as typeof globalThis.fetch });
  const model = wrapEmbeddingModel({ model: openai.embedding('text-embedding-3-small'), middleware });
  for (let i = 0; i < 2; i++) {
    await embedMany({ model, values: ['a', 'b'] });
    await embedMany({ model, values: ['a', 'b'], providerOptions: { openai: { dimensions: 2, user: `${i}` } } });
  }
  const error = await embed({ model, value: 'bad' }).catch((error: unknown) => error);

  const gemini = wrapEmbeddingModel({ model: google.embedding('gemini-embedding-2'), middleware });
  const image = [{ inlineData: { mimeType: 'image/png', data: 'AA==' } }];
  const ask = async (values: string[], content: (typeof image | null)[]) =>
    (await embedMany({ model: gemini, values, providerOptions: { google: { content, taskType: 'CLUSTERING' } } }))
      .embeddings;
  const first = await ask(['x', 'y'], [image, null]);
  const again = await ask(['y', 'z', 'x'], [null, null, image]);
  return {
    requests,
    error: [APICallError.isInstance(error), (error as APICallError).statusCode],
    isSame: JSON.stringify([first[1], first[0]]) === JSON.stringify([again[0], again[2]]),
    isOther: JSON.stringify(again[0]) !== JSON.stringify(again[2]),
  };
}

console.log(JSON.stringify({ mocks: await ofMocks(), providers: await ofProviders() }));
