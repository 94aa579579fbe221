// What an application does, to be bundled: Redis by URL, and metrics. Prints what it saw, or the error and its cause.
import { createCache } from 'vecstash';
import { createVectorCodec } from 'vecstash/codec';
import { createMetrics } from 'vecstash/metrics';
import { RedisBackend } from 'vecstash/redis';

async function main() {
  const metrics = createMetrics();
  const cache = createCache({ backend: new RedisBackend(process.env.REDIS_URL), readTimeout: '30s' });
  const asked = [];
  const docs = cache.embeddings(process.env.NAMESPACE, {
    model: 'm',
    dimensions: 2,
    embed: async (texts) => {
      asked.push(...texts);
      return texts.map((text) => [1, text.length]);
    },
  });
  await docs.embed(['a', 'bb']);
  const vectors = (await docs.embed(['a', 'bb', 'ccc'])).map((vector) => [...vector]);
  await cache.close();
  const { engine } = createVectorCodec({ dimensions: 2 });
  const hits = /cache_requests_total\{[^}]*status="hit"\} (\d+)/.exec(await metrics.text())?.[1];
  console.log(JSON.stringify({ engine, asked, vectors, hits }));
}

main().catch((error) => {
  console.log(JSON.stringify({ error: String(error), cause: String(error.cause) }));
  process.exitCode = 1;
});
