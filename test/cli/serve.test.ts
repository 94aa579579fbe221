import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { textOf, tokensOf } from '../support/fault-upstream.js';
import { bytesOf, prf } from '../support/prf.js';
import { countsOf } from '../support/serve-process.js';

import { assertVectors, DIMENSIONS, jsonOf, serving } from '../support/serving.js';

const test = suite('answers of vecstash serve');

test('every form of input, as numbers and as base64; hits and misses in input order; usage is true', async () => {
  await serving({}, async ({ serve, upstream }) => {
    const forms: [unknown, unknown[]][] = [
      ['one text', ['one text']],
      [
        ['a', 'b', 'a'],
        ['a', 'b', 'a'],
      ],
      [[1, 2, 3], [[1, 2, 3]]],
      [
        [[1, 2, 3], [4, 70_000], [4]],
        [[1, 2, 3], [4, 70_000], [4]],
      ],
      // Not the tokens: their text.
      ['[1,2,3]', ['[1,2,3]']],
    ];
    for (const [input, inputs] of forms) {
      const first = await serve.embed({ model: 'm', input });
      const isKnown = (one: unknown) => textOf(one) === '[1,2,3]' && inputs.length > 1;
      assert.equal(countsOf(first), [inputs.filter(isKnown).length, inputs.filter((one) => !isKnown(one)).length]);
      await assertVectors(first, inputs);
      const again = await serve.embed({ model: 'm', input, encoding_format: 'base64' });
      assert.equal(countsOf(again), [inputs.length, 0]);
      await assertVectors(again, inputs);
    }
    assert.ok(
      [...upstream.answered.values()].every((times) => times <= 2),
      'the text and the tokens [1,2,3]',
    );

    const mixed = ['new 1', 'a', 'new 2', 'b', 'new 1'];
    const partly = await serve.embed({ model: 'm', input: mixed });
    assert.equal(countsOf(partly), [2, 3]);
    await assertVectors(partly, mixed);
    assert.equal(upstream.calls.at(-1)?.inputs, 2);

    const short = await serve.embed({ model: 'm', input: ['a'], dimensions: 8 });
    assert.equal(countsOf(short), [0, 1]);
    await assertVectors(short, ['a'], 8);
  });
});

test("the answer is OpenAI's: model and usage of a hit are those of the miss", async () => {
  await serving({}, async ({ serve }) => {
    const input = ['some words', 'and a few more words', 'x'];
    const answers = [];
    for (let i = 0; i < 2; i++) answers.push(await jsonOf(await serve.embed({ model: 'm', input })));
    const tokens = input.reduce((sum, text) => sum + tokensOf(text), 0);
    for (const { object, model, usage } of answers) {
      assert.equal(
        { object, model, usage },
        { object: 'list', model: 'm-v2', usage: { prompt_tokens: tokens, total_tokens: tokens } },
      );
    }
    assert.equal(answers[0], answers[1]);
  });
});

test("a wrong key gets the upstream's 401 and no vector, also for what is cached", async () => {
  for (const args of [[], ['--shared']]) {
    await serving({ args }, async ({ serve, upstream }) => {
      await assertVectors(await serve.embed({ model: 'm', input: ['cached', 'as well'] }), ['cached', 'as well']);
      for (const key of ['bad', '', 'good '.repeat(2)]) {
        const refused = await serve.embed({ model: 'm', input: ['cached', 'as well'] }, { key });
        assert.is(refused.status, 401);
        assert.equal(countsOf(refused), [Number.NaN, Number.NaN]);
        assert.is((await jsonOf(refused)).error.code, 'invalid_api_key');
      }
      assert.is(upstream.calls.filter(({ status }) => status === 401).length, 3, 'each was asked about');
      const own = await serve.embed({ model: 'm', input: ['cached'] });
      assert.equal(countsOf(own), [1, 0]);
    });
  }
});

test('keys have entries of their own, unless they are shared', async () => {
  await serving({}, async ({ serve, upstream }) => {
    for (const key of ['good', 'other']) {
      assert.equal(countsOf(await serve.embed({ model: 'm', input: ['t', 'u'] }, { key })), [0, 2]);
      assert.equal(countsOf(await serve.embed({ model: 'm', input: ['t', 'u'] }, { key })), [2, 0]);
    }
    const elsewhere = { headers: { 'openai-project': 'another' } };
    assert.equal(countsOf(await serve.embed({ model: 'm', input: ['t'] }, elsewhere)), [0, 1]);
    assert.is(upstream.calls.at(-1)?.headers['openai-project'], 'another');
    assert.is(upstream.answered.get('"t"'), 3);
  });
  await serving({ args: ['--shared'] }, async ({ serve, upstream }) => {
    await serve.embed({ model: 'm', input: ['t', 'u'] });
    // The check of a key asks for the first input beside what is looked up.
    assert.equal(countsOf(await serve.embed({ model: 'm', input: ['t', 'u'] }, { key: 'other' })), [1, 1]);
    assert.equal(countsOf(await serve.embed({ model: 'm', input: ['t', 'u'] }, { key: 'other' })), [2, 0]);
    assert.equal([upstream.answered.get('"t"'), upstream.answered.get('"u"')], [3, 1]);
  });
});

