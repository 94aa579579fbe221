import type { OpenAI } from 'openai';
import * as assert from 'uvu/assert';
import { type EmbeddingCacheOptions, withEmbeddingCache } from '../../../src/adapters/openai/openai.js';
import { MemoryBackend } from '../../../src/backends/memory/memory.js';
import { createCache } from '../../../src/cache/cache.js';
import { InvalidOptionError } from '../../../src/errors.js';
import { failing, upstreamAnswer } from '../../support/openai-upstream.js';
import { rejection } from '../../support/rejection.js';
import { expected, model, numbersOf, type Params, type Sdk, suiteOver } from './suite-over.js';

/** What is refused and what fails: with the errors of the SDK, and at nobody else's cost. */
export function failures(name: string, sdk: Sdk): void {
  const { test, plainClient, cachedClient } = suiteOver(`failures of withEmbeddingCache, ${name}`, sdk);
  const { OpenAI } = sdk;

  test('a model that answers with other dimensions is an error that says so', async ({ upstream }) => {
    const client = cachedClient(upstream);
    await client.embeddings.create({ model, input: 'a' });
    upstream.replies.push((request) => upstreamAnswer({ ...request, body: { ...request.body, dimensions: 7 } }));
    const error = await rejection(client.embeddings.create({ model, input: 'b' }));
    assert.instance(error, OpenAI.APIError);
    assert.match(error.message, /7 dimensions instead of 24/);
  });

  test('what the provider answers is never mixed up: wrong counts and doubled indexes are refused', async ({
    upstream,
  }) => {
    const client = cachedClient(upstream);
    upstream.replies.push((request) => upstreamAnswer({ ...request, inputs: request.inputs.slice(1) }));
    upstream.replies.push((request) => {
      const answer = upstreamAnswer(request);
      for (const row of answer.data) row.index = 0;
      return answer;
    });
    for (const message of [/1 embeddings for 2 inputs/, /two embeddings of index 0/]) {
      const error = await rejection(client.embeddings.create({ model, input: ['a', 'b'] }));
      assert.instance(error, OpenAI.APIError);
      assert.match(error.message, message);
    }
    assert.equal(numbersOf(await client.embeddings.create({ model, input: ['a', 'b'] })), expected({}, ['a', 'b']));
  });

  test("the provider's errors are the SDK's, and nothing is stored", async ({ upstream }) => {
    const client = cachedClient(upstream);
    const cases = [
      [429, OpenAI.RateLimitError],
      [500, OpenAI.InternalServerError],
      [401, OpenAI.AuthenticationError],
    ] as const;
    for (const [status, type] of cases) {
      upstream.replies.push(failing(status, 'no', { 'retry-after': '7' }));
      const error = (await rejection(client.embeddings.create({ model, input: 'a' }))) as InstanceType<typeof type>;
      assert.instance(error, type);
      assert.equal([error.status, error.code, error.message], [status, 'from_upstream', `${status} no`]);
    }
    assert.equal(numbersOf(await client.embeddings.create({ model, input: 'a' })), expected({}, ['a']));
    assert.is(upstream.requests.length, 4);
  });

  test('what the provider refuses is for it to refuse', async ({ upstream }) => {
    const client = cachedClient(upstream);
    for (const input of [[], '', ['a', '']] as Params['input'][]) {
      const error = (await rejection(client.embeddings.create({ model, input }))) as InstanceType<
        typeof OpenAI.BadRequestError
      >;
      assert.instance(error, OpenAI.BadRequestError);
      assert.is(error.code, 'from_upstream');
    }
    assert.is(upstream.requests.length, 3);
  });

  test('bad input is refused at the door by name, as the SDK would', async ({ upstream }) => {
    const client = cachedClient(upstream);
    const cases: [unknown, string][] = [
      [{ model, input: ['secret text', 5] }, 'input[1]'],
      [{ model, input: [[1], [-1]] }, 'input[1][0]'],
      [{ model }, 'input'],
      [{ model: 7, input: 'a' }, 'model'],
      [{ model, input: 'a', dimensions: 1.5 }, 'dimensions'],
      [undefined, 'body'],
    ];
    const good = client.embeddings.create({ model, input: 'a' });
    for (const [body, field] of cases) {
      const error = (await rejection(client.embeddings.create(body as Params))) as InstanceType<
        typeof OpenAI.BadRequestError
      >;
      assert.instance(error, OpenAI.BadRequestError);
      assert.instance(error, OpenAI.APIError);
      assert.equal([error.status, error.param, error.type], [400, field, 'invalid_request_error']);
      assert.ok(error.message.includes(field));
      assert.not.match(error.message, /secret/);
    }
    assert.equal(numbersOf(await good), expected({}, ['a']));
    assert.is(upstream.requests.length, 1);
  });

  test('an abort ends the wait of one, and the call of the provider when nobody waits', async ({ upstream }) => {
    const client = cachedClient(upstream);
    let release = () => {};
    const arrived = new Promise<void>((resolve) => {
      upstream.replies.push(async (request) => {
        resolve();
        await new Promise<void>((go) => {
          release = go;
        });
        return upstreamAnswer(request);
      });
    });
    const controller = new AbortController();
    const first = rejection(client.embeddings.create({ model, input: 'a' }, { signal: controller.signal }));
    await arrived;
    const joined = client.embeddings.create({ model, input: 'a' });
    // It has to find the flight before the first one leaves.
    await client.embeddings.create({ model, input: 'other' });
    controller.abort();
    assert.instance(await first, OpenAI.APIUserAbortError);
    release();
    assert.equal(numbersOf(await joined), expected({}, ['a']));
    assert.is(upstream.requests.length, 2);

    const alone = new AbortController();
    const gone = new Promise<void>((resolve) => {
      upstream.replies.push((_, response) => {
        response.on('close', resolve);
        alone.abort();
        return new Promise(() => {});
      });
    });
    const error = await rejection(client.embeddings.create({ model, input: 'z' }, { signal: alone.signal }));
    assert.instance(error, OpenAI.APIUserAbortError);
    await gone;
    assert.ok(upstream.requests[2]?.aborted);
    const late = await rejection(client.embeddings.create({ model, input: 'y' }, { signal: AbortSignal.abort() }));
    assert.instance(late, OpenAI.APIUserAbortError);
    assert.is(upstream.requests.length, 3);
  });

  test('whoever joined a request that failed for a reason of its own asks alone', async ({ upstream }) => {
    const client = cachedClient(upstream);
    const together = async (status: number) => {
      let release = () => {};
      const arrived = new Promise<void>((resolve) => {
        upstream.replies.push(async (request, response) => {
          resolve();
          await new Promise<void>((go) => {
            release = go;
          });
          return failing(status, 'theirs')(request, response);
        });
      });
      const first = rejection(client.embeddings.create({ model, input: ['shared', 'far too long'] }));
      await arrived;
      const joined = client.embeddings.create({ model, input: 'shared' });
      await client.embeddings.create({ model, input: `other ${status}` });
      release();
      return { first: await first, joined };
    };
    const overloaded = await together(429);
    assert.instance(overloaded.first, OpenAI.RateLimitError);
    assert.instance(await rejection(overloaded.joined), OpenAI.RateLimitError);
    assert.is(upstream.requests.length, 2);
    const refused = await together(400);
    assert.instance(refused.first, OpenAI.BadRequestError);
    assert.equal(numbersOf(await refused.joined), expected({}, ['shared']));
    assert.equal(upstream.requests.at(-1)?.body.input, 'shared');
  });

  test('gathered requests are one call, and one that the provider refuses costs no other its answer', async ({
    upstream,
  }) => {
    const client = cachedClient(upstream, { backend: new MemoryBackend(), gather: 5 });
    const texts = Array.from({ length: 60 }, (_, i) => `text ${i}`);
    const all = await Promise.all(texts.map((input) => client.embeddings.create({ model, input })));
    assert.equal(all.flatMap(numbersOf), expected({}, texts));
    assert.is(upstream.requests.length, 1);
    const more = ['new 1', '', 'new 2', 'text 1'];
    const results = await Promise.allSettled(more.map((input) => client.embeddings.create({ model, input })));
    const [first, refused, second, hit] = results as PromiseFulfilledResult<OpenAI.CreateEmbeddingResponse>[];
    assert.instance((refused as unknown as PromiseRejectedResult).reason, OpenAI.BadRequestError);
    assert.equal(
      [first, second, hit].map((one) => one?.value && numbersOf(one.value)),
      ['new 1', 'new 2', 'text 1'].map((text) => expected({}, [text])),
    );
    // They were stored.
    const before = upstream.requests.length;
    await client.embeddings.create({ model, input: ['new 1', 'new 2'] });
    assert.is(upstream.requests.length, before);
  });

  test('fields that the caller changes at once change neither what is asked nor whose vectors they are', async ({
    upstream,
  }) => {
    const client = cachedClient(upstream, { backend: new MemoryBackend(), gather: 5 });
    const extra = { roles: ['query'] };
    const body = { model, input: ['a'], extra };
    const asked = client.embeddings.create(body);
    extra.roles[0] = 'document';
    body.input[0] = 'b';
    assert.equal(numbersOf(await asked), expected({ extra: { roles: ['query'] } }, ['a']));
    const documents = await client.embeddings.create({ model, input: ['a'], extra } as never);
    assert.equal(numbersOf(documents), expected({ extra: { roles: ['document'] } }, ['a']));
  });

  test('a closed cache is an error of the SDK', async ({ upstream }) => {
    const cache = createCache({ backend: new MemoryBackend() });
    const client = cachedClient(upstream, { cache });
    await cache.close();
    const error = await rejection(client.embeddings.create({ model, input: 'a' }, null as never));
    assert.instance(error, OpenAI.APIError);
    assert.match(error.message, /closed/);
  });

  test('options are checked at once', ({ upstream }) => {
    const client = plainClient(upstream);
    const backend = new MemoryBackend();
    const cases: [unknown, unknown, string][] = [
      [client, undefined, 'backend'],
      [client, {}, 'backend'],
      [client, { backend, cache: createCache({ backend }) }, 'backend'],
      [client, { cache: backend }, 'cache'],
      [client, { backend, namespace: 'a b' }, 'namespace'],
      [client, { backend, precision: 'exacter' }, 'precision'],
      [client, { backend, ttl: 'soon' }, 'ttl'],
      [client, { backend, gather: -1 }, 'gather'],
      [client, { backend, model }, 'model'],
      [client, { backend, dimensions: 0 }, 'dimensions'],
      [client, { backend, matryoshka: { m: 0 } }, 'matryoshka.m'],
      [client, { backend, basURL: 'x' }, 'basURL'],
      [{}, { backend }, 'client'],
    ];
    for (const [of, options, option] of cases) {
      assert.throws(
        () => withEmbeddingCache(of as typeof client, options as EmbeddingCacheOptions),
        (error: InvalidOptionError) => error instanceof InvalidOptionError && error.option === option,
        option,
      );
    }
  });

  test.run();
}
