// A Worker that uses the adapters, LangChain's with LangChain: bundled and run by worker.test.ts.
import { Embeddings } from '@langchain/core/embeddings';
import { MemoryBackend } from 'vecstash';
import { embeddingCache } from 'vecstash/ai-sdk';
import { CachedEmbeddings } from 'vecstash/langchain';

export default {
  async fetch() {
    const asked = [];
    const embed = async (texts) => {
      asked.push(texts);
      return texts.map((text) => [text.length, 1]);
    };
    const inner = {
      specificationVersion: 'v3',
      provider: 'p',
      modelId: 'm',
      maxEmbeddingsPerCall: 10,
      supportsParallelCalls: true,
      doEmbed: async ({ values }) => ({ embeddings: await embed(values), usage: { tokens: 5 }, warnings: [] }),
    };
    // The package `ai` itself needs Cloudflare's own bundler.
    const { wrapEmbed } = embeddingCache({ backend: new MemoryBackend() });
    const results = [];
    for (const values of [['a'], ['bb', 'a']])
      results.push((await wrapEmbed({ model: inner, params: { values } })).embeddings);

    class Model extends Embeddings {
      embedDocuments = embed;
      embedQuery = async (text) => (await embed([text]))[0];
    }
    const cached = new CachedEmbeddings({ embeddings: new Model({}), backend: new MemoryBackend(), model: 'm' });
    for (const texts of [['a'], ['bb', 'a']]) results.push(await cached.embedDocuments(texts));
    return Response.json({ results, asked, isEmbeddings: cached instanceof Embeddings });
  },
};