test('with shared entries, who waits for what another asked with a wrong key asks with his own', async () => {
  await serving({ args: ['--shared'] }, async ({ serve, upstream }) => {
    await serve.embed({ model: 'm', input: 'accepted' });
    upstream.options.delay = () => 300;
    const { received } = upstream;
    const bad = serve.embed({ model: 'm', input: 'both' }, { key: 'bad' });
    while (upstream.received === received) await sleep(5);
    await assertVectors(await serve.embed({ model: 'm', input: ['both', 'own'] }), ['both', 'own']);
    assert.is((await bad).status, 401);
  });
});

test('a key that the upstream no longer accepts is forgotten at once', async () => {
  await serving({}, async ({ serve, upstream }) => {
    await serve.embed({ model: 'm', input: ['cached'] });
    upstream.options.keys?.delete('good');
    assert.is((await serve.embed({ model: 'm', input: ['cached'] })).status, 200, 'it was accepted a moment ago');
    assert.is((await serve.embed({ model: 'm', input: ['cached', 'new'] })).status, 401);
    assert.is((await serve.embed({ model: 'm', input: ['cached'] })).status, 401);
    upstream.options.keys?.add('good');
    assert.is((await serve.embed({ model: 'm', input: ['cached'] })).status, 200);
  });
  await serving({ args: ['--key-ttl', '1ms'] }, async ({ serve, upstream }) => {
    await serve.embed({ model: 'm', input: ['cached'] });
    upstream.options.keys?.delete('good');
    assert.is((await serve.embed({ model: 'm', input: ['cached'] })).status, 401);
  });
});

test('requests of one new key share its check, and each asks for its own', async () => {
  await serving({ delay: () => 100 }, async ({ serve, upstream }) => {
    const bad = await Promise.all(
      Array.from({ length: 20 }, () => serve.embed({ model: 'm', input: ['x'] }, { key: 'bad' })),
    );
    assert.equal(new Set(bad.map(({ status }) => status)), new Set([401]));
    assert.ok(upstream.calls.length < 5, `${upstream.calls.length} calls for 20 requests`);
    upstream.calls.length = 0;
    const inputs = Array.from({ length: 20 }, (_, i) => [`own ${i}`, 'common']);
    const good = await Promise.all(inputs.map((input) => serve.embed({ model: 'm', input })));
    await Promise.all(good.map((response, i) => assertVectors(response, inputs[i] as string[])));
    assert.equal(new Set(upstream.answered.values()), new Set([1]));
    // One that is refused for its input costs the others nothing.
    const empty = serve.embed({ model: 'n', input: '' });
    const fine = serve.embed({ model: 'n', input: 'fine' });
    assert.equal([(await empty).status, (await fine).status], [400, 200]);
  });
});

test("errors of the upstream come with their status, Retry-After and body; 'Retry-After: 1' twice is one success", async () => {
  let faults: ('429' | '500' | 'none')[] = [];
  await serving({ fault: () => faults.shift() ?? 'none', retryAfter: 1 }, async ({ serve, upstream }) => {
    await serve.embed({ model: 'm', input: ['known'] });
    upstream.calls.length = 0;
    faults = ['429', '429'];
    const order: string[] = [];
    const waiting = serve.embed({ model: 'm', input: ['known', 'waits'] }).then((response) => {
      order.push('the one that waits');
      return response;
    });
    while (upstream.calls.length === 0) await sleep(5);
    await assertVectors(await serve.embed({ model: 'm', input: ['known'] }), ['known']);
    faults.unshift('none');
    await assertVectors(await serve.embed({ model: 'm', input: ['another'] }), ['another']);
    order.push('the others');
    await assertVectors(await waiting, ['known', 'waits']);
    assert.equal(order, ['the others', 'the one that waits']);
    const own = upstream.calls.filter((_, i) => i !== 1);
    assert.equal(
      own.map(({ status }) => status),
      ['429', '429', 200],
    );
    assert.ok((own[1]?.at ?? 0) - (own[0]?.at ?? 0) >= 990);

    upstream.options.retryAfter = 0;
    faults = ['429', '429', '429'];
    const refused = await serve.embed({ model: 'm', input: ['too much'] });
    assert.is(refused.status, 429);
    assert.is(refused.headers.get('retry-after'), '0');
    assert.is(refused.headers.get('x-request-id'), 'of-upstream');
    assert.equal(await jsonOf(refused), { error: { message: 'slow down', type: 'requests' } });
  });
});

