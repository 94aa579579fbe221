import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { compressSync } from 'lz4-napi';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { getCacheService, resetCacheService } from '../../src/service/environment.js';
import { createImageEmbeddingKey, createTextEmbeddingKey } from '../../src/service/keys.js';
import { CacheService, type CacheServiceOptions } from '../../src/service/service.js';
import { scripted } from '../support/backends.js';
import { compileAsConsumer } from '../support/compile.js';
import { bytesOf, prf } from '../support/prf.js';
import { startRedis } from '../support/redis-server.js';

const test = suite('CacheService');
const DIMENSIONS = 768;
const vector = (text: string) => prf(text, DIMENSIONS);
const image = (name: string) => new TextEncoder().encode(`image ${name}`);

test('text embeddings: a map in input order, of what there is, in one round trip', async () => {
  const backend = scripted();
  const service = new CacheService(backend);
  await service.setTextEmbeddings(new Map(['a', 'b', 'c'].map((text) => [text, vector(text)])));
  backend.reads = 0;
  const found = await service.getTextEmbeddings(['c', 'none', 'a', 'c']);
  assert.equal([...found.keys()], ['c', 'a']);
  for (const [text, held] of found) assert.is(bytesOf(held), bytesOf(vector(text)));
  assert.is(backend.reads, 1);
  await service.setTextEmbedding('d', [...vector('d')]);
  assert.is(bytesOf(await service.getTextEmbedding('d')), bytesOf(vector('d')));
  assert.is(await service.getTextEmbedding('none'), undefined);
  assert.is(bytesOf(await service.getTextEmbeddingByKey(createTextEmbeddingKey('a'))), bytesOf(vector('a')));
  const wrong = await service.setTextEmbedding('e', [1, 2, 3]).catch((error) => error);
  assert.instance(wrong, InvalidInputError);
});

test('calls of the model are retried and limited, and their tokens split by the texts', async () => {
  const counted: string[] = [];
  const told: (number | undefined)[][] = [];
  let calls = 0;
  const service = new CacheService(new MemoryBackend(), {
    text: {
      dimensions: 8,
      retry: { minDelay: 1 },
      rateLimit: { requests: 10, countTokens: (text) => counted.push(text) },
      embed: async (texts, { usage }) => {
        calls += 1;
        if (calls === 1) throw Object.assign(new Error('overloaded'), { status: 503 });
        usage(10);
        return texts.map((text) => prf(text, 8));
      },
    },
  });
  await service.embedTexts(['aaaa', 'b'], { onUsage: (tokens) => told.push(tokens) });
  await service.embedTexts(['b', 'aaaa'], { onUsage: (tokens) => told.push(tokens) });
  assert.is(calls, 2);
  assert.equal(counted, ['aaaa', 'b', 'aaaa', 'b']);
  assert.equal(told, [
    [8, 2],
    [2, 8],
  ]);
});

test('image embeddings are known by their bytes', async () => {
  const service = new CacheService(new MemoryBackend(), { image: { dimensions: 8 } });
  const [one, same, other] = [image('1'), image('1'), image('2')];
  await service.setImageEmbeddings([[one, prf('1', 8)]]);
  const found = await service.getImageEmbeddings([other, same]);
  assert.is(found.size, 1);
  assert.is(bytesOf(found.get(same)), bytesOf(prf('1', 8)));
  assert.is(bytesOf(await service.getImageEmbeddingByKey(createImageEmbeddingKey(one))), bytesOf(prf('1', 8)));
  await service.setImageEmbedding(other, prf('2', 8));
  assert.ok(await service.getImageEmbedding(image('2')));
});

test('embedding: what is known in one round trip, the rest from the model, each once, in order', async () => {
  const backend = scripted();
  const asked: string[][] = [];
  const images: Uint8Array[][] = [];
  const service = new CacheService(backend, {
    text: {
      dimensions: 8,
      embed: async (texts, { usage }) => {
        asked.push(texts);
        usage(texts.length);
        return texts.map((text) => prf(text, 8));
      },
    },
    image: {
      dimensions: 8,
      batchSize: 1,
      embed: async (inputs) => {
        images.push(inputs);
        return inputs.map((input) => prf(new TextDecoder().decode(input), 8));
      },
    },
  });
  await service.setTextEmbedding('known', prf('known', 8));
  backend.reads = 0;
  const texts = ['new', 'known', 'newer', 'new'];
  const vectors = await service.embedTexts(texts);
  assert.equal(
    vectors.map(bytesOf),
    texts.map((text) => bytesOf(prf(text, 8))),
  );
  assert.equal(asked, [['new', 'newer']]);
  assert.is(backend.reads, 1);
  assert.is(bytesOf(await service.getTextEmbedding('newer')), bytesOf(prf('newer', 8)));
  const pictures = [image('1'), image('2'), image('1')];
  const expected = ['image 1', 'image 2', 'image 1'].map((text) => bytesOf(prf(text, 8)));
  assert.equal((await service.embedImages(pictures)).map(bytesOf), expected);
  assert.equal((await service.embedImages(pictures)).map(bytesOf), expected);
  assert.equal(images, [[pictures[0]], [pictures[1]]]);
  const refused = await new CacheService(backend).embedTexts(['a']).catch((error) => error);
  assert.instance(refused, InvalidOptionError);
});

