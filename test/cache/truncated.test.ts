import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createCache } from '../../src/cache/cache.js';
import { EmbedError, InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { scripted } from '../support/backends.js';
import { testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { realVectors } from '../support/real-vectors.js';
import { rejection } from '../support/rejection.js';
import { skipped } from '../support/skip.js';

const test = suite('truncated');
const FULL = 48;
const SHORT = 12;

/** What a vector is cut down to, in float64 and rounded once. */
function cut(vector: ArrayLike<number>, dimensions = SHORT): Float32Array {
  const first = Array.from(vector).slice(0, dimensions);
  const length = Math.sqrt(first.reduce((sum, x) => sum + x * x, 0));
  return Float32Array.from(first, (x) => x / length);
}

const expected = (texts: readonly string[]) => texts.map((text) => bytesOf(cut(prf(text, FULL))));

/** A namespace of short vectors, the one of the full vectors that it shares, and the model of both. */
function openBoth(options = {}) {
  const model = testModel(FULL);
  const cache = createCache({ backend: scripted() });
  const both = { model: 'm', embed: model.embed, ...options };
  const full = cache.embeddings('docs', { ...both, dimensions: FULL });
  const short = cache.embeddings('docs', { ...both, dimensions: SHORT, truncateFrom: FULL });
  return { cache, model, full, short };
}

test('any mix of both lengths gives the right vectors, and the model is asked once for each text', async () => {
  const text = fc.integer({ min: 0, max: 20 }).map((i) => `text ${i}`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), fc.array(text, { maxLength: 20 })), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      async (rounds, atOnce) => {
        const { cache, model, full, short } = openBoth();
        const run = async ([isShort, texts]: [boolean, string[]]) => {
          const vectors = await (isShort ? short : full).embed(texts);
          assert.equal(vectors.map(bytesOf), isShort ? expected(texts) : texts.map((one) => bytesOf(prf(one, FULL))));
          if (isShort) for (const { buffer } of vectors) assert.ok(buffer.byteLength <= 64 * 1024);
        };
        if (atOnce) await Promise.all(rounds.map(run));
        else for (const round of rounds) await run(round);
        const asked = model.calls.flat();
        assert.is(asked.length, new Set(asked).size);
        await cache.close();
      },
    ),
    { numRuns: 100 },
  );
});

test('all methods work on the entries of the full vectors', async () => {
  const { model, full, short } = openBoth();
  assert.is(short.keyOf('a'), full.keyOf('a'));
  await full.embed(['a', 'b']);
  assert.equal((await short.getMany(['b', 'none', 'a', 'b'])).map(bytesOf), [
    ...expected(['b']),
    'no vector',
    ...expected(['a', 'b']),
  ]);
  assert.is(bytesOf(await short.get('a')), expected(['a'])[0]);
  assert.equal([await short.has('a'), await short.has('none')], [true, false]);
  const { data, found } = await short.getMatrix(['a', 'none', 'b']);
  assert.equal([...found], [1, 0, 1]);
  assert.is(data.length, 3 * SHORT);
  assert.equal([data.slice(0, SHORT), data.slice(2 * SHORT)].map(bytesOf), expected(['a', 'b']));
  assert.ok(data.subarray(SHORT, 2 * SHORT).every((x) => x === 0));
  assert.is((await short.getMatrix([])).data.length, 0);
  assert.equal(model.calls, [['a', 'b']]);

  await short.set('c', prf('c', FULL));
  assert.is(bytesOf(await full.get('c')), bytesOf(prf('c', FULL)));
  assert.equal((await short.getOrCompute(['c'])).map(bytesOf), expected(['c']));
  await short.setMany([['d', prf('d', FULL)]]);
  const found2: number[] = [];
  await short.embed(['d', 'e'], { onLookup: (there) => found2.push(...there) });
  assert.equal(found2, [1, 0]);
  assert.is((await rejection(short.set('f', prf('f', SHORT)))) instanceof InvalidInputError, true);

  assert.is(await short.delete('a'), true);
  assert.is(await full.has('a'), false);
  assert.is(await short.deleteMany(['b', 'none']), 1);
  assert.is(await short.clear(), 3);
  assert.is(await full.has('c'), false);
});

test('every option of embed means what it means for full vectors', async () => {
  let tokens = 0;
  const { model, short, full } = openBoth({
    embed: async (texts: string[], { usage }: { usage(taken: number[]): void }) => {
      usage(texts.map(() => ++tokens));
      model.calls.push(texts);
      return texts.map((text) => prf(text, FULL));
    },
  });
  const told: unknown[] = [];
  const onUsage = (taken: unknown) => told.push(taken);
  const base64 = await short.embed(['a', 'b'], { as: 'base64', onUsage });
  assert.equal(
    base64.map((text) => Buffer.from(text, 'base64').toString('hex')),
    expected(['a', 'b']),
  );
  const arrays = await short.embed(['b'], { as: 'array', onUsage });
  assert.equal(arrays, [Array.from(cut(prf('b', FULL)))]);
  await full.embed(['b'], { onUsage });
  assert.equal(told.pop(), told.pop());
  await short.embed(['a'], { refresh: true, onUsage });
  await short.embed(['c'], { bypass: true, onUsage });
  assert.equal(told, [[1, 2], [3], [4]]);
  assert.equal(model.calls, [['a', 'b'], ['a'], ['c']]);
  assert.is(await full.has('c'), false);
  assert.is(short.dimensions, SHORT);
  assert.instance(await rejection(short.embed(['a'], { as: 'x' as 'array' })), InvalidInputError);
  assert.instance(await rejection(short.embed('a' as never)), InvalidInputError);
  const abort = new AbortController();
  abort.abort(new Error('over'));
  assert.is((await rejection(short.embed(['d'], { signal: abort.signal }))).message, 'over');
});