test('answers that are no embeddings of what was asked are an error, never a vector', async () => {
  let fault: 'count' | 'cut' | 'half' | 'none' = 'none';
  await serving({ fault: () => fault, args: ['--retries', '0'] }, async ({ serve }) => {
    await serve.embed({ model: 'm', input: ['known'] });
    for (fault of ['count', 'cut', 'half'] as const) {
      const failed = await serve.embed({ model: 'm', input: ['known', 'new', fault] });
      assert.is(failed.status, 502, fault);
      const { error } = await jsonOf(failed);
      assert.is(error.type, 'upstream_error');
      assert.match(error.message, fault === 'count' ? /1 embeddings for 2 inputs/ : /cannot be reached/);
      assert.equal(countsOf(await serve.embed({ model: 'm', input: ['known'] })), [1, 0]);
    }
  });
});

test('models and requests that cannot be cached pass through, with their query; all else is 404', async () => {
  await serving({}, async ({ serve, upstream }) => {
    const get = (path: string, key = 'good') =>
      fetch(serve.origin + path, { headers: { authorization: `Bearer ${key}` } });
    assert.is((await jsonOf(await get('/v1/models?limit=2'))).query, '?limit=2');
    assert.is((await jsonOf(await get('/v1/models/m'))).path, '/v1/models/m');
    assert.is((await get('/v1/models', 'bad')).status, 401);
    for (const path of ['/v1/chat/completions', '/v1', '/', '/v1/modelsx', '/v1/models/%2e%2e/files']) {
      const { status, headers } = await get(path);
      assert.equal([status, headers.get('content-type')], [404, 'application/json'], path);
    }
    const wrongMethod = await get('/v1/embeddings');
    assert.is(wrongMethod.status, 405);
    assert.equal(Object.keys((await jsonOf(wrongMethod)).error), ['message', 'type', 'param', 'code']);

    const passed = await serve.embed({ model: 'm', input: [] });
    assert.is(passed.status, 400);
    assert.is((await jsonOf(passed)).error.message, 'input is empty');
    assert.is(passed.headers.get('x-vecstash-hits'), null);
    const ints = await serve.embed({ model: 'm', input: ['a'], encoding_format: 'ubinary' });
    assert.is(ints.status, 200);
    assert.is(upstream.calls.length, 2);
  });
});

test("OpenAI's own client: vectors, hits, and its own kinds of error", async () => {
  let fault: '429' | 'none' = 'none';
  await serving({ fault: () => fault }, async ({ serve }) => {
    const client = new OpenAI({ apiKey: 'good', baseURL: serve.url, maxRetries: 0 });
    const request = { model: 'm', input: ['first', 'second'] };
    for (const hits of ['0', '2']) {
      const { data, response } = await client.embeddings.create(request).withResponse();
      assert.equal(
        data.data.map(({ embedding }) => bytesOf(Float32Array.from(embedding))),
        request.input.map((text) => bytesOf(prf(text, DIMENSIONS))),
      );
      assert.is(response.headers.get('x-vecstash-hits'), hits);
    }
    const floats = await client.embeddings.create({ ...request, encoding_format: 'float' });
    assert.equal(floats.data[1]?.embedding, [...prf('second', DIMENSIONS)]);
    const models = [];
    for await (const { id } of client.models.list()) models.push(id);
    assert.equal(models, ['m']);

    const thrownBy = async (call: Promise<unknown>) =>
      call.then(
        () => undefined,
        (error: unknown) => error,
      );
    const wrong = new OpenAI({ apiKey: 'bad', baseURL: serve.url, maxRetries: 0 });
    assert.instance(await thrownBy(wrong.embeddings.create(request)), OpenAI.AuthenticationError);
    assert.instance(
      await thrownBy(client.embeddings.create({ ...request, input: [7] as never, dimensions: 0 })),
      OpenAI.BadRequestError,
    );
    fault = '429';
    assert.instance(await thrownBy(client.embeddings.create({ model: 'm', input: 'new' })), OpenAI.RateLimitError);
  });
});

test.run();
