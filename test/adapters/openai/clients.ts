import * as assert from 'uvu/assert';
import { withEmbeddingCache } from '../../../src/adapters/openai/openai.js';
import { MemoryBackend } from '../../../src/backends/memory/memory.js';
import { createCache } from '../../../src/cache/cache.js';
import { failing, upstreamAnswer, upstreamTokens } from '../../support/openai-upstream.js';
import { rejection } from '../../support/rejection.js';
import { expected, model, numbersOf, type Sdk, suiteOver } from './suite-over.js';

/** What a client has beside its vectors. */
export function clients(name: string, sdk: Sdk): void {
  const { test, plainClient, cachedClient } = suiteOver(`clients of withEmbeddingCache, ${name}`, sdk);
  const { OpenAI, AzureOpenAI } = sdk;

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

  test.run();
}