test('what comes out is the caller`s, and keeps no long vector alive', async () => {
  const { short } = openBoth();
  const texts = Array.from({ length: 3000 }, (_, i) => `text ${i}`);
  const vectors = await short.embed([...texts, 'text 0']);
  const bytes = new Set(vectors.map(({ buffer }) => buffer));
  assert.is(Math.max(...Array.from(bytes, ({ byteLength }) => byteLength)) <= 64 * 1024, true);
  (vectors[0] as Float32Array).fill(7);
  assert.is(bytesOf(vectors[3000]), expected(['text 0'])[0]);
  assert.is(bytesOf(await short.get('text 0')), expected(['text 0'])[0]);
});

test('lengths are 1 to a rounding, from the smallest float32s to the largest', async () => {
  const { short } = openBoth();
  for (const scale of [2 ** -149, 2 ** -126, 1e-20, 1, 1e20, 2 ** 127]) {
    const vector = Float32Array.from({ length: FULL }, (_, i) => (i % 2 === 0 ? scale : -scale));
    await short.set('a', vector);
    const got = (await short.get('a')) as Float32Array;
    assert.is(bytesOf(got), bytesOf(cut(vector)));
    assert.ok(Math.abs(got.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-6);
  }
});

test('a vector that begins with zeros has no short one: a miss, and an error that names its place', async () => {
  const zeros = (text: string) => prf(text, FULL).fill(0, 0, SHORT);
  const { full, short } = openBoth({
    embed: async (texts: string[]) => texts.map((text) => (text.startsWith('zero') ? zeros(text) : prf(text, FULL))),
  });
  const error = (await rejection(short.embed(['a', 'zero', 'b', 'zero']))) as EmbedError;
  assert.instance(error, EmbedError);
  assert.equal(error.indices, [1, 3]);
  // The full vector is as good as any, and what else was asked for is stored.
  assert.is(bytesOf(await full.get('zero')), bytesOf(zeros('zero')));
  assert.equal((await short.getMany(['zero', 'a'])).map(bytesOf), ['no vector', ...expected(['a'])]);
  assert.is(await short.has('zero'), false);
  assert.equal([...(await short.getMatrix(['zero', 'a'])).found], [0, 1]);
});

test('a model that answers with short vectors is refused, and so are dimensions that are not fewer', async () => {
  const { short } = openBoth({ embed: async (texts: string[]) => texts.map((text) => prf(text, SHORT)) });
  assert.equal(((await rejection(short.embed(['a', 'b']))) as EmbedError).indices, [0, 1]);
  const cache = createCache({ backend: scripted() });
  for (const [dimensions, truncateFrom, option] of [
    [FULL, FULL, 'dimensions'],
    [FULL + 1, FULL, 'dimensions'],
    [undefined, FULL, 'dimensions'],
    [SHORT, 0, 'truncateFrom'],
    [SHORT, 1.5, 'truncateFrom'],
    [SHORT, 70_000, 'truncateFrom'],
    [SHORT, '48', 'truncateFrom'],
  ] as [number, number, string][]) {
    assert.throws(
      () => cache.embeddings('docs', { model: 'm', dimensions, truncateFrom }),
      (error: InvalidOptionError) => error instanceof InvalidOptionError && error.option === option,
    );
  }
});

/** By what a provider's own short vectors may differ from the full ones cut down: docs/precision.md has the table. */
const PAIRS = [
  ['rb-oai3small', 'rb-oai3small-dims', 1e-6],
  ['rb-gemini-3072', 'rb-gemini-768', 1e-12],
  ['rb-cohere-v4', 'rb-cohere-v4-dims', 4e-4],
] as const;

for (const [long, short, bound] of PAIRS) {
  test(`the short vectors of ${short} are the beginnings of ${long}`, async () => {
    const vectors = realVectors(long);
    const own = realVectors(short);
    if (!vectors || !own) return skipped(`${long} and ${short} are not here`);
    const cache = createCache({ backend: scripted() });
    const dimensions = (own[0] as Float32Array).length;
    const truncateFrom = (vectors[0] as Float32Array).length;
    const embeddings = cache.embeddings('docs', { model: 'm', dimensions, truncateFrom });
    await embeddings.setMany(vectors.map((vector, i) => [`${i}`, vector]));
    const got = (await embeddings.getMany(vectors.map((_, i) => `${i}`))) as Float32Array[];
    for (const vector of own) {
      const unit = cut(vector, dimensions);
      const distances = got.map((one) => one.reduce((sum, x, i) => sum + (x - (unit[i] as number)) ** 2, 0) / 2);
      assert.ok(Math.min(...distances) <= bound, `1 - cosine is ${Math.min(...distances)}`);
    }
  });
}

test.run();
