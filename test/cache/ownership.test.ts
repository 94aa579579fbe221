import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import type { EmbedFunction } from '../../src/cache/options.js';
import { EmbedError, InvalidInputError } from '../../src/errors.js';
import { scripted } from '../support/backends.js';
import { deferred } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('who owns a vector, and what a model returns');
const DIMENSIONS = 8;
const down = () =>
  scripted({
    getMany: () => Promise.reject(new Error('down')),
    setMany: () => Promise.reject(new Error('down')),
  });
const open = (embed: EmbedFunction<string>, backend = scripted()) =>
  createCache({ backend }).embeddings('d', { model: 'm', dimensions: DIMENSIONS, embed });
const expected = (texts: string[]) => texts.map((text) => bytesOf(prf(text, DIMENSIONS)));

test('callers who join get what the model made, whatever others have made of theirs', async () => {
  const written = deferred();
  for (const backend of [scripted({ setMany: () => written.promise }), new MemoryBackend()]) {
    const gate = deferred();
    const cache = createCache({ backend, readTimeout: 5 });
    const embed = async (texts: string[]) => {
      await gate.promise;
      return texts.map((text) => prf(text, DIMENSIONS));
    };
    const documents = cache.embeddings('d', { model: 'm', dimensions: DIMENSIONS, embed });
    const calls = [['a', 'b'], ['b', 'a', 'b'], ['a']].map(async (texts) => {
      const vectors = await documents.embed(texts);
      assert.equal(vectors.map(bytesOf), expected(texts));
      for (const vector of vectors) vector.fill(Number.NaN);
    });
    gate.resolve();
    await Promise.all(calls);
    assert.equal((await documents.embed(['b', 'a'])).map(bytesOf), expected(['b', 'a']));
  }
  written.resolve();
});

test('inputs may be changed at once: the array, and bytes in it', async () => {
  const asked: string[] = [];
  const cache = createCache({ backend: new MemoryBackend() });
  const images = cache.embeddings<Uint8Array>('i', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: async (inputs) => {
      asked.push(...inputs.map((bytes) => `${bytes}`));
      return inputs.map((bytes) => prf(`${bytes}`, DIMENSIONS));
    },
  });
  const image = Uint8Array.of(1, 2, 3);
  const inputs = [image];
  const embedding = images.embed(inputs);
  image.fill(9);
  inputs.length = 0;
  assert.equal((await embedding).map(bytesOf), expected(['1,2,3']));
  assert.equal(asked, ['1,2,3']);
  assert.is(await images.get(Uint8Array.of(9, 9, 9)), undefined);
});

test('objects that were changed while embed waited are refused by name', async () => {
  const cache = createCache({ backend: new MemoryBackend() });
  const documents = cache.embeddings<{ text: string }>('d', {
    model: 'm',
    dimensions: DIMENSIONS,
    identify: ({ text }) => text,
    embed: async (inputs) => inputs.map(({ text }) => prf(text, DIMENSIONS)),
  });
  const changed = { text: 'a' };
  const call = rejection(documents.embed([{ text: 'b' }, changed]));
  changed.text = 'c';
  const error = await call;
  assert.instance(error, EmbedError);
  assert.match(error.message, /1 inputs were changed/);
  assert.is(await documents.get({ text: 'a' }), undefined);
  assert.is(await documents.get({ text: 'c' }), undefined);
});

test('vectors may be changed at once after set', async () => {
  const documents = open(async () => []);
  const vector = prf('a', DIMENSIONS);
  const setting = documents.set('a', vector);
  vector.fill(7);
  await setting;
  assert.equal(bytesOf(await documents.get('a')), bytesOf(prf('a', DIMENSIONS)));
});

const models: Record<string, [embed: EmbedFunction<string>, refused?: RegExp]> = {
  'takes its inputs out of the array': [
    async (texts) => {
      const rows: Float32Array[] = [];
      while (texts.length > 0) rows.push(...texts.splice(0, 2).map((text) => prf(text, DIMENSIONS)));
      return rows;
    },
  ],
  'uses its rows again': [
    async (texts) => {
      const rows = texts.map((text) => prf(text, DIMENSIONS));
      setImmediate(() => {
        for (const row of rows) row.fill(0);
      });
      return rows;
    },
  ],
  'leaves blank inputs out': [
    async (texts) => texts.filter(Boolean).map((text) => prf(text, DIMENSIONS)),
    /2 vectors for 3/,
  ],
  'leaves a hole': [
    async (texts) => {
      const rows: Float32Array[] = new Array(texts.length);
      rows[0] = prf('a', DIMENSIONS);
      rows[2] = prf('b', DIMENSIONS);
      return rows;
    },
    /a value of type undefined as vector 1/,
  ],
  'returns doubles that are zero as float32s': [
    async (texts) => texts.map(() => new Array(DIMENSIONS).fill(1e-60)),
    /nothing but zeros/,
  ],
  'returns rows that cannot be read': [
    async (texts) => {
      const broken = {
        get: () => {
          throw new Error('secret');
        },
      };
      return texts.map(() => new Proxy([], broken) as number[]);
    },
    /what cannot be read/,
  ],
  'throws at once': [
    () => {
      throw new Error('secret');
    },
    /the model failed/,
  ],
};

for (const [name, [embed, refused]] of Object.entries(models)) {
  test(`a model that ${name}`, async () => {
    for (const backend of [scripted(), down()]) {
      const documents = open(embed, backend);
      const texts = ['a', '', 'b'];
      const call = documents.embed(texts);
      if (refused === undefined) assert.equal((await call).map(bytesOf), expected(texts));
      else {
        const error = (await rejection(call)) as EmbedError;
        assert.instance(error, EmbedError);
        assert.match(error.message, refused);
        assert.equal(error.indices, [0, 1, 2]);
        assert.is(backend.stored.size, 0);
      }
    }
  });
}

test('a set of what is zero as float32s is refused', async () => {
  const documents = open(async () => []);
  const error = await rejection(documents.set('a', new Array(DIMENSIONS).fill(1e-60)));
  assert.instance(error, InvalidInputError);
});

test.run();
