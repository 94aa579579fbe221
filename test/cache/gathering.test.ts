import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import type { Embeddings } from '../../src/cache/embeddings.js';
import { EmbedError, InvalidOptionError } from '../../src/errors.js';
import { DIMENSIONS, expected, open } from '../support/embeddings.js';
import { deferred, testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('gathering');
const GATHER = { gather: 5 };

test('1000 calls at once are one read, and as few calls of the model as batches', async () => {
  const { embeddings, model, backend } = open(undefined, { ...GATHER, batchSize: 96 });
  await embeddings.embed(['text 3', 'text 5']);
  const [reads, calls] = [backend.reads, model.calls.length];
  const texts = Array.from({ length: 1000 }, (_, i) => `text ${i % 700}`);
  const vectors = await Promise.all(texts.map((text) => embeddings.embed([text])));
  assert.equal(
    vectors.map(([vector]) => bytesOf(vector)),
    expected(texts),
  );
  assert.is(backend.reads, reads + 1);
  assert.is(model.calls.length - calls, Math.ceil(698 / 96));
  for (const [vector] of vectors) vector?.fill(0);
  assert.equal((await embeddings.embed(texts)).map(bytesOf), expected(texts));
});

test('each call gets its own part, whatever the others do', async () => {
  const text = fc.integer({ min: 0, max: 12 }).map((i) => `text ${i}`);
  const call = fc.record({
    texts: fc.array(text, { maxLength: 8 }),
    kind: fc.constantFrom('plain', 'aborted', 'throws', 'mutates', 'refresh', 'bypass', 'ttl'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(call, { minLength: 1, maxLength: 12 }),
      fc.array(text, { maxLength: 3 }),
      async (calls, bad) => {
        const embed = async (texts: string[]) => {
          if (texts.some((one) => bad.includes(one))) throw new Error('bad');
          return texts.map((one) => prf(one, DIMENSIONS));
        };
        const { embeddings, cache } = open({ calls: [], embed }, { ...GATHER, batchSize: 1 });
        await Promise.all(
          calls.map(async ({ texts, kind }) => {
            const controller = new AbortController();
            const found: number[][] = [];
            const options = {
              signal: controller.signal,
              ...(kind === 'refresh' && { refresh: true }),
              ...(kind === 'bypass' && { bypass: true }),
              ...(kind === 'ttl' && { ttl: 60_000 }),
              onLookup: (flags: Uint8Array) => {
                found.push([...flags]);
                if (kind === 'throws') throw new Error('of the caller');
              },
            };
            const asked = [...texts];
            const answer = embeddings.embed(asked, options);
            asked.fill('changed');
            if (kind === 'aborted') controller.abort(new Error('of the signal'));
            const failed = texts.flatMap((one, i) => (bad.includes(one) ? [i] : []));
            try {
              const vectors = await answer;
              assert.equal(vectors.map(bytesOf), expected(texts));
              assert.ok(failed.length === 0 && (kind !== 'throws' || texts.length === 0));
              if (kind === 'mutates') for (const vector of vectors) vector.fill(7);
            } catch (error) {
              if (kind === 'aborted') assert.is((error as Error).message, 'of the signal');
              else if (kind === 'throws') assert.is((error as Error).message, 'of the caller');
              else {
                if (!(error instanceof EmbedError)) throw error;
                assert.equal(error.indices, failed);
              }
            }
            assert.ok(found.every((flags) => flags.length === texts.length));
          }),
        );
        await cache.close();
      },
    ),
    { numRuns: 100 },
  );
});

test('the work is aborted when nobody waits, and not before', async () => {
  const signals: AbortSignal[] = [];
  const began = deferred();
  const embed = (_: string[], { signal }: { signal: AbortSignal }) => {
    signals.push(signal);
    began.resolve();
    return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  const { embeddings } = open({ calls: [], embed }, GATHER);
  const controllers = [new AbortController(), new AbortController()] as const;
  const calls = controllers.map(({ signal }, i) => rejection(embeddings.embed([`${i}`], { signal })));
  await began.promise;
  controllers[0].abort(new Error('first'));
  assert.is((await calls[0])?.message, 'first');
  assert.is(signals[0]?.aborted, false);
  controllers[1].abort(new Error('second'));
  await calls[1];
  assert.is(signals[0]?.aborted, true);
});

test('a call that comes after all others gave up begins anew', async () => {
  const { embeddings } = open(undefined, GATHER);
  const controller = new AbortController();
  const call = rejection(embeddings.embed(['a'], { signal: controller.signal }));
  controller.abort();
  await call;
  assert.equal((await embeddings.embed(['a'])).map(bytesOf), expected(['a']));
});

test('a model that embeds waits for no window of others', async () => {
  const cache = createCache({ backend: new MemoryBackend() });
  const inner: Embeddings = cache.embeddings('d', {
    model: 'm',
    dimensions: DIMENSIONS,
    concurrency: 1,
    gather: 5,
    embed: async (texts) => {
      const longer = texts.filter((text) => text.length < 4).map((text) => `${text}x`);
      if (longer.length > 0) await inner.embed(longer);
      return texts.map((text) => prf(text, DIMENSIONS));
    },
  });
  const texts = ['a', 'b', 'c'];
  const vectors = await Promise.all(texts.map((text) => inner.embed([text])));
  assert.equal(
    vectors.map(([vector]) => bytesOf(vector)),
    expected(texts),
  );
});

test('close waits for what is being gathered', async () => {
  const { embeddings, cache } = open(testModel(DIMENSIONS), { gather: 50 });
  const call = embeddings.embed(['a']);
  await Promise.all([call, cache.close()]);
  assert.equal((await call).map(bytesOf), expected(['a']));
});

test('a window that is none is refused', () => {
  open(undefined, { gather: 0 });
  assert.throws(
    () => open(undefined, { gather: -1 }),
    (error: unknown) => error instanceof InvalidOptionError && error.option === 'gather',
  );
});

test.run();
