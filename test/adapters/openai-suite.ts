import fc from 'fast-check';
import type { AzureOpenAI, OpenAI } from 'openai';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type EmbeddingCacheOptions, withEmbeddingCache } from '../../src/adapters/openai/openai.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { InvalidOptionError } from '../../src/errors.js';
import {
  failing,
  type OpenAIUpstream,
  startOpenAIUpstream,
  type UpstreamBody,
  type UpstreamInput,
  upstreamAnswer,
  upstreamTokens,
  upstreamVector,
} from '../support/openai-upstream.js';
import { rejection } from '../support/rejection.js';

/** What is taken of an SDK, whatever version it is of. */
export interface Sdk {
  OpenAI: typeof OpenAI;
  AzureOpenAI: typeof AzureOpenAI;
}

type Params = OpenAI.EmbeddingCreateParams;

/** Tests of `withEmbeddingCache` around the clients of one version of the SDK, over a real server. */
export function openaiSuite(name: string, { OpenAI, AzureOpenAI }: Sdk): void {
  const test = suite<{ upstream: OpenAIUpstream }>(`withEmbeddingCache, ${name}`);
  const model = 'text-embedding-3-small';

  test.before.each(async (context) => {
    context.upstream = await startOpenAIUpstream();
  });
  test.after.each(({ upstream }) => upstream.stop());

  const plainClient = ({ url }: OpenAIUpstream, maxRetries = 0) =>
    new OpenAI({ apiKey: 'sk-test', baseURL: url, maxRetries });
  const cachedClient = (upstream: OpenAIUpstream, options: EmbeddingCacheOptions = { backend: new MemoryBackend() }) =>
    withEmbeddingCache(plainClient(upstream), options);

  const numbersOf = ({ data }: OpenAI.CreateEmbeddingResponse) => data.map(({ embedding }) => embedding);
  const expected = (body: Partial<UpstreamBody>, inputs: UpstreamInput[]) =>
    inputs.map((input) => [...upstreamVector({ model, ...body }, input)]);

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

  test('a model that answers with other dimensions is an error that says so', async ({ upstream }) => {
    const client = cachedClient(upstream);
    await client.embeddings.create({ model, input: 'a' });
    upstream.replies.push((request) => upstreamAnswer({ ...request, body: { ...request.body, dimensions: 7 } }));
    const error = await rejection(client.embeddings.create({ model, input: 'b' }));
    assert.instance(error, OpenAI.APIError);
    assert.match(error.message, /7 dimensions instead of 24/);
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

  test("a request's options go to the provider", async ({ upstream }) => {
    const client = cachedClient(upstream);
    upstream.replies.push(failing(500, 'once'));
    const options = { headers: { 'x-own': '1' }, maxRetries: 1, timeout: 60_000 };
    const answer = await client.embeddings.create({ model, input: 'a' }, options);
    assert.equal(numbersOf(answer), expected({}, ['a']));
    assert.equal(
      upstream.requests.map(({ headers }) => headers['x-own']),
      ['1', '1'],
    );
    upstream.replies.push(() => new Promise(() => {}));
    const error = await rejection(client.embeddings.create({ model, input: 'b' }, { timeout: 50, maxRetries: 0 }));
    assert.instance(error, OpenAI.APIConnectionTimeoutError);
  });

  test('Cache-Control of a request: no-cache asks anew and stores, no-store leaves the cache out', async ({
    upstream,
  }) => {
    const client = cachedClient(upstream);
    const ask = async (control?: string) => {
      const before = upstream.requests.length;
      const headers = control === undefined ? {} : { 'Cache-Control': control };
      const answer = await client.embeddings.create({ model, input: 'a' }, { headers });
      return { numbers: numbersOf(answer), asked: upstream.requests.length - before };
    };
    const [old] = [await ask()];
    const other = (task: string) =>
      upstream.replies.push((request) => ({ ...upstreamAnswer({ ...request, body: { ...request.body, task } }) }));
    other('x');
    assert.equal(await ask('no-store'), { numbers: expected({ task: 'x' }, ['a']), asked: 1 });
    assert.equal(await ask('max-age=0'), { numbers: old?.numbers, asked: 0 });
    other('y');
    assert.equal(await ask('No-Cache'), { numbers: expected({ task: 'y' }, ['a']), asked: 1 });
    assert.equal(await ask(), { numbers: expected({ task: 'y' }, ['a']), asked: 0 });
    await client.embeddings.create({ model, input: 'a' }, { headers: new Headers({ 'cache-control': 'no-cache' }) });
    assert.equal((await ask()).numbers, old?.numbers);
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

  test('responses: of the provider where it was asked, made of the answer where not', async ({ upstream }) => {
    const client = cachedClient(upstream);
    await client.embeddings.create({ model, input: 'a' });
    const asked = await client.embeddings.create({ model, input: ['a', 'b'] }).withResponse();
    assert.equal(numbersOf(asked.data), expected({}, ['a', 'b']));
    assert.is(asked.request_id, 'req_2');
    const idOf = (data: object) => (data as { _request_id?: string | null })._request_id;
    assert.is(idOf(asked.data), 'req_2');
    assert.is(asked.response.headers.get('x-request-id'), 'req_2');
    const counts = ({ headers }: Response) => ['hits', 'misses'].map((of) => headers.get(`x-vecstash-${of}`));
    assert.equal(counts(asked.response), ['1', '1']);
    const hit = await client.embeddings.create({ model, input: ['a', 'b'] }).withResponse();
    assert.equal(hit.data, asked.data);
    assert.equal([hit.request_id, idOf(hit.data)], [null, null]);
    assert.equal([hit.response.status, ...counts(hit.response)], [200, '2', '0']);
    const raw = await client.embeddings.create({ model, input: ['a', 'b'] }).asResponse();
    assert.equal(await raw.json(), hit.data);
    assert.not.ok(Object.keys(hit.data).includes('_request_id'));
    for (const method of ['asResponse', 'withResponse'] as const)
      assert.instance(
        await rejection(client.embeddings.create({ model: 5 } as never)[method]()),
        OpenAI.BadRequestError,
      );
  });

  test('everything else is the client itself', async ({ upstream }) => {
    const plain = plainClient(upstream);
    const client = withEmbeddingCache(plain, { backend: new MemoryBackend() });
    assert.instance(client, OpenAI);
    assert.is(client.constructor, OpenAI);
    assert.is(client.baseURL, upstream.url);
    assert.is(client.chat, plain.chat);
    assert.is(client.post, client.post);
    assert.instance(client.embeddings, OpenAI.Embeddings);
    // Private fields, on the client.
    const raw = (await client.post('/embeddings', { body: { model, input: 'a' } })) as { data: unknown[] };
    assert.is(raw.data.length, 1);
    assert.ok(client.buildURL('/models', {}).endsWith('/v1/models'));
    client.maxRetries = 5;
    assert.is(plain.maxRetries, 5);
    // The client that was given asks every time.
    const before = upstream.requests.length;
    await client.embeddings.create({ model, input: 'a' });
    await plain.embeddings.create({ model, input: 'a' });
    assert.is(upstream.requests.length, before + 2);
  });

  test('withOptions gives a client that shares the cache', async ({ upstream }) => {
    const client = cachedClient(upstream);
    if (!('withOptions' in client)) return; // before version 5
    const other = client.withOptions({ timeout: 1234 });
    assert.instance(other, OpenAI);
    assert.is(other.timeout, 1234);
    await client.embeddings.create({ model, input: 'a' });
    await other.embeddings.create({ model, input: 'a' });
    assert.is(upstream.requests.length, 1);
    const elsewhere = client.withOptions({ baseURL: `${upstream.url}/elsewhere` });
    await elsewhere.embeddings.create({ model, input: 'a' });
    assert.is(upstream.requests.length, 2);
  });

  test('a base URL, or a provider, is part of the key', async ({ upstream }) => {
    const backend = new MemoryBackend();
    const ask = (baseURL: string, provider?: string) =>
      withEmbeddingCache(new OpenAI({ apiKey: 'x', baseURL }), { backend, provider }).embeddings.create({
        model,
        input: 'a',
      });
    await ask(upstream.url);
    await ask(`${upstream.url}/`);
    assert.is(upstream.requests.length, 1);
    await ask(`${upstream.url}/b`);
    await ask(upstream.url, 'ours');
    await ask(`${upstream.url}/c`, 'ours');
    assert.is(upstream.requests.length, 3);
  });

  test('Azure: each deployment is a model', async ({ upstream }) => {
    const backend = new MemoryBackend();
    const azure = (deployment?: string) =>
      withEmbeddingCache(
        new AzureOpenAI({
          apiKey: 'x',
          apiVersion: '2024-10-21',
          endpoint: upstream.url.replace('/v1', ''),
          ...(deployment && { deployment }),
        }),
        { backend },
      );
    for (let round = 0; round < 2; round++) {
      for (const deployment of ['one', 'two', undefined]) {
        const client = azure(deployment);
        assert.instance(client, AzureOpenAI);
        const answer = await client.embeddings.create({ model, input: 'a' });
        assert.equal(numbersOf(answer), expected({}, ['a']));
      }
    }
    const paths = upstream.requests.map(({ url }) => new URL(url, upstream.url).pathname);
    assert.equal(
      paths,
      ['one', 'two', model].map((of) => `/openai/deployments/${of}/embeddings`),
    );
    assert.is(upstream.requests[0]?.headers['api-key'], 'x');
  });

  test('a cache of the user, with counts, and entries that outlive the client', async ({ upstream }) => {
    const backend = new MemoryBackend();
    const cache = createCache({ backend });
    const client = cachedClient(upstream, { cache, namespace: 'mine', precision: 'exact', ttl: '1h' });
    await client.embeddings.create({ model, input: ['a', 'b'] });
    await client.embeddings.create({ model, input: ['a', 'b', 'c'] });
    const { hits, misses, fills } = cache.stats().mine as { hits: number; misses: number; fills: number };
    assert.equal([hits, misses, fills], [2, 3, 3]);
    const later = cachedClient(upstream, { backend, namespace: 'mine' });
    const answer = await later.embeddings.create({ model, input: ['a', 'b', 'c'] });
    assert.equal(numbersOf(answer), expected({}, ['a', 'b', 'c']));
    assert.is(answer.usage.prompt_tokens, 3 * upstreamTokens('a'));
    // What the provider called it is not stored.
    assert.is(answer.model, model);
    assert.is(upstream.requests.length, 2);
  });

  test('a closed cache is an error of the SDK', async ({ upstream }) => {
    const cache = createCache({ backend: new MemoryBackend() });
    const client = cachedClient(upstream, { cache });
    await cache.close();
    const error = await rejection(client.embeddings.create({ model, input: 'a' }, null as never));
    assert.instance(error, OpenAI.APIError);
    assert.match(error.message, /closed/);
  });

  test('a rate limit is one for all models, and hits cost nothing', async ({ upstream }) => {
    const counted: unknown[] = [];
    const countTokens = (input: unknown) => counted.push(input);
    const client = cachedClient(upstream, { backend: new MemoryBackend(), rateLimit: { requests: 2, countTokens } });
    await client.embeddings.create({ model, input: ['a'] });
    await client.embeddings.create({ model: 'another', input: [[7, 8]] });
    await client.embeddings.create({ model, input: ['a'] });
    assert.equal(counted, ['a', [7, 8]]);
    const controller = new AbortController();
    const call = rejection(client.embeddings.create({ model, input: ['b'] }, { signal: controller.signal }));
    while (counted.length < 3) await new Promise(setImmediate);
    assert.is(upstream.requests.length, 2);
    controller.abort();
    assert.match((await call).message, /abort/i);
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
