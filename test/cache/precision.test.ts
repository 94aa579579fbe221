import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import type { Precision } from '../../src/codec/vectors.js';
import { InvalidOptionError } from '../../src/errors.js';
import { testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';

const test = suite('precision');
const DIMENSIONS = 64;

function open(precisions: Record<string, Precision>) {
  const cache = createCache({ backend: new MemoryBackend() });
  const model = testModel(DIMENSIONS);
  const as = (name: string) =>
    cache.embeddings('docs', {
      model: 'm',
      dimensions: DIMENSIONS,
      embed: model.embed,
      precision: precisions[name] as Precision,
    });
  return { cache, model, as };
}

const error = (found: Float32Array | undefined, text: string) => {
  const expected = prf(text, DIMENSIONS);
  return Math.max(...expected.map((x, i) => Math.abs(x - (found?.[i] ?? Number.NaN))));
};

test('a lossy namespace stores what it may, and what comes back is within it', async () => {
  const { as, cache, model } = open({ coarse: { maxError: 1e-3 }, int8: 'int8', half: 'float16' });
  const exactBytes = 4 * DIMENSIONS;
  for (const [name, most] of Object.entries({ coarse: 1e-3, half: 2 ** -11, int8: 1 / 127 })) {
    const embeddings = as(name);
    await embeddings.clear();
    const before = cache.stats().docs?.bytesWritten ?? 0;
    await embeddings.embed(['a', 'b']);
    assert.ok((cache.stats().docs?.bytesWritten ?? 0) - before < exactBytes + 2 * 40, name);
    const asked = model.calls.length;
    for (const [i, found] of (await embeddings.embed(['a', 'b'])).entries()) {
      const off = error(found, 'ab'[i] as string);
      assert.ok(off > 0 && off <= most, `${name}: ${off}`);
    }
    assert.is(model.calls.length, asked, 'answered from the cache');
  }
});

test('a record coarser than what is asked for now is a miss and not corrupt; a finer one is a hit', async () => {
  const { as, cache, model } = open({
    exact: 'exact',
    int8: 'int8',
    fine: { maxError: 1e-6 },
    coarse: { maxError: 1e-3 },
  });
  await as('int8').embed(['a']);
  const [again] = await as('exact').embed(['a']);
  assert.is(bytesOf(again), bytesOf(prf('a', DIMENSIONS)));
  assert.is(model.calls.length, 2, 'asked again, for an exact one');
  assert.equal(cache.stats().docs, { ...cache.stats().docs, hits: 0, misses: 2, corrupt: 0 });

  assert.is(bytesOf(await as('int8').get('a')), bytesOf(prf('a', DIMENSIONS)), 'an exact record does for int8');
  await as('coarse').embed(['b']);
  assert.is(await as('fine').get('b'), undefined);
  assert.equal([...(await as('fine').getMatrix(['b', 'a'])).found], [0, 1]);
  await as('fine').embed(['b']);
  assert.ok(error(await as('coarse').get('b'), 'b') <= 1e-6);
  assert.is(cache.stats().docs?.corrupt, 0);
});

test('a batch that is encoded in turns holds what the model gave, whatever becomes of it', async () => {
  const cache = createCache({ backend: new MemoryBackend() });
  const model = testModel(DIMENSIONS);
  const embeddings = cache.embeddings('docs', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: model.embed,
    batchSize: 100_000,
  });
  const texts = Array.from({ length: 12_000 }, (_, i) => `text ${i}`);
  for (const vector of await embeddings.embed(texts)) vector.fill(7);
  const stored = await embeddings.getMany(texts);
  stored.forEach((vector, i) => {
    if (vector !== undefined) assert.is(bytesOf(vector), bytesOf(prf(texts[i] as string, DIMENSIONS)));
  });
  assert.is(stored.filter((vector) => vector === undefined).length, 0);
});

test('a precision that is none is refused by name', () => {
  for (const [precision, option] of [
    ['int4', 'precision'],
    [{ maxError: 0 }, 'precision.maxError'],
    [{ maxError: Number.NaN }, 'precision.maxError'],
    [{ maxErr: 1 }, 'precision.maxError'],
    [{ maxError: 1e-5, unit: 'ulp' }, 'precision.unit'],
  ] as const) {
    assert.throws(
      () => open({ wrong: precision as Precision }).as('wrong'),
      (error: unknown) => error instanceof InvalidOptionError && error.option === option,
      option,
    );
  }
});

test('a vector of which a precision would leave nothing but zeros is stored exactly', async () => {
  for (const precision of [{ maxError: 1e-3 }, 'float16', 'int8'] as const) {
    const documents = createCache({ backend: new MemoryBackend() }).embeddings('d', {
      model: 'm',
      dimensions: 4,
      precision,
    });
    const tiny = Float32Array.of(1e-40, -2e-40, 3e-40, 0);
    await documents.setMany([
      ['tiny', tiny],
      ['usual', [0.5, -0.25, 1, 0.125]],
    ]);
    const [found, usual] = await documents.getMany(['tiny', 'usual']);
    assert.ok(
      found?.some((x) => x !== 0),
      JSON.stringify(precision),
    );
    assert.ok(Math.abs((usual?.[0] ?? 0) - 0.5) < 0.01);
  }
});

test.run();
