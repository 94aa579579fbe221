/** What blocks of the docs may use without declaring it: the test puts the declaration in front of them. */
export const given: Record<string, string> = {
  embed:
    'const embed = async (texts: string[]) => texts.map((text) => Float32Array.from({ length: 768 }, (_, i) => Math.sin(i + text.length)));',
  model: "const model = 'all-mpnet-base-v2';",
  backend: "import { MemoryBackend as GivenBackend } from 'vecstash';\nconst backend = new GivenBackend();",
  cache: "import { createCache as givenCache } from 'vecstash';\nconst cache = givenCache({ backend });",
  docs: "const docs = cache.embeddings('docs', { model, dimensions: 768, embed });",
  metrics: "import { createMetrics as givenMetrics } from 'vecstash/observability';\nconst metrics = givenMetrics();",
  dashboard:
    "import { createDashboard as givenDashboard } from 'vecstash/dashboard';\nconst dashboard = givenDashboard(cache);",
  // In place of @ai-sdk/openai's.
  openai: `import { MockEmbeddingModelV3 } from 'ai/test';
const openai = {
  embedding: (modelId: string) =>
    new MockEmbeddingModelV3({
      modelId,
      maxEmbeddingsPerCall: 2048,
      supportsParallelCalls: true,
      doEmbed: async ({ values }) => ({
        embeddings: values.map((text) => Array.from({ length: 768 }, (_, i) => Math.sin(i + text.length))),
        usage: { tokens: 8 * values.length },
        warnings: [],
      }),
    }),
};`,
  index: 'const index = async (texts: string[], vectors: Float32Array[]) => [texts, vectors];',
  MyBackend: "import { MemoryBackend as MyBackend } from 'vecstash';",
};
