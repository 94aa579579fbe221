import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOfProvider } from '../../src/cache/fill/provider-error.js';
import { EmbedError, InvalidOptionError } from '../../src/errors.js';
import { DIMENSIONS, expected, open } from '../support/embeddings.js';
import { deferred } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('retries');

/** An error as the SDKs of providers throw it. */
const httpError = (status: number, headers: Record<string, string> = {}, rest: object = {}) =>
  Object.assign(new Error(`HTTP ${status}`), { status, headers: new Headers(headers), ...rest });

/** A model that fails for a text as often as there are failures, then answers. */
function failing(failures: Record<string, unknown[]>) {
  const calls: string[][] = [];
  return {
    calls,
    embed: async (texts: string[]) => {
      calls.push(texts);
      for (const text of texts) {
        const failure = failures[text]?.shift();
        if (failure !== undefined) throw failure;
      }
      return texts.map((text) => prf(text, DIMENSIONS));
    },
  };
}

const RETRY = { retry: { minDelay: 1 } };

test('what is worth it is tried again, and each text is paid for once', async () => {
  const model = failing({ a: [httpError(429, { 'retry-after-ms': '1' }), httpError(503)] });
  const { embeddings } = open(model, RETRY);
  assert.equal((await embeddings.embed(['a', 'b'])).map(bytesOf), expected(['a', 'b']));
  assert.is(model.calls.length, 3);
});

test('no more often than asked for, and the last error is what is thrown', async () => {
  const errors = [1, 2, 3, 4].map(() => httpError(500));
  const model = failing({ a: [...errors] });
  const { embeddings } = open(model, RETRY);
  const error = (await rejection(embeddings.embed(['a']))) as EmbedError;
  assert.instance(error, EmbedError);
  assert.is(error.original, errors[2]);
  assert.is(model.calls.length, 3);
});

test('what is not worth it, and a wrong answer, are not; without the option nothing is', async () => {
  for (const [error, options] of [
    [httpError(400), RETRY],
    [httpError(429, {}, { code: 'insufficient_quota' }), RETRY],
    [new Error('a fault of ours'), RETRY],
    [httpError(500), {}],
    [httpError(500), { retry: false }],
    [httpError(500), { retry: { retries: 0 } }],
    [httpError(503, { 'retry-after': '31' }), RETRY],
    [httpError(503, { 'retry-after': '5' }), { retry: { budget: '4s' } }],
    [httpError(500), { retry: { isRetryable: () => false } }],
  ] as const) {
    const model = failing({ a: [error] });
    const { embeddings } = open(model, options);
    assert.is(((await rejection(embeddings.embed(['a']))) as EmbedError).original, error);
    assert.is(model.calls.length, 1);
  }
  let calls = 0;
  const { embeddings } = open({ calls: [], embed: async () => [[++calls]] }, RETRY);
  await rejection(embeddings.embed(['a']));
  assert.is(calls, 1);
});

test('a pause lets others have the permit, and ends by the signal', async () => {
  const waits = deferred();
  const model = failing({ a: [httpError(429, { 'retry-after': '20' })] });
  const embed = (texts: string[]) => {
    if (texts[0] === 'a') waits.resolve();
    return model.embed(texts);
  };
  const { embeddings } = open({ calls: [], embed }, { ...RETRY, concurrency: 1 });
  const controller = new AbortController();
  const call = rejection(embeddings.embed(['a'], { signal: controller.signal }));
  await waits.promise;
  assert.equal((await embeddings.embed(['b'])).map(bytesOf), expected(['b']));
  const bypass = rejection(embeddings.embed(['a', 'c'], { bypass: true, signal: controller.signal }));
  controller.abort(new Error('enough'));
  assert.is((await call).message, 'enough');
  assert.is((await bypass).message, 'enough');
  assert.equal((await embeddings.embed(['d'])).map(bytesOf), expected(['d']));
});

test('every kind of error that providers throw is read', () => {
  const worth = [
    httpError(408),
    httpError(409),
    httpError(425),
    httpError(529),
    { statusCode: 502, isRetryable: true },
    { response: { status: 504, headers: { 'Retry-After': '3' } } },
    httpError(400, { 'x-should-retry': 'true' }),
    Object.assign(new Error('x'), { code: 'ECONNRESET' }),
    Object.assign(new TypeError('fetch failed'), { cause: { code: 'UND_ERR_CONNECT_TIMEOUT' } }),
    new TypeError('fetch failed'),
    Object.assign(new Error('Connection error.'), { name: 'APIConnectionError' }),
  ];
  for (const error of worth) assert.is(failureOfProvider(error).isRetryable, true, String(error));
  const hostile = {
    get status() {
      throw new Error('no');
    },
  };
  for (const error of [
    httpError(501),
    httpError(404),
    httpError(503, { 'x-should-retry': 'false' }),
    undefined,
    null,
    7,
    'x',
    hostile,
  ])
    assert.is(failureOfProvider(error).isRetryable, false);
  const after = (headers: unknown) => failureOfProvider({ status: 429, headers }).retryAfterMs;
  assert.is(after({ 'RETRY-AFTER': '2' }), 2000);
  assert.is(after(new Map([['retry-after-ms', '20']])), 20);
  assert.is(after({ 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }), 0);
  assert.is(after({ 'retry-after': 'soon' }), undefined);
  assert.is(after({ 'retry-after': '-1' }), 0);
  assert.is(after({ 'retry-after': '' }), undefined);
  assert.is(after({ 'retry-after-ms': ' ' }), undefined);
  assert.is(after({ 'retry-after-ms': '', 'retry-after': '2' }), 2000);
  assert.is(failureOfProvider({ statusCode: 429, responseHeaders: { 'retry-after': '1' } }).retryAfterMs, 1000);
});

test('wrong options are refused by name', () => {
  for (const [retry, option] of [
    [{ retries: -1 }, 'retry.retries'],
    [{ minDelay: 'x' }, 'retry.minDelay'],
    [{ tries: 1 }, 'retry.tries'],
    ['yes', 'retry'],
  ])
    assert.throws(
      () => open(undefined, { retry }),
      (error: unknown) => error instanceof InvalidOptionError && error.option === option,
    );
});

test('where isRetryable throws, the error of the model is the one that is told', async () => {
  const error = httpError(503);
  const model = failing({ a: [error] });
  const isRetryable = () => {
    throw new Error('of the option');
  };
  const { embeddings } = open(model, { retry: { minDelay: 1, isRetryable } });
  const told = (await rejection(embeddings.embed(['a']))) as EmbedError;
  assert.is(told.original, error);
  assert.is(model.calls.length, 1);
});

test.run();
