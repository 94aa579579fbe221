// A Worker that uses the built package as an application would: bundled by test/support/worker.ts, run in workerd.
import { createCache } from 'vecstash';
import { CloudflareKVBackend } from 'vecstash/cloudflare-kv';
import { createVectorCodec } from 'vecstash/codec';
import { prf } from './prf.ts';

export default {
  async fetch(request, env, context) {
    const { namespace, texts, dimensions, options, value, key } = await request.json();
    const asked = [];
    // Long times: on a busy machine a slow answer must not become a miss.
    const backend = new CloudflareKVBackend({ binding: env.CACHE, requestTimeout: '30s' });
    const cache = createCache({ backend, readTimeout: '30s', ...options });
    const told = () => ({ 'x-told': JSON.stringify({ asked, stats: cache.stats(), engine: engine() }) });
    try {
      if (key !== undefined) {
        const values = cache.values(namespace);
        if (value !== undefined) await values.set(key, value);
        return Response.json((await values.get(key)) ?? null, { headers: told() });
      }
      const embeddings = cache.embeddings(namespace, {
        model: 'prf',
        dimensions,
        embed: async (missing) => {
          asked.push(...missing);
          return missing.map((text) => prf(text, dimensions));
        },
      });
      const vectors = await embeddings.embed(texts);
      return new Response(new Blob(vectors), { headers: told() });
    } finally {
      // What is still being written goes on after the answer.
      context.waitUntil(cache.close());
    }
  },
};

function engine() {
  return createVectorCodec({ dimensions: 3 }).engine;
}
