import { InvalidArgumentError } from '@ai-sdk/provider';
import { defaultEmbeddingSettingsMiddleware, embed, embedMany, wrapEmbeddingModel } from 'ai';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { type Asked, askedOf, mock, open, tokensOf, vectorOf } from '../support/ai-sdk.js';
import { rejection } from '../support/rejection.js';

// By AI SDK 6 and its mock models; test/adapters/ai-sdk.check.ts does it with 7.
const test = suite('embeddingCache of the AI SDK');

test('embed and embedMany: a second call is served, a partial hit is in order, and both share', async () => {
  const { inner, model } = open();
  assert.equal((await embedMany({ model, values: ['a', 'b'] })).embeddings, [vectorOf('a'), vectorOf('b')]);
  assert.equal((await embedMany({ model, values: ['a', 'b'] })).embeddings, [vectorOf('a'), vectorOf('b')]);
  const values = ['c', 'b', 'd', 'a', 'c'];
  assert.equal(
    (await embedMany({ model, values })).embeddings,
    values.map((text) => vectorOf(text)),
  );
  assert.equal((await embed({ model, value: 'd' })).embedding, vectorOf('d'));
  assert.equal((await embed({ model, value: 'e' })).embedding, vectorOf('e'));
  assert.equal((await embed({ model, value: 'e' })).embedding, vectorOf('e'));
  assert.equal(askedOf(inner), [['a', 'b'], ['c', 'd'], ['e']]);
});

test('the usage of a hit equals that of the miss, whatever was cached of a call', async () => {
  const { inner, model } = open();
  const values = ['a', 'bbb', 'cc', 'a'];
  const all = await embedMany({ model, values });
  // As a model without a cache counts: each time.
  assert.is(all.usage.tokens, 1 + 3 + 2 + 1);
  assert.equal((await embedMany({ model, values })).usage, all.usage);
  const one = await embed({ model, value: 'dddd' });
  assert.is(one.usage.tokens, 4);
  assert.is((await embed({ model, value: 'dddd' })).usage.tokens, 4);
  assert.is((await embedMany({ model, values: ['dddd', 'e', ...values] })).usage.tokens, 4 + 1 + all.usage.tokens);
  assert.is(inner.doEmbedCalls.length, 3);
});

test('a model that does not count its tokens has none on a hit either', async () => {
  const { model } = open(
    {},
    mock({ doEmbed: async ({ values }) => ({ embeddings: values.map((t) => vectorOf(t)), warnings: [] }) }),
  );
  for (let i = 0; i < 2; i++) assert.ok(Number.isNaN((await embed({ model, value: 'a' })).usage.tokens));
});

test('what is in the key: provider, model and all provider options but user, in any order of names', async () => {
  const backend = new MemoryBackend();
  const ask = async (providerOptions?: Asked['providerOptions'], inner = mock()) => {
    const { model } = open({ backend }, inner);
    const { embedding } = await embed({ model, value: 'a', ...(providerOptions && { providerOptions }) });
    return [embedding.length, inner.doEmbedCalls.length];
  };
  assert.equal(await ask(), [16, 1]);
  assert.equal(await ask(), [16, 0]);
  assert.equal(await ask({}), [16, 0]);
  assert.equal(await ask({ mock: { user: 'x' } }), [16, 0]);
  assert.equal(await ask({ mock: { dimensions: 8 } }), [8, 1]);
  assert.equal(await ask({ mock: { dimensions: 8 } }), [8, 0]);
  assert.equal(await ask({ mock: { dimensions: 8, taskType: 'QUERY' } }), [8, 1]);
  assert.equal(await ask({ mock: { taskType: 'QUERY', dimensions: 8, user: 'y' } }), [8, 0]);
  assert.equal(await ask({ mock: { taskType: 'QUERY', dimensions: 8 }, other: {} }), [8, 0]);
  assert.equal(await ask({ mock: { taskType: 'DOCUMENT', dimensions: 8 } }), [8, 1]);
  assert.equal(await ask({ mock: { a: { b: [1, { c: 1, d: 2 }] } } }), [16, 1]);
  assert.equal(await ask({ mock: { a: { b: [1, { d: 2, c: 1 }] } } }), [16, 0]);
  assert.equal(await ask({ mock: { a: { b: [{ d: 2, c: 1 }, 1] } } }), [16, 1]);
  assert.equal(await ask({ other: { dimensions: 8 } }), [16, 1]);
  assert.equal(await ask(undefined, mock({ modelId: 'other' })), [16, 1]);
  assert.equal(await ask(undefined, mock({ provider: 'other' })), [16, 1]);
});

