import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cosine } from '../../examples/quickstart/neighbours.js';
import { loadRecordedTexts } from '../../examples/quickstart/texts.js';
import type { EndpointOptions } from '../../examples/upload-endpoint/endpoint.js';
import { digestOf } from '../../examples/upload-endpoint/models/digest.js';
import type { ErrorAnswer, UploadAnswer } from '../../examples/upload-endpoint/wire.js';
import { until } from '../../src/testing/until.js';
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.js';
import { prf } from '../support/prf.js';
import { recordedModel } from '../support/recorded-model.js';
import { startRedis } from '../support/redis-server.js';
import { skipped } from '../support/skip.js';
import {
  isStoreUp,
  picture,
  pictures,
  post,
  postImages,
  postTexts,
  snapshotOf,
  withEndpoint,
} from '../support/upload-client.js';

const recorded = loadRecordedTexts();
/** Vectors that are known before, where a test compares bits. */
const RECORDED = { texts: recordedModel(recorded) };

const statuses = ({ items }: UploadAnswer) => items.map(({ status }) => status);
const shownOf = (vector: Float32Array) => ({
  digest: digestOf(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)).slice(0, 12),
  vector: [...vector.subarray(0, 4)],
});

test('texts: in order, the vectors that the model gives, bit for bit; misses, then hits of the same bits', async () => {
  await withEndpoint(async (endpoint) => {
    const [first, second, third] = recorded.texts as [string, string, string];
    const texts = [second, 'a text that nobody recorded', first, second, third];
    const cold = await postTexts(endpoint, texts);
    assert.is(cold.status, 200);
    const { count, hits, misses, dimensions } = cold.body;
    assert.equal({ count, hits, misses, dimensions }, { count: 5, hits: 0, misses: 4, dimensions: 384 });
    const vectors = [
      recorded.vectorOf(second),
      prf(texts[1] as string, 384),
      recorded.vectorOf(first),
      recorded.vectorOf(second),
      recorded.vectorOf(third),
    ];
    assert.equal(
      cold.body.items.map(({ digest, vector }) => ({ digest, vector })),
      vectors.map(shownOf),
    );

    const warm = await postTexts(endpoint, [...texts, 'one more']);
    assert.equal([warm.body.hits, warm.body.misses], [4, 1]);
    assert.equal(statuses(warm.body), ['hit', 'hit', 'hit', 'hit', 'hit', 'miss']);
    assert.equal(
      warm.body.items.slice(0, 5).map(({ digest }) => digest),
      cold.body.items.map(({ digest }) => digest),
    );
    assert.not.match(JSON.stringify([cold, warm]), 'nobody recorded');
  }, RECORDED);
});

test('whatever is typed is embedded by a real model: cat is nearer to kitten than to bond yields', async () => {
  await withEndpoint(async (endpoint) => {
    const json = { 'content-type': 'application/json' };
    const body = JSON.stringify({ texts: ['cat', 'kitten', 'bond yields', 'x'.repeat(32 * 1024)] });
    const embed = async () => {
      const answer = await post(endpoint, '/api/texts?vectors=base64', { headers: json, body });
      assert.is(answer.status, 200, JSON.stringify(answer.body));
      const vectors = (answer.body.vectors ?? []).map((text) => {
        const bytes = Buffer.from(text, 'base64');
        return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
      });
      return { ...answer.body, vectors };
    };
    const cold = await embed();
    const [cat, kitten, bonds] = cold.vectors as [Float32Array, Float32Array, Float32Array];
    assert.equal([cold.dimensions, cat.length], [512, 512]);
    assert.ok(cosine(cat, kitten) > cosine(cat, bonds) + 0.3, `${cosine(cat, kitten)}, ${cosine(cat, bonds)}`);
    assert.ok(cosine(cat, kitten) < 0.999);
    const warm = await embed();
    assert.equal([cold.misses, warm.hits], [4, 4]);
    assert.equal(warm.vectors, cold.vectors);
    assert.is((await postTexts(endpoint, ['cat'])).body.vectors, undefined);
  });
});

