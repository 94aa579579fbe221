import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { InvalidOptionError } from '../../src/errors.js';
import { testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';

const DIMENSIONS = 64;
const TEXTS = ['a', 'b', 'c'];
const expected = TEXTS.map((text) => bytesOf(prf(text, DIMENSIONS)));

const open = (backend: MemoryBackend, options = {}) => {
  const model = testModel(DIMENSIONS);
  const cache = createCache({ backend, secret: 'a secret', encrypt: true, ...options });
  const embeddings = cache.embeddings('docs', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: model.embed,
    compression: 'none',
  });
  return { cache, embeddings, model };
};

test('vectors and values come back bit for bit, and the store holds none of them', async () => {
  const backend = new MemoryBackend();
  const { embeddings, cache } = open(backend);
  await embeddings.embed(TEXTS);
  const other = open(backend);
  assert.equal((await other.embeddings.embed(TEXTS)).map(bytesOf), expected);
  assert.is(other.model.calls.length, 0);
  const values = cache.values<string>('notes', { compression: 'none' });
  await values.set('k', 'a private note');
  assert.is(await values.get('k'), 'a private note');

  const plain = Buffer.from(prf('a', DIMENSIONS).buffer).subarray(0, 16);
  const [record] = await backend.getMany([embeddings.keyOf('a')]);
  assert.not(Buffer.from(record as Uint8Array).includes(plain));
});

test('the same vector is never sealed twice to the same bytes', async () => {
  const backend = new MemoryBackend();
  const { embeddings } = open(backend);
  const key = embeddings.keyOf('a');
  const seal = async () => {
    await embeddings.set('a', prf('a', DIMENSIONS));
    return Buffer.from((await backend.getMany([key]))[0] as Uint8Array).toString('hex');
  };
  assert.is.not(await seal(), await seal());
});

test('a record that is damaged, moved, plain, or sealed with another secret is a miss and counts as corrupt', async () => {
  const backend = new MemoryBackend();
  const { embeddings, cache, model } = open(backend);
  const [a, b] = TEXTS.map((text) => embeddings.keyOf(text)) as [string, string];
  await embeddings.embed(TEXTS);
  const [sealedA, sealedB] = (await backend.getMany([a, b])) as [Uint8Array, Uint8Array];

  const plainBackend = new MemoryBackend();
  await open(plainBackend, { encrypt: false }).embeddings.embed(TEXTS);
  const [plain] = (await plainBackend.getMany([a])) as [Uint8Array];
  assert.ok(plain, 'the key of a text depends on the secret, not on whether it encrypts');

  const forgeries = [sealedA.map((byte, i) => (i === 60 ? byte ^ 1 : byte)), sealedA.subarray(0, 70), sealedB, plain];
  for (const [i, value] of forgeries.entries()) {
    await backend.setMany([{ key: a, value }]);
    model.calls.length = 0;
    assert.equal((await embeddings.embed(TEXTS)).map(bytesOf), expected);
    assert.equal(model.calls, [['a']]);
    assert.is(cache.stats().docs?.corrupt, i + 1);
  }
});

test('a reader without encryption takes no sealed record for a vector', async () => {
  const backend = new MemoryBackend();
  await open(backend).embeddings.embed(TEXTS);
  const { embeddings, cache } = open(backend, { encrypt: false });
  assert.equal(await embeddings.getMany(TEXTS), [undefined, undefined, undefined]);
  assert.is(cache.stats().docs?.corrupt, 3);
});

test('encryption needs a secret', () => {
  assert.throws(
    () => createCache({ backend: new MemoryBackend(), encrypt: true }),
    (error: unknown) => error instanceof InvalidOptionError && error.option === 'secret',
  );
});

test.run();
