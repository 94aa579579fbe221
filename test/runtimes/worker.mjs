// A worker thread with a cache of its own. What it does is its `workerData.task`.
import { parentPort, workerData } from 'node:worker_threads';
import * as vecstash from 'vecstash';
import { RedisBackend } from 'vecstash/redis';
import kit from './job.cjs';

const { task, url, namespace, count } = workerData;
const asked = [];
const texts = Array.from({ length: count }, (_, i) => `text ${i}`);

const cache = vecstash.createCache({ backend: new RedisBackend(url), readTimeout: '30s' });

async function embed() {
  const docs = cache.embeddings(namespace, kit.model(asked));
  const vectors = await docs.embed(texts);
  const buffers = [...new Set(vectors.map(({ buffer }) => buffer))];
  parentPort.postMessage({ vectors, asked }, buffers);
  kit.assert(vectors[0].length === 0, 'they are the other thread’s now');
  // What was given away was nobody else's.
  kit.assertVectors(await docs.embed(texts), texts, 'after the transfer');
  await cache.close();
}

/** Computes what never comes. */
async function hang() {
  const embed = () => {
    parentPort.postMessage('computing');
    return new Promise(() => {});
  };
  setInterval(() => {}, 60_000);
  await cache.embeddings(namespace, kit.model(asked, { embed })).embed(texts);
}

/** Is always at it: in Redis, and in the engine's own thread. */
async function work() {
  const own = vecstash.createCache({ backend: new vecstash.MemoryBackend() });
  const docs = [own, cache].map((cache) => cache.embeddings(namespace, kit.model(asked)));
  for (let round = 0; ; round++) {
    await Promise.all(docs.map((docs) => docs.embed(texts)));
    if (round === 1) parentPort.postMessage('working');
  }
}

await { embed, hang, work }[task]();