test('a price makes money of the tokens saved; a reset empties the cache and begins the figures anew', async () => {
  await withEndpoint(
    async (endpoint) => {
      await postTexts(endpoint, ['cat', 'kitten']);
      await postTexts(endpoint, ['cat', 'kitten']);
      const { tokensSaved, moneySaved } = await snapshotOf(endpoint, ({ hits }) => hits > 0);
      assert.ok((tokensSaved ?? 0) > 0);
      assert.is(moneySaved, ((tokensSaved ?? 0) * 20) / 1e6);
      const reset = (type: string) =>
        post<unknown>(endpoint, '/api/reset', { headers: { 'content-type': type }, body: '{}' });
      assert.is((await reset('text/plain')).status, 415);
      assert.is((await reset('application/json')).status, 200);
      const anew = await snapshotOf(endpoint, ({ resets }) => resets === 1);
      assert.equal([anew.hits, anew.misses, anew.hitRate, anew.moneySaved, anew.tokensSaved], [0, 0, null, 0, 0]);
      assert.equal([anew.batches, anew.tiers.l1 + anew.tiers.missing, anew.bytes.raw], [[], 0, 0]);
      assert.equal((await postTexts(endpoint, ['cat'])).body.misses, 1);
    },
    { price: 20 },
  );
});

test('images: every format, in order, misses and then hits of the same bits, across a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-endpoint-'));
  const png = await picture(1);
  const grey = await sharp(png).greyscale().png().toBuffer();
  const clear = await sharp(png).ensureAlpha(0.5).webp().toBuffer();
  const files: [string, Uint8Array][] = [
    ['a.png', png],
    ['b.jpg', await picture(2, 'jpeg')],
    ['c.webp', await picture(3, 'webp')],
    ['d.gif', await picture(4, 'gif')],
    ['grey.png', grey],
    ['clear.webp', clear],
    ['a again.png', png],
  ];
  let cold: UploadAnswer | undefined;
  await withEndpoint(
    async (endpoint) => {
      const { status, body } = await postImages(endpoint, files);
      assert.is(status, 200, JSON.stringify(body));
      assert.equal([body.count, body.hits, body.misses, body.dimensions], [7, 0, 6, 512]);
      assert.equal(
        body.items.map(({ name }) => name),
        files.map(([name]) => name),
      );
      assert.is(new Set(body.items.map(({ digest }) => digest)).size, 6);
      assert.is(body.model, 'features of the pixels, no model');
      cold = body;
    },
    { folder },
  );
  await withEndpoint(
    async (endpoint) => {
      const { body } = await postImages(endpoint, files);
      assert.equal([body.hits, body.misses], [6, 0]);
      assert.equal(
        body.items.map(({ digest }) => digest),
        cold?.items.map(({ digest }) => digest),
      );
    },
    { folder },
  );
  rmSync(folder, { recursive: true, force: true });
});

/** Runs with a Redis behind a proxy, which counts round trips and holds answers back for a while. */
async function withProxiedRedis(run: (options: EndpointOptions, proxy: CountingProxy) => Promise<void>): Promise<void> {
  const server = await startRedis();
  if (!server.isPrivate) return skipped('what goes through a proxy needs a Redis of its own');
  const proxy = await startCountingProxy(Number(new URL(server.url).port));
  try {
    // Alone, the endpoint sends no hello to others each second, which would be counted as well.
    await run({ redis: `redis://127.0.0.1:${proxy.port}`, isShared: false }, proxy);
  } finally {
    await proxy.stop();
    await server.stop();
  }
}

test('uploads at the same time, whose lookups overlap: each answer counts its own hits', async () => {
  await withProxiedRedis((options) =>
    withEndpoint(
      async (endpoint) => {
        const known = recorded.texts.slice(0, 30);
        await postTexts(endpoint, known);
        const answers = await Promise.all(
          Array.from({ length: 12 }, (_, i) => {
            const fresh = Array.from({ length: i }, (_, j) => `fresh ${i} ${j}`);
            return postTexts(endpoint, [...known.slice(0, i + 1), ...fresh]);
          }),
        );
        assert.equal(
          answers.map(({ body }) => [body.hits, body.misses]),
          answers.map((_, i) => [i + 1, i]),
        );
      },
      { ...RECORDED, ...options },
    ),
  );
});

