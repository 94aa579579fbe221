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

  const none = await rejection(
    embed({ model: open({}, mock({ doEmbed: async () => undefined as never })).model, value: 'a' }),
  );
  assert.ok(InvalidResponseDataError.isInstance(none), String(none));

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

test('options that JSON does not hold are refused by name: no two of them share a key', async () => {
  const itself: Record<string, unknown> = {};
  itself.again = [itself];
  let deep: unknown = 1;
  for (let i = 0; i < 20_000; i += 1) deep = { deep };
  const at = 'providerOptions.mock';
  const refused: [unknown, string][] = [
    [Number.NaN, `${at}.x`],
    [Number.POSITIVE_INFINITY, `${at}.x`],
    [{ list: [1, Number.NEGATIVE_INFINITY] }, `${at}.x.list[1]`],
    [5n, `${at}.x`],
    [() => 1, `${at}.x`],
    [Symbol.for('a'), `${at}.x`],
    [new Date(0), `${at}.x`],
    [new Map([[1, 2]]), `${at}.x`],
    [[new Set([1])], `${at}.x[0]`],
    [/a/, `${at}.x`],
    [new Uint8Array(1), `${at}.x`],
    [{ toJSON: () => 'a' }, `${at}.x.toJSON`],
    [itself, `${at}.x`],
    [deep, `${at}.x`],
  ];
  const { inner, model } = open();
  for (const [x, field] of refused) {
    const error = await rejection(embed({ model, value: 'a', providerOptions: { mock: { x } } as never }));
    assert.ok(InvalidArgumentError.isInstance(error), String(error));
    assert.is(error.argument, field);
  }
  assert.is(inner.doEmbedCalls.length, 0);
  const taken = { mock: { list: [null, undefined, 0], none: undefined, nil: null, text: '', yes: true } };
  await embed({ model, value: 'a', providerOptions: taken as never });
  assert.equal(inner.doEmbedCalls[0]?.providerOptions, {
    mock: { list: [null, undefined, 0], nil: null, text: '', yes: true },
  });
});

test('options of the cache that are spelt wrong, or are no such values, are named', async () => {
  const { inner, model } = open();
  for (const [vecstash, field] of [
    [{ refesh: true }, '.refesh'],
    [{ refresh: 'false' }, '.refresh'],
    [{ bypass: 1 }, '.bypass'],
    [{ bypass: null }, '.bypass'],
    [{ ttl: 'x' }, '.ttl'],
    [{ ttl: 0 }, '.ttl'],
    [{ signal: {} }, '.signal'],
    [null, ''],
    ['refresh', ''],
    [[], ''],
  ] as [never, string][]) {
    const error = await rejection(embed({ model, value: 'a', providerOptions: { vecstash } }));
    assert.ok(InvalidArgumentError.isInstance(error), String(error));
    assert.is(error.argument, `providerOptions.vecstash${field}`);
  }
  assert.is(inner.doEmbedCalls.length, 0);
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
