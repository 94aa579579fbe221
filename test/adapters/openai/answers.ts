import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../../src/backends/memory/memory.js';
import { type UpstreamInput, upstreamAnswer, upstreamTokens, upstreamVector } from '../../support/openai-upstream.js';
import { rejection } from '../../support/rejection.js';
import { expected, model, numbersOf, type Params, type Sdk, suiteOver } from './suite-over.js';

/** What is answered: the right vectors in order, of entries that are apart where they have to be. */
export function answers(name: string, sdk: Sdk): void {
  const { test, plainClient, cachedClient } = suiteOver(`answers of withEmbeddingCache, ${name}`, sdk);

  test('a second call is cached and answers as the first', async ({ upstream }) => {
    const client = cachedClient(upstream);
    const input = ['a cat', 'a kitten', 'a much longer text about dogs'];
    const first = await client.embeddings.create({ model, input });
    const second = await client.embeddings.create({ model, input });
    assert.equal(second, first);
    assert.equal(numbersOf(first), expected({}, input));
    const tokens = input.reduce((sum, text) => sum + upstreamTokens(text), 0);
    assert.equal(first.usage, { prompt_tokens: tokens, total_tokens: tokens });
    assert.equal(
      first.data.map(({ object, index }) => [object, index]),
      [0, 1, 2].map((index) => ['embedding', index]),
    );
    assert.is(first.model, `${model}-2026`);
    assert.is(upstream.requests.length, 1);
    // The same as without a cache.
    const bare = await plainClient(upstream).embeddings.create({ model, input });
    assert.equal(first.usage, bare.usage);
    assert.equal(
      numbersOf(first),
      [...bare.data].sort((a, b) => a.index - b.index).map(({ embedding }) => [...embedding]),
    );
  });

  test('partial hits come in order, and only the rest is asked for', async ({ upstream }) => {
    const client = cachedClient(upstream);
    await client.embeddings.create({ model, input: ['b', 'd'] });
    const input = ['a', 'b', 'c', 'd', 'a'];
    const answer = await client.embeddings.create({ model, input, user: 'u1' });
    assert.equal(numbersOf(answer), expected({}, input));
    assert.equal(upstream.requests[1]?.inputs, ['a', 'c']);
    assert.is(upstream.requests[1]?.body.user, 'u1');
    assert.is(answer.usage.prompt_tokens, 5 * upstreamTokens('a'));
    // Another user's request is the same one.
    await client.embeddings.create({ model, input: 'c', user: 'u2' });
    assert.is(upstream.requests.length, 2);
  });

  test('base64 stays base64, of the same entries', async ({ upstream }) => {
    const client = cachedClient(upstream);
    for (let round = 0; round < 2; round++) {
      const { data } = await client.embeddings.create({ model, input: 'a', encoding_format: 'base64' });
      const bytes = Buffer.from(data[0]?.embedding as unknown as string, 'base64');
      const vector = upstreamVector({ model }, 'a');
      assert.is(bytes.toString('hex'), Buffer.from(vector.buffer).toString('hex'));
    }
    const floats = await client.embeddings.create({ model, input: 'a', encoding_format: 'float' });
    assert.equal(numbersOf(floats), expected({}, ['a']));
    assert.ok(Array.isArray(floats.data[0]?.embedding));
    assert.is(upstream.requests.length, 1);
  });

  test('the provider is asked for the format that the SDK would ask for, and may answer either', async ({
    upstream,
  }) => {
    const client = cachedClient(upstream);
    await client.embeddings.create({ model, input: 'a', encoding_format: 'float' });
    await client.embeddings.create({ model, input: 'b' });
    assert.equal(
      upstream.requests.map(({ body }) => body.encoding_format),
      ['float', 'base64'],
    );
    upstream.replies.push((request) =>
      upstreamAnswer({ ...request, body: { ...request.body, encoding_format: 'float' } }),
    );
    assert.equal(numbersOf(await client.embeddings.create({ model, input: 'c' })), expected({}, ['c']));
  });

  test('token arrays are inputs of their own kind', async ({ upstream }) => {
    const client = cachedClient(upstream);
    for (let round = 0; round < 2; round++) {
      const many = await client.embeddings.create({ model, input: [[1, 2, 3], [4], [1, 2, 3]] });
      assert.equal(numbersOf(many), expected({}, [[1, 2, 3], [4], [1, 2, 3]]));
      assert.is(many.usage.prompt_tokens, 7);
      const one = await client.embeddings.create({ model, input: [4] });
      assert.equal(numbersOf(one), expected({}, [[4]]));
      assert.is(one.usage.prompt_tokens, 1);
    }
    const asked = upstream.requests.map(({ body }) => body.input);
    assert.equal(asked, [[[1, 2, 3], [4]]]);
    await client.embeddings.create({ model, input: [7, 8] });
    assert.equal(upstream.requests[1]?.body.input, [7, 8]);
    await client.embeddings.create({ model, input: '[4]' });
    assert.is(upstream.requests.length, 3);
  });

  test('dimensions, models and roles are apart', async ({ upstream }) => {
    const client = cachedClient(upstream);
    const bodies: Record<string, unknown>[] = [
      {},
      { dimensions: 12 },
      { dimensions: 24 },
      { model: 'voyage-3', input_type: 'query' },
      { model: 'voyage-3', input_type: 'document' },
      { task: 'retrieval.query' },
      { task: 'retrieval.passage', late_chunking: true },
      { task_type: 'RETRIEVAL_QUERY' },
      { truncate_prompt_tokens: 5 },
    ];
    for (let round = 0; round < 2; round++) {
      for (const body of bodies) {
        const answer = await client.embeddings.create({ model, ...body, input: 'a' } as Params);
        assert.equal(numbersOf(answer), expected(body, ['a']));
      }
    }
    assert.is(upstream.requests.length, bodies.length);
    assert.is(upstream.requests[1]?.body.dimensions, 12);
    assert.is(upstream.requests[3]?.body.input_type, 'query');
  });

  test('dimensions that are given are those of requests without any', async ({ upstream }) => {
    const client = cachedClient(upstream, { backend: new MemoryBackend(), dimensions: 24 });
    assert.equal(numbersOf(await client.embeddings.create({ model, input: 'a' })), expected({}, ['a']));
    assert.is(upstream.requests[0]?.body.dimensions, undefined);
    await client.embeddings.create({ model, input: 'a', dimensions: 24 });
    await client.embeddings.create({ model, input: 'a', dimensions: 8 });
    upstream.replies.push((request) => upstreamAnswer({ ...request, body: { ...request.body, dimensions: 7 } }));
    const error = await rejection(client.embeddings.create({ model: 'other', input: 'a' }));
    assert.match(error.message, /7 dimensions instead of 24/);
  });

  test('what is no float32 vectors passes, uncached', async ({ upstream }) => {
    const client = cachedClient(upstream);
    const body = { model, input: 'a', encoding_format: 'float', output_dtype: 'binary' } as Params;
    for (let round = 1; round <= 2; round++) {
      await client.embeddings.create(body);
      assert.is(upstream.requests.length, round);
    }
    assert.is(upstream.requests[0]?.body.output_dtype, 'binary');
    // A request that goes elsewhere is not this model's.
    await client.embeddings.create({ model, input: 'a' }, { query: { version: '2' } });
    assert.match(upstream.requests[2]?.url ?? '', /version=2/);
    await client.embeddings.create({ model, input: 'a' }, { query: { version: '2' } });
    assert.is(upstream.requests.length, 4);
  });

  test('any mix of hits, misses and duplicates: right vectors, and each input is asked for once', async ({
    upstream,
  }) => {
    const text = fc.integer({ min: 0, max: 30 }).map((n) => `text ${n} ${'x'.repeat(n % 9)}`);
    const tokens = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 });
    const inputs = fc.oneof(
      fc.array(text, { minLength: 1, maxLength: 25 }),
      fc.array(tokens, { minLength: 1, maxLength: 25 }),
    );
    const fields = fc.constantFrom({}, { task: 'query' }, { dimensions: 8 });
    const format = fc.constantFrom(undefined, 'float' as const, 'base64' as const);
    const request = fc.record({ inputs, fields, format });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(request, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }),
        async (rounds) => {
          const client = cachedClient(upstream);
          const before = upstream.asked();
          const distinct = new Set<string>();
          const told = new Map<string, number>();
          for (const round of rounds) {
            await Promise.all(
              round.map(async ({ inputs, fields, format }) => {
                for (const input of inputs) distinct.add(JSON.stringify([input, fields]));
                const body = { model, input: inputs, ...fields, ...(format && { encoding_format: format }) };
                const answer = await client.embeddings.create(body as Params);
                const vectors = answer.data.map(({ embedding }) =>
                  format === 'base64'
                    ? [
                        ...new Float32Array(
                          new Uint8Array(Buffer.from(embedding as unknown as string, 'base64')).buffer,
                        ),
                      ]
                    : embedding,
                );
                assert.equal(vectors, expected(fields, inputs as UpstreamInput[]));
                const id = JSON.stringify([inputs, fields]);
                assert.is(answer.usage.prompt_tokens, told.get(id) ?? answer.usage.prompt_tokens);
                told.set(id, answer.usage.prompt_tokens);
              }),
            );
          }
          assert.is(upstream.asked() - before, distinct.size);
        },
      ),
      { numRuns: 40 },
    );
  });

  test.run();
}