test('an image that cannot be decoded is named, and fails nobody who uploads a sound one at the same time', async () => {
  await withEndpoint(async (endpoint) => {
    const good = await picture(5);
    const cut = (await picture(6)).subarray(0, 60);
    const [bad, ...sound] = await Promise.all([
      postImages<ErrorAnswer>(endpoint, [
        ['good.png', good],
        ['cut.png', cut],
      ]),
      ...Array.from({ length: 4 }, () => postImages(endpoint, [['mine.png', good]])),
    ]);
    assert.is(bad.status, 422);
    assert.equal([bad.body.error.code, bad.body.error.field], ['not_decodable', 'cut.png']);
    for (const { status, body } of sound) assert.is(status, 200, JSON.stringify(body));
  });
});

test('10 images uploaded together: one round trip for the lookups', async () => {
  const files = await pictures(10);
  await withProxiedRedis(async (options, proxy) => {
    await withEndpoint(async (endpoint) => {
      const { body } = await postImages(endpoint, files);
      assert.equal([body.hits, body.misses], [0, 10]);
    }, options);
    // Another process, whose memory is empty.
    await withEndpoint(async (endpoint) => {
      await until('connected', () => isStoreUp(endpoint));
      proxy.roundTrips = 0;
      const { body } = await postImages(endpoint, files);
      const { roundTrips } = proxy;
      assert.equal([body.hits, body.misses], [10, 0]);
      assert.is(roundTrips, 1);
    }, options);
  });
});

test('an OpenAI-compatible endpoint makes the vectors, its tokens are saved, and its failure is a 502 without the texts', async () => {
  // Stands in for the endpoint: the protocol, with vectors that are made from the texts.
  let isBroken = false;
  const standIn = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    response.setHeader('content-type', 'application/json');
    if (isBroken) {
      response.statusCode = 401;
      response.end(JSON.stringify({ error: { message: `no right to ${Buffer.concat(chunks)}` } }));
      return;
    }
    const { input, dimensions, model } = JSON.parse(Buffer.concat(chunks).toString());
    const data = (input as string[]).map((text, index) => {
      const embedding = Buffer.from(prf(text, dimensions).buffer).toString('base64');
      return { object: 'embedding', index, embedding };
    });
    const usage = { prompt_tokens: 7 * input.length, total_tokens: 7 * input.length };
    response.end(JSON.stringify({ object: 'list', data: data.reverse(), model, usage }));
  }).listen(0, '127.0.0.1');
  await once(standIn, 'listening');
  const { port } = standIn.address() as AddressInfo;
  const openai = { apiKey: 'k', baseURL: `http://127.0.0.1:${port}/v1`, model: 'some-model', dimensions: 64 };
  try {
    await withEndpoint(
      async (endpoint) => {
        const texts = ['first', 'second', 'third'];
        const { status, body } = await postTexts(endpoint, texts);
        assert.is(status, 200, JSON.stringify(body));
        assert.equal(
          body.items.map(({ digest, vector }) => ({ digest, vector })),
          texts.map((text) => shownOf(prf(text, 64))),
        );
        assert.is(body.model, `some-model at 127.0.0.1:${port}`);
        await postTexts(endpoint, texts);
        const snapshot = await snapshotOf(endpoint, ({ hits }) => hits > 0);
        assert.is(snapshot.tokensSaved, 21);

        isBroken = true;
        const broken = await postTexts<ErrorAnswer>(endpoint, ['first', 'words of mine']);
        assert.equal([broken.status, broken.body.error.code], [502, 'model_failed']);
        assert.match(broken.body.error.message, 'status 401');
        assert.not.match(JSON.stringify(broken.body), 'words of mine');
      },
      { openai },
    );
  } finally {
    standIn.closeAllConnections();
    standIn.close();
  }
});

test.run();