test('inputs that are none are named', async () => {
  const service = new CacheService(new MemoryBackend());
  const field = async (call: () => Promise<unknown>) => {
    const error = await (async () => call())().catch((caught) => caught);
    assert.instance(error, InvalidInputError);
    return (error as InvalidInputError).field;
  };
  assert.is(await field(() => service.getTextEmbeddings(['a', 5 as unknown as string])), 'texts[1]');
  assert.is(await field(() => service.embedTexts('abc' as unknown as string[])), 'texts');
  assert.is(await field(() => service.getImageEmbedding('abc' as unknown as Uint8Array)), 'images[0]');
});

test('what an older cache has is not paid for', async () => {
  const old = new MemoryBackend();
  const json = new TextEncoder().encode(JSON.stringify([...prf('old', 8)]));
  await old.setMany([{ key: 'old', value: json }]);
  const asked: string[] = [];
  const service = new CacheService(new MemoryBackend(), {
    text: {
      dimensions: 8,
      embed: async (texts) => {
        asked.push(...texts);
        return texts.map((text) => prf(text, 8));
      },
    },
    migrate: { from: old, textKey: (text) => text },
  });
  const vectors = await service.embedTexts(['new', 'old']);
  assert.equal(vectors.map(bytesOf), [bytesOf(prf('new', 8)), bytesOf(prf('old', 8))]);
  assert.equal(asked, ['new']);
  assert.is(service.migration()?.migrated, 1);
});

test('search results and recent assets belong to their user', async () => {
  const service = new CacheService(new MemoryBackend());
  await service.setSearchResults('1', '2:x', ['a']);
  await service.setSearchResults('u', 'cats', [{ id: 1 }]);
  await service.setRecentAssets('u', [{ id: 7 }]);
  assert.equal(await service.getSearchResults('u', 'cats'), [{ id: 1 }]);
  assert.is(await service.getSearchResults('v', 'cats'), undefined);
  assert.is(await service.getSearchResults('1:2', 'x'), undefined, 'user and query are not simply joined');
  assert.equal(await service.getRecentAssets('u'), [{ id: 7 }]);
  assert.is(await service.getRecentAssets('v'), undefined);
  assert.ok(await service.deleteRecentAssets('u'));
  assert.is(await service.getRecentAssets('u'), undefined);
});

test('lives: search results 15 minutes, assets 30, embeddings for ever, or as said', async () => {
  const lives: (number | undefined)[] = [];
  const backend = scripted({
    setMany: async (entries) => void lives.push(...entries.map(({ ttlMs }) => ttlMs)),
  });
  const fill = async (options?: CacheServiceOptions) => {
    const service = new CacheService(backend, options);
    await service.setTextEmbedding('a', vector('a'));
    await service.setSearchResults('u', 'q', []);
    await service.setRecentAssets('u', []);
    return lives.splice(0);
  };
  assert.equal(await fill(), [undefined, 900_000, 1_800_000]);
  assert.equal(await fill({ text: { ttl: '1h' }, searchTtl: '1m', assetsTtl: 5 }), [3_600_000, 60_000, 5]);
});

test('clear takes one namespace or all, and another version sees nothing', async () => {
  const backend = new MemoryBackend();
  const service = new CacheService(backend);
  const fill = async () => {
    await service.setTextEmbedding('a', vector('a'));
    await service.setSearchResults('u', 'q', [1]);
    await service.setRecentAssets('u', [1]);
  };
  await fill();
  assert.is(await service.clear('search-results'), 1);
  assert.ok(await service.getTextEmbedding('a'));
  assert.is(await new CacheService(backend, { version: 2 }).getTextEmbedding('a'), undefined);
  assert.is(await service.clear(), 2);
  const stats = service.stats();
  assert.equal(Object.keys(stats).sort(), ['assets', 'image-embeddings', 'search-results', 'text-embeddings']);
  assert.is(stats['text-embeddings']?.hits, 1);
  assert.ok((await service.health()).ok);
  await service.close();
});

test('options are checked', () => {
  const named = (name: string) => (error: unknown) => error instanceof InvalidOptionError && error.option === name;
  for (const [options, name] of [
    [{ searchTtl: 'soon' }, 'searchTtl'],
    [{ text: { dimensions: 0 } }, 'dimensions'],
    [{ versoin: 2 }, 'versoin'],
  ] as const) {
    assert.throws(() => new CacheService(new MemoryBackend(), options as CacheServiceOptions), named(name));
  }
});