test('without options the keys are those of the cache itself', async () => {
  const cache = createCache({ backend: new MemoryBackend() });
  const { model } = open({ cache, namespace: 'docs' });
  await embed({ model, value: 'a' });
  const docs = cache.embeddings('docs', { model: { provider: 'mock-provider', id: 'mock-model-id' } });
  assert.equal([...((await docs.get('a')) as Float32Array)], vectorOf('a'));
});

test('hits are not split; misses are, by what the model takes in one call', async () => {
  for (const supportsParallelCalls of [true, false]) {
    let active = 0;
    let most = 0;
    const inner = mock({ maxEmbeddingsPerCall: 3, supportsParallelCalls });
    const doEmbed = inner.doEmbed;
    inner.doEmbed = async (params) => {
      most = Math.max(most, ++active);
      await new Promise((resolve) => setImmediate(resolve));
      active -= 1;
      return doEmbed(params);
    };
    const backend = new MemoryBackend();
    const reads: number[] = [];
    const getMany = backend.getMany.bind(backend);
    backend.getMany = (keys) => {
      reads.push(keys.length);
      return getMany(keys);
    };
    const { model } = open({ backend }, inner);
    const values = Array.from({ length: 11 }, (_, i) => `text ${i}`);
    await embedMany({ model, values: values.slice(0, 4) });
    assert.equal(
      askedOf(inner)
        .map(({ length }) => length)
        .sort(),
      [1, 3],
    );
    const { embeddings, usage } = await embedMany({ model, values });
    assert.equal(
      embeddings,
      values.map((text) => vectorOf(text)),
    );
    assert.is(
      usage.tokens,
      values.reduce((sum, text) => sum + tokensOf(text), 0),
    );
    assert.equal(
      askedOf(inner)
        .slice(2)
        .map(({ length }) => length)
        .sort(),
      [1, 3, 3],
    );
    assert.is(most > 1, supportsParallelCalls);
    reads.length = 0;
    await embedMany({ model, values });
    assert.equal(reads, [11]);
  }
});

test('a model without a limit is asked once; batchSize sets one', async () => {
  const values = Array.from({ length: 300 }, (_, i) => `text ${i}`);
  const unlimited = open({}, mock({ maxEmbeddingsPerCall: null }));
  await embedMany({ model: unlimited.model, values });
  assert.is(unlimited.inner.doEmbedCalls.length, 1);
  const limited = open({ batchSize: 100 });
  await embedMany({ model: limited.model, values });
  assert.is(limited.inner.doEmbedCalls.length, 3);
});

