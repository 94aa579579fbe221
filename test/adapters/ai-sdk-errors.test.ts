import { APICallError, InvalidArgumentError, InvalidResponseDataError } from '@ai-sdk/provider';
import { embed, embedMany } from 'ai';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type EmbeddingCacheOptions, embeddingCache } from '../../src/adapters/ai-sdk/ai-sdk.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { InvalidOptionError } from '../../src/errors.js';
import { askedOf, mock, open, vectorOf } from '../support/ai-sdk.js';
import { rejection } from '../support/rejection.js';

const test = suite('embeddingCache of the AI SDK: what fails');

test('what the model throws is thrown, and retried as the SDK does; what came meanwhile is kept', async () => {
  const thrown = (statusCode: number) =>
    new APICallError({
      message: 'no',
      url: 'x',
      requestBodyValues: {},
      statusCode,
      responseHeaders: { 'retry-after-ms': '1' },
    });
  let failures: APICallError[] = [thrown(400)];
  const inner = mock({ maxEmbeddingsPerCall: 1 });
  const doEmbed = inner.doEmbed;
  inner.doEmbed = async (params) => {
    const error = params.values[0] === 'b' ? failures.shift() : undefined;
    if (error) throw error;
    return doEmbed(params);
  };
  const { model } = open({}, inner);
  const [expected] = failures;
  const other = embedMany({ model, values: ['x', 'y'] });
  assert.is(await rejection(embedMany({ model, values: ['a', 'b'] })), expected);
  assert.equal((await other).embeddings, [vectorOf('x'), vectorOf('y')]);
  failures = [thrown(429), thrown(503)];
  assert.equal((await embedMany({ model, values: ['a', 'b'] })).embeddings, [vectorOf('a'), vectorOf('b')]);
  assert.equal(askedOf(inner).flat().sort(), ['a', 'b', 'x', 'y']);
});

test('bad input and bad answers are errors of the SDK, which name the field', async () => {
  const { inner, model } = open();
  const good = embed({ model, value: 'a' });
  const error = await rejection(embedMany({ model, values: ['b', 5 as never] }));
  assert.ok(InvalidArgumentError.isInstance(error));
  assert.is(error.argument, 'values[1]');
  assert.match(error.message, 'values[1]: expected a string, got number');
  assert.equal((await good).embedding, vectorOf('a'));
  assert.equal(askedOf(inner), [['a']]);

  const answers = [[], [vectorOf('a'), vectorOf('b')], [[Number.NaN]], [vectorOf('a').slice(1)]];
  const next = mock({
    doEmbed: async ({ values: [text] }) => ({
      embeddings: text === 'ok' ? [vectorOf('ok')] : (answers.shift() ?? []),
      warnings: [],
    }),
  });
  const bad = open({}, next).model;
  await embed({ model: bad, value: 'ok' });
  for (const expected of [/0 vectors for 1/, /2 vectors for 1/, /./, /15/]) {
    const refused = await rejection(embed({ model: bad, value: 'b' }));
    assert.ok(InvalidResponseDataError.isInstance(refused), String(refused));
    assert.match(refused.message, expected);
  }
});

test('calls at once share the model, and one that is aborted ends alone', async () => {
  const gates: (() => void)[] = [];
  const inner = mock();
  const doEmbed = inner.doEmbed;
  inner.doEmbed = async (params) => {
    await new Promise<void>((resolve) => gates.push(resolve));
    return doEmbed(params);
  };
  const { model } = open({}, inner);
  const controller = new AbortController();
  const aborted = rejection(embedMany({ model, values: ['a', 'b'], abortSignal: controller.signal }));
  const others = Array.from({ length: 20 }, () => embedMany({ model, values: ['b', 'a'] }));
  while (gates.length === 0) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  assert.is((await aborted).name, 'AbortError');
  for (const open of gates) open();
  for (const { embeddings } of await Promise.all(others)) assert.equal(embeddings, [vectorOf('b'), vectorOf('a')]);
  assert.is(askedOf(inner).flat().length, 2);
});

test('options that are wrong are named when the middleware is made', () => {
  const backend = new MemoryBackend();
  const cases: [object | undefined, string][] = [
    [undefined, 'backend'],
    [{}, 'backend'],
    [{ backend, cache: createCache({ backend }) }, 'backend'],
    [{ cache: 5 }, 'cache'],
    [{ backend, ttl: 'x' }, 'ttl'],
    [{ backend, dimension: 3 }, 'dimension'],
    [{ backend, model: 'm' }, 'model'],
    [{ backend, rateLimit: { request: 3 } }, 'rateLimit.request'],
  ];
  for (const [options, option] of cases) {
    try {
      embeddingCache(options as EmbeddingCacheOptions);
    } catch (error) {
      assert.instance(error, InvalidOptionError);
      assert.ok(InvalidArgumentError.isInstance(error));
      assert.is((error as unknown as InvalidOptionError).option, option);
      continue;
    }
    assert.unreachable(`${option} was taken`);
  }
});

test.run();