test('what an older cache left is read, checked, stored anew and counted', async () => {
  const dimensions = 16;
  const of = (text: string) => prf(text, dimensions);
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const raw = (text: string) => new Uint8Array(of(text).buffer);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const forms: Record<string, Uint8Array> = {
    array: json([...of('array')]),
    object: json({ embedding: [...of('object')], model: 'clip' }),
    vector: json({ vector: [...of('vector')] }),
    typed: json(of('typed')),
    raw: raw('raw'),
    plain: json({ compressed: false, data: [...of('plain')] }),
    gzip: json({ compressed: true, data: base64(gzipSync(JSON.stringify([...of('gzip')]))) }),
    lz4: json({ compressed: true, data: base64(compressSync(Buffer.from(raw('lz4')))) }),
  };
  const bad: Record<string, Uint8Array> = {
    short: json([1, 2, 3]),
    words: json(Array.from({ length: dimensions }, () => 'x')),
    zeros: json(Array.from({ length: dimensions }, () => 0)),
    nulls: json(Array.from({ length: dimensions }, () => null)),
    noise: new Uint8Array([1, 2, 3]),
    bomb: json({ compressed: true, data: base64(gzipSync(Buffer.alloc(64 * 2 ** 20))) }),
    lies: json({ compressed: true, data: base64(new Uint8Array([255, 255, 255, 255, 1])) }),
  };
  const old = new MemoryBackend();
  const textKey = (text: string) => `txt:${createHash('sha1').update(text).digest('hex')}`;
  const entries = Object.entries({ ...forms, ...bad });
  await old.setMany(entries.map(([text, value]) => ({ key: textKey(text), value })));
  const service = new CacheService(new MemoryBackend(), { text: { dimensions }, migrate: { from: old, textKey } });
  const texts = [...Object.keys(forms), ...Object.keys(bad), 'unknown'];
  const found = await service.getTextEmbeddings(texts);
  assert.equal([...found.keys()], Object.keys(forms));
  for (const [text, held] of found) assert.is(bytesOf(held), bytesOf(of(text)), text);
  const count = Object.keys(forms).length;
  const expected = { asked: texts.length, migrated: count, refused: Object.keys(bad).length, errors: 0 };
  assert.equal(service.migration(), expected);
  await old.clear('');
  assert.is((await service.getTextEmbeddings(Object.keys(forms))).size, count, 'stored anew');
  await old.close();
  assert.is((await service.getTextEmbeddings(['unknown'])).size, 0);
  assert.is(service.migration()?.errors, 1);
  assert.is(new CacheService(new MemoryBackend()).migration(), undefined);
});

test('the service of the process is made from the environment', async () => {
  const server = await startRedis();
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-service-'));
  const names = ['REDIS_URL', 'KV_REST_API_URL', 'UPSTASH_REDIS_REST_URL', 'VECSTASH_PATH'];
  const before = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  const set = (values: Record<string, string>) => {
    for (const name of names) delete process.env[name];
    Object.assign(process.env, values);
  };
  try {
    set({ REDIS_URL: server.url });
    const keyPrefix = `service-${process.pid}`;
    const service = getCacheService({ keyPrefix });
    assert.is(getCacheService(), service);
    await service.setTextEmbedding('a', vector('a'));
    const redis = new Redis(server.url);
    assert.is((await redis.keys(`${keyPrefix}:*`)).length, 1);
    await service.clear();
    redis.disconnect();
    await resetCacheService();
    assert.is.not(getCacheService(), service);
    await resetCacheService();

    set({ VECSTASH_PATH: join(folder, 'sub', 'cache.sqlite') });
    await getCacheService().setTextEmbedding('a', vector('a'));
    await resetCacheService();
    assert.ok(await getCacheService().getTextEmbedding('a'), 'kept in a file');
    await resetCacheService();
    await resetCacheService();

    set({ KV_REST_API_URL: 'https://127.0.0.1:1' });
    assert.throws(
      () => getCacheService(),
      (error: unknown) => error instanceof InvalidOptionError && error.option === 'token',
    );
  } finally {
    set(
      Object.fromEntries(Object.entries(before).filter(([, value]) => value !== undefined)) as Record<string, string>,
    );
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
  }
});

test('a key of another kind does not compile', () => {
  compileAsConsumer({
    'keys.mts': `
      import { MemoryBackend } from 'vecstash';
      import { CacheService, createImageEmbeddingKey, createTextEmbeddingKey, type TextEmbeddingKey } from 'vecstash/service';
      const service = new CacheService(new MemoryBackend());
      service.getTextEmbeddingByKey(createTextEmbeddingKey('a'));
      service.getImageEmbeddingByKey(createImageEmbeddingKey(new Uint8Array(1)));
      // @ts-expect-error an image's key
      service.getTextEmbeddingByKey(createImageEmbeddingKey(new Uint8Array(1)));
      // @ts-expect-error a text's key
      service.getImageEmbeddingByKey(createTextEmbeddingKey('a'));
      // @ts-expect-error any string
      service.getTextEmbeddingByKey('txt:a');
      // @ts-expect-error a namespace that is none
      service.clear('texts');
      export const key: TextEmbeddingKey = createTextEmbeddingKey('a');
    `,
  });
});

test.run();
