import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createCache } from '../../src/cache/cache.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { InvalidInputError } from '../../src/errors.js';
import { scripted } from '../support/backends.js';
import { DIMENSIONS, expected, open } from '../support/embeddings.js';
import { bytesOf, prf } from '../support/prf.js';

test('any mix of hits, misses, duplicates and order gives the right vector at the right index', async () => {
  const text = fc.oneof(
    fc.integer({ min: 0, max: 30 }).map((i) => `text ${i}`),
    fc.string({ unit: 'binary', maxLength: 5 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(text, { maxLength: 40 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      async (rounds, batchSize, concurrency, atOnce) => {
        const { embeddings, model, cache } = open(undefined, { batchSize, concurrency });
        const run = async (texts: string[]) => {
          assert.equal((await embeddings.embed(texts)).map(bytesOf), expected(texts));
        };
        if (atOnce) await Promise.all(rounds.map(run));
        else for (const texts of rounds) await run(texts);
        const asked = model.calls.flat();
        assert.is(asked.length, new Set(asked).size, 'the model is asked once for each text');
        assert.equal(new Set(asked), new Set(rounds.flat()));
        assert.ok(model.calls.every((call) => call.length <= batchSize));
        await cache.close();
      },
    ),
    { numRuns: 300 },
  );
});

test('getMany, get, has and getMatrix see the same and ask no model', async () => {
  const { embeddings, model } = open();
  await embeddings.embed(['a', 'b']);
  assert.equal((await embeddings.getMany(['b', 'c', 'a', 'b'])).map(bytesOf), [
    ...expected(['b']),
    'no vector',
    ...expected(['a', 'b']),
  ]);
  assert.is(bytesOf(await embeddings.get('a')), expected(['a'])[0]);
  assert.is(await embeddings.get('c'), undefined);
  assert.equal([await embeddings.has('a'), await embeddings.has('c')], [true, false]);
  const { data, found } = await embeddings.getMatrix(['a', 'c', 'a']);
  assert.equal([...found], [1, 0, 1]);
  assert.equal([data.subarray(0, 24), data.subarray(48)].map(bytesOf), expected(['a', 'a']));
  assert.ok(data.subarray(24, 48).every((x) => x === 0));
  assert.is(model.calls.length, 1);
  assert.equal(await embeddings.embed([]), []);
  assert.equal((await embeddings.getMatrix([])).found, new Uint8Array(0));
});

test('one lookup is one read of the backend, whatever it holds', async () => {
  const { embeddings, backend } = open();
  const texts = Array.from({ length: 1000 }, (_, i) => `text ${i % 700}`);
  await embeddings.embed(texts);
  await embeddings.embed(texts);
  assert.is(backend.reads, 2);
});

test('set and setMany store what they are given; delete, deleteMany and clear remove it', async () => {
  const { embeddings, model, cache } = open();
  await embeddings.set('a', Array.from(prf('a', DIMENSIONS)));
  await embeddings.setMany([
    ['b', prf('b', DIMENSIONS)],
    ['c', Float64Array.from(prf('c', DIMENSIONS))],
  ]);
  assert.equal((await embeddings.embed(['c', 'b', 'a'])).map(bytesOf), expected(['c', 'b', 'a']));
  assert.is(model.calls.length, 0);
  assert.equal([await embeddings.delete('a'), await embeddings.delete('a')], [true, false]);
  assert.is(await embeddings.deleteMany(['b', 'b', 'x']), 1);
  const other = cache.embeddings('docs2', { model: 'm', dimensions: DIMENSIONS, embed: model.embed });
  await other.embed(['a']);
  assert.is(await embeddings.clear(), 1);
  assert.is(await embeddings.get('c'), undefined);
  assert.ok(await other.has('a'), 'another namespace whose name begins the same is untouched');
  assert.is(await cache.clear(), 1);
  await embeddings.setMany([]);
});

test('a returned vector is the caller’s: changing it changes no other and nothing cached', async () => {
  const { embeddings } = open();
  for (let round = 0; round < 3; round++) {
    const vectors = await embeddings.embed(['a', 'a', 'b']);
    vectors[0]?.fill(7);
    assert.equal(vectors.slice(1).map(bytesOf), expected(['a', 'b']), `round ${round}`);
    vectors[1]?.fill(8);
    vectors[2]?.fill(9);
  }
  const given = prf('given', DIMENSIONS);
  await embeddings.set('given', given);
  given.fill(1);
  assert.is(bytesOf(await embeddings.get('given')), expected(['given'])[0]);
});

test('an array that is changed after the call changes nothing of it, and nothing that is stored', async () => {
  const { embeddings, model } = open();
  const batch = ['a', 'b', 'a'];
  const vectors = embeddings.embed(batch);
  batch.splice(0, 3, 'x', 'y');
  assert.equal((await vectors).map(bytesOf), expected(['a', 'b', 'a']));
  assert.equal(model.calls, [['a', 'b']]);
  assert.equal((await embeddings.getMany(['a', 'b'])).map(bytesOf), expected(['a', 'b']));
});

test('stats count keys, records and calls', async () => {
  const { embeddings, cache } = open();
  await embeddings.embed(['a', 'b', 'a']);
  await embeddings.embed(['a', 'b', 'a', 'c']);
  const { bytesRead, bytesWritten, ...counts } = cache.stats().docs as NonNullable<
    ReturnType<typeof cache.stats>[string]
  >;
  const { engine } = createVectorCodec({ dimensions: DIMENSIONS });
  assert.equal(counts, { hits: 2, misses: 3, corrupt: 0, unsupported: 0, fills: 3, errors: 0, engine });
  assert.ok(bytesRead > 0 && bytesWritten > bytesRead);
});

test('bytes are inputs too, and identify says what counts for anything else', async () => {
  const cache = createCache({ backend: scripted() });
  const calls: unknown[] = [];
  const embed = async (inputs: unknown[]) => {
    calls.push(...inputs);
    return inputs.map(() => prf('x', DIMENSIONS));
  };
  const images = cache.embeddings<Uint8Array>('images', { model: 'm', dimensions: DIMENSIONS, embed });
  await images.embed([Uint8Array.from([1]), Uint8Array.from([1]), Uint8Array.from([2])]);
  assert.is(calls.length, 2);
  const assets = cache.embeddings<{ id: string; at: number }>('assets', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed,
    identify: ({ id }) => id,
  });
  await assets.embed([
    { id: 'x', at: 1 },
    { id: 'x', at: 2 },
  ]);
  assert.is(calls.length, 3);
  const wrong = cache.embeddings<object>('wrong', { model: 'm', dimensions: DIMENSIONS, embed });
  await wrong.embed([{}]).then(
    () => assert.unreachable(),
    (error) => assert.ok(error instanceof InvalidInputError && error.field === 'inputs[0]'),
  );
});

test.run();
