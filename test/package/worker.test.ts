import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudflareKVBackend } from '../../src/backends/cloudflare-kv/cloudflare-kv.js';
import { createCache } from '../../src/cache/cache.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { nativeMissing } from '../support/engines.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';
import { bundleWorker, OLDEST, startWorker } from '../support/worker.js';

const DIMENSIONS = 384;
const texts = Array.from({ length: 250 }, (_, index) => `text ${index}`);

/** Compares vectors bit for bit, without a diff of a megabyte. */
function assertVectors(vectors: Uint8Array | (Float32Array | undefined)[], of: string[]): void {
  const seen = Array.isArray(vectors) ? vectors.map(bytesOf).join('') : Buffer.from(vectors).toString('hex');
  assert.ok(seen === of.map((text) => bytesOf(prf(text, DIMENSIONS))).join(''), 'the vectors are right');
}

const bundle = await bundleWorker();
const worker = await startWorker(bundle.code, OLDEST);
/** The Worker's records, as this process sees them. */
const backend = () => new CloudflareKVBackend({ binding: worker.binding, requestTimeout: '30s' });

test.after(() => worker.stop());

test('the bundle has what a Worker can run and nothing else', async () => {
  const inputs = Object.keys(bundle.inputs);
  for (const input of ['shims/native-absent.cjs', 'shims/wasm-worker.mjs'])
    assert.ok(inputs.includes(input), inputs.join(' '));
  const unwanted = inputs.filter((path) =>
    /(native\/load|shims\/(require|wasm))\.cjs|\.node$|better-sqlite3|zstd-napi|lz4-napi|ioredis|aws-sdk|@upstash|fast-check/.test(
      path,
    ),
  );
  assert.equal(unwanted, []);
  assert.ok(inputs.some((path) => path.startsWith('dist/esm/')));
  assert.not.ok(inputs.some((path) => path.startsWith('src/') || path.startsWith('dist/cjs/')));
  assert.not.ok(bundle.code.includes('.node"') || bundle.code.includes(".node'"));
  const imported = [...bundle.code.matchAll(/^import [^;]*?from ["']([^"']+)["']/gm)].map(([, from]) => from);
  assert.ok(imported.includes('../native/vecstash.wasm'));
  const others = imported.filter((from) => from !== '../native/vecstash.wasm');
  assert.ok(others.length > 0 && others.every((from) => from?.startsWith('node:')), others.join(' '));
  const { code } = await bundleWorker({ minify: true });
  assert.ok(code.length < 175_000, `minified: ${code.length} bytes`);
});

test('a Worker embeds, bit for bit, and is served from KV the second time', async () => {
  const first = await worker.ask({ namespace: 'own', texts, dimensions: DIMENSIONS });
  assertVectors(first.bytes, texts);
  assert.equal(first.told.asked, texts);
  assert.is(first.told.engine, 'portable');
  assert.is(first.told.stats.own?.errors, 0);

  const more = [...texts.slice(100), 'one more', ...texts.slice(0, 3)];
  const second = await worker.ask({ namespace: 'own', texts: more, dimensions: DIMENSIONS });
  assertVectors(second.bytes, more);
  assert.equal(second.told.asked, ['one more']);
  assert.is(second.told.stats.own?.corrupt, 0);
});

const embeddingsHere = (namespace: string, options: object = {}) =>
  createCache({ backend: backend(), readTimeout: '30s', ...options }).embeddings(namespace, {
    model: 'prf',
    dimensions: DIMENSIONS,
  });

test('what a Worker wrote is read here by the native engine, and the other way round', async () => {
  const isNative = nativeMissing === undefined && process.env.VECSTASH_NATIVE !== 'off';
  assert.is(createVectorCodec({ dimensions: DIMENSIONS }).engine, isNative ? 'native' : 'portable');
  await worker.ask({ namespace: 'theirs', texts, dimensions: DIMENSIONS });
  const read = await embeddingsHere('theirs').getMany(texts);
  assertVectors(read, texts);

  await embeddingsHere('ours').setMany(texts.map((text) => [text, prf(text, DIMENSIONS)]));
  const served = await worker.ask({ namespace: 'ours', texts, dimensions: DIMENSIONS });
  assert.equal(served.told.asked, []);
  assert.is(served.told.stats.ours?.hits, texts.length);
  assertVectors(served.bytes, texts);
});

test('the same with sealed records', async () => {
  const options = { secret: 'a secret of at least 32 bytes, for a worker', encrypt: true };
  await worker.ask({ namespace: 'sealed', texts: ['a', 'b'], dimensions: DIMENSIONS, options });
  const here = embeddingsHere('sealed', options);
  assertVectors(await here.getMany(['a', 'b']), ['a', 'b']);
  await here.set('c', prf('c', DIMENSIONS));
  const served = await worker.ask({ namespace: 'sealed', texts: ['c', 'd'], dimensions: DIMENSIONS, options });
  assert.equal(served.told.asked, ['d']);
  assertVectors(served.bytes, ['c', 'd']);
});

test('values, compressed with zstd, cross both ways', async () => {
  const value = { text: 'the same again '.repeat(100), numbers: [1, 2.5, -3], nothing: null };
  const answer = async (body: object) =>
    JSON.parse(Buffer.from((await worker.ask({ namespace: 'values', ...body })).bytes).toString());
  const here = createCache({ backend: backend(), readTimeout: '30s' }).values<typeof value>('values');
  await here.set('ours', value);
  assert.equal(await answer({ key: 'ours' }), value);
  assert.equal(await answer({ key: 'theirs', value }), value);
  assert.equal(await here.get('theirs'), value);
  const { keys } = await worker.binding.list({ prefix: '~' });
  const names = keys.map(({ name }) => name).filter((name) => name.includes(':values:'));
  const records = await worker.binding.getWithMetadata(names, { type: 'text' });
  assert.is(records.size, 2);
  for (const record of records.values()) assert.ok((record?.value?.length ?? 0) < 400, 'it is compressed');
});

test('under a newer date it is the same', async () => {
  const settings = { compatibilityDate: '2026-04-01', compatibilityFlags: ['nodejs_compat'] };
  const newer = await startWorker(bundle.code, settings);
  for (const asked of [['a', 'b'], []]) {
    const { bytes, told } = await newer.ask({ namespace: 'docs', texts: ['a', 'b'], dimensions: DIMENSIONS });
    assertVectors(bytes, ['a', 'b']);
    assert.equal(told.asked, asked);
  }
  await newer.stop();
});

test('without nodejs_compat a Worker does not start', async () => {
  const error = await rejection(startWorker(bundle.code, { ...OLDEST, compatibilityFlags: [] }));
  assert.is((error as NodeJS.ErrnoException).code, 'ERR_RUNTIME_FAILURE');
});

test.run();