test('whatever is cached: N of N, in order, each value asked for once', async () => {
  const calls = fc.array(fc.array(fc.constantFrom(...'abcdefgh', '', 'ä', '🙂'), { maxLength: 12 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(
      calls,
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      async (calls, most, supportsParallelCalls) => {
        const { inner, model } = open({}, mock({ maxEmbeddingsPerCall: most, supportsParallelCalls }));
        const answers = await Promise.all(calls.map((values) => embedMany({ model, values })));
        answers.forEach(({ embeddings, usage }, i) => {
          const values = calls[i] as string[];
          assert.equal(
            embeddings,
            values.map((text) => vectorOf(text)),
          );
          assert.is(
            usage.tokens,
            values.reduce((sum, text) => sum + tokensOf(text), 0),
          );
        });
        assert.equal(askedOf(inner).flat().sort(), [...new Set(calls.flat())].sort());
        assert.ok(askedOf(inner).every(({ length }) => length <= most));
      },
    ),
    { numRuns: 50 },
  );
});

test('the model gets headers and a signal, and not what is for the cache', async () => {
  const { inner, model } = open();
  const providerOptions = { mock: { user: 'me' }, vecstash: { ttl: '1h' } };
  const { signal } = new AbortController();
  await embed({ model, value: 'a', headers: { 'x-id': '1' }, providerOptions, abortSignal: signal });
  const [params] = inner.doEmbedCalls as [Asked];
  assert.is(params.headers?.['x-id'], '1');
  assert.instance(params.abortSignal, AbortSignal);
  assert.equal(params.providerOptions, { mock: { user: 'me' } });
  await embed({ model, value: 'a', headers: { 'x-id': '2' } });
  assert.is(inner.doEmbedCalls.length, 1);
});

test('what the model says besides is told where it was asked', async () => {
  const { inner, model } = open(
    {},
    mock({
      maxEmbeddingsPerCall: 1,
      doEmbed: async ({ values: [text = ''] }) => ({
        embeddings: [vectorOf(text)],
        providerMetadata: { mock: { [text]: 1 }, all: { same: true } },
        response: { headers: { first: text } },
        warnings: [{ type: 'other', message: text }],
      }),
    }),
  );
  // Logged by the SDK otherwise.
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const missed = await embedMany({ model, values: ['a', 'b'] });
  assert.equal(missed.providerMetadata, { mock: { a: 1, b: 1 }, all: { same: true } });
  assert.equal(missed.warnings.map((warning) => warning.type === 'other' && warning.message).sort(), ['a', 'b']);
  assert.is(missed.responses?.length, 1);
  const partly = await embedMany({ model, values: ['a', 'c'] });
  assert.equal(partly.providerMetadata, { mock: { c: 1 }, all: { same: true } });
  assert.equal(partly.responses?.[0]?.headers, { first: 'c' });
  const hit = await embed({ model, value: 'c' });
  assert.equal([hit.providerMetadata, hit.response, hit.warnings], [undefined, undefined, []]);
  assert.is(inner.doEmbedCalls.length, 3);
});

test('one call asks the model again, or leaves the cache alone', async () => {
  const { inner, model } = open();
  const ask = (vecstash: Record<string, boolean>) => embed({ model, value: 'a', providerOptions: { vecstash } });
  await ask({ bypass: true });
  await ask({ refresh: true });
  await ask({ refresh: true });
  await ask({});
  assert.is(inner.doEmbedCalls.length, 3);
  const error = await rejection(embed({ model, value: 'a', providerOptions: { vecstash: { ttl: 'x' } } }));
  assert.ok(InvalidArgumentError.isInstance(error), String(error));
  assert.is(error.argument, 'providerOptions.vecstash.ttl');
});

test('the model is asked with the options that the key was made of, whatever the caller does with them', async () => {
  for (const gather of [0, 5]) {
    const { inner, model, middleware } = open({ gather });
    const params = { values: ['a'], providerOptions: { mock: { dimensions: 8, nested: { list: [1] } } } };
    // The SDK itself waits before it calls the middleware.
    const asked = middleware.wrapEmbed({ doEmbed: () => inner.doEmbed(params), params, model: inner as never });
    params.providerOptions.mock.dimensions = 4;
    params.providerOptions.mock.nested.list[0] = 2;
    params.providerOptions = { mock: { dimensions: 2, nested: { list: [] } } };
    params.values = ['b'];
    assert.equal((await asked).embeddings, [vectorOf('a', 8)]);
    assert.equal(inner.doEmbedCalls[0]?.providerOptions, { mock: { dimensions: 8, nested: { list: [1] } } });
    const same = { mock: { dimensions: 8, nested: { list: [1] } } };
    assert.equal((await embed({ model, value: 'a', providerOptions: same })).embedding, vectorOf('a', 8));
    assert.is(inner.doEmbedCalls.length, 1);
  }
});

test('whatever number a model says it takes in one call, all values are asked for', async () => {
  for (const [most, calls] of [
    [Number.NaN, 1],
    [Number.POSITIVE_INFINITY, 1],
    [0, 5],
    [-1, 5],
    [2.5, 3],
    [1e9, 1],
  ] as const) {
    const inner = mock();
    Object.defineProperty(inner, 'maxEmbeddingsPerCall', { value: most });
    const { model } = open({}, inner);
    const values = ['a', 'b', 'c', 'd', 'e'];
    const { embeddings } = await embedMany({ model, values });
    assert.equal(
      embeddings,
      values.map((text) => vectorOf(text)),
    );
    assert.is(inner.doEmbedCalls.length, calls, String(most));
  }
});

test('lists with something for each value, as of Gemini, go with their values', async () => {
  const transformer = Symbol.for('vercel.ai.embeddingModel.providerOptionsTransformer');
  type Range = { providerOptions?: { mock?: { content?: unknown[] } }; startIndex: number; endIndex: number };
  const inner = Object.assign(
    mock({
      maxEmbeddingsPerCall: 2,
      doEmbed: async ({ values, providerOptions }) => {
        const content = providerOptions?.mock?.content as (string | null)[] | undefined;
        assert.ok(content === undefined || content.length === values.length);
        return { embeddings: values.map((text, i) => vectorOf(text + (content?.[i] ?? ''))), warnings: [] };
      },
    }),
    {
      [transformer]: ({ providerOptions, startIndex, endIndex }: Range) =>
        providerOptions?.mock?.content === undefined
          ? providerOptions
          : { mock: { ...providerOptions.mock, content: providerOptions.mock.content.slice(startIndex, endIndex) } },
    },
  );
  for (const gather of [0, 5]) {
    inner.doEmbedCalls.length = 0;
    const { model } = open({ gather }, inner);
    const ask = async (values: string[], content?: (string | null)[]) => {
      const { embeddings } = await embedMany({
        model,
        values,
        ...(content && { providerOptions: { mock: { content } } }),
      });
      assert.equal(
        embeddings,
        values.map((text, i) => vectorOf(text + (content?.[i] ?? ''))),
      );
    };
    await ask(['a', 'b', 'c'], ['1', null, '3']);
    await ask(['c', 'x', 'a', 'b'], ['3', '9', '2', null]);
    await Promise.all([ask(['b', 'y'], [null, '1']), ask(['b', 'z']), ask(['w'], ['7'])]);
    assert.equal(askedOf(inner).flat().sort(), ['a', 'a', 'b', 'c', 'w', 'x', 'y', 'z']);
  }
});

test('settings of a middleware before it are part of the key', async () => {
  const { inner, middleware } = open();
  const sized = (dimensions: number) =>
    wrapEmbeddingModel({
      model: inner,
      middleware: [
        defaultEmbeddingSettingsMiddleware({ settings: { providerOptions: { mock: { dimensions } } } }),
        middleware,
      ],
    });
  assert.is((await embed({ model: sized(8), value: 'a' })).embedding.length, 8);
  assert.is((await embed({ model: sized(4), value: 'a' })).embedding.length, 4);
});

test('with gather, single calls of many callers are one call of the model', async () => {
  const { inner, model } = open({ gather: 5 });
  const values = Array.from({ length: 60 }, (_, i) => `text ${i}`);
  for (let round = 0; round < 2; round++) {
    const answers = await Promise.all(values.map((value) => embed({ model, value })));
    answers.forEach(({ embedding, usage }, i) => {
      assert.equal([embedding, usage.tokens], [vectorOf(values[i] as string), tokensOf(values[i] as string)]);
    });
  }
  assert.equal(askedOf(inner), [values]);
});

test('rateLimit counts the tokens of texts', async () => {
  const counted: string[] = [];
  const countTokens = (text: string) => counted.push(text);
  const { model } = open({ rateLimit: { tokens: 1000, countTokens } });
  await embedMany({ model, values: ['a', 'b'] });
  assert.equal(counted, ['a', 'b']);
  await embedMany({ model: open({ rateLimit: { tokens: 1000 } }).model, values: ['a', 'b'] });
});

test.run();
