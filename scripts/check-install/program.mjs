// Run inside of an installed project: a miss, then a hit, over memory and, where REDIS is set, a
// Redis. Prints one line of JSON.
import { createCache, MemoryBackend } from 'vecstash';
import { createVectorCodec } from 'vecstash/codec';

const backends = { memory: new MemoryBackend() };
if (process.env.REDIS) {
  const { RedisBackend } = await import('vecstash/redis');
  backends.redis = new RedisBackend(process.env.REDIS);
}
const asked = {};
for (const [name, backend] of Object.entries(backends)) {
  const cache = createCache({ backend, readTimeout: '10s' });
  const lookup = async () => {
    const misses = [];
    const embed = async (texts) => {
      misses.push(...texts);
      return texts.map((text) => [text.length, 0.5, -1]);
    };
    const docs = cache.embeddings(`check-${process.pid}`, { model: 'm', dimensions: 3, embed });
    const [vector] = await docs.embed(['hello']);
    if (String(vector) !== '5,0.5,-1') throw new Error(`got ${vector}`);
    return misses.length;
  };
  asked[name] = [await lookup(), await lookup()];
  await cache.close();
}
console.log(JSON.stringify({ engine: createVectorCodec({ dimensions: 3 }).engine, asked }));
