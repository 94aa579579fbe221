import { OpenAI } from 'openai';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withEmbeddingCache } from '../../src/adapters/openai/openai.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { startOpenAIUpstream, upstreamVector } from '../support/openai-upstream.js';

const test = suite('withEmbeddingCache, Matryoshka models');
const upstream = await startOpenAIUpstream();
test.after(() => upstream.stop());

test('fewer dimensions of a declared model are cut from the whole vectors', async () => {
  const model = 'm';
  const client = withEmbeddingCache(new OpenAI({ apiKey: 'x', baseURL: upstream.url }), {
    backend: new MemoryBackend(),
    matryoshka: { [model]: 24 },
  });
  const ask = async (dimensions?: number, of = model) => {
    const { data } = await client.embeddings.create({
      model: of,
      input: ['a', 'b'],
      ...(dimensions && { dimensions }),
    });
    return data.map(({ embedding }) => embedding);
  };
  const whole = ['a', 'b'].map((text) => [...upstreamVector({ model }, text)]);
  const cut = (dimensions: number) =>
    whole.map((vector) => {
      const short = vector.slice(0, dimensions);
      const length = Math.sqrt(short.reduce((sum, x) => sum + x * x, 0));
      return short.map((x) => Math.fround(x / length));
    });
  assert.equal(await ask(8), cut(8));
  assert.equal(await ask(12), cut(12));
  assert.equal(await ask(), whole);
  assert.equal(await ask(24), whole);
  assert.is(upstream.requests.length, 1);
  assert.is(upstream.requests[0]?.body.dimensions, undefined);
  // More than there are is for the provider to refuse; another model is asked as ever.
  await ask(48);
  await ask(8, 'other');
  assert.equal(
    upstream.requests.slice(1).map(({ body }) => body.dimensions),
    [48, 8],
  );
});

test.run();
