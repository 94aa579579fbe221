import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { InvalidOptionError } from '../../src/errors.js';
import { testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';

const DIMENSIONS = 64;
const SECRET = 'a secret of more than 32 bytes, for this test';
const TEXTS = ['a', 'b', 'c'];
const expected = TEXTS.map((text) => bytesOf(prf(text, DIMENSIONS)));

const open = (backend: MemoryBackend, options = {}) => {
  const model = testModel(DIMENSIONS);
  const cache = createCache({ backend, secret: SECRET, encrypt: true, ...options });
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

test('encryption needs a secret of 32 bytes, and the error says how to make one, and nothing of the secret', () => {
  const given = [undefined, 'a', 'short', 'x'.repeat(31), 'é'.repeat(15), new Uint8Array(31), ['short', SECRET]];
  for (const secret of given) {
    assert.throws(
      () => createCache({ backend: new MemoryBackend(), encrypt: true, ...(secret !== undefined && { secret }) }),
      (error: unknown) =>
        error instanceof InvalidOptionError &&
        error.option === 'secret' &&
        error.message.includes('openssl rand -base64 32') &&
        !error.message.includes('short'),
    );
  }
  for (const secret of ['é'.repeat(16), new Uint8Array(32), [SECRET, 'short']])
    createCache({ backend: new MemoryBackend(), encrypt: true, secret });
  for (const secret of [[], [''], [SECRET, 5], {}, 5]) {
    assert.throws(
      () => createCache({ backend: new MemoryBackend(), secret: secret as never }),
      (error: unknown) => error instanceof InvalidOptionError && error.option === 'secret',
    );
  }
});

test('a secret in front seals what is new; what the older ones sealed is read, under the same keys', async () => {
  const [oldest, older, newest] = ['oldest', 'older', 'newest'].map((name) => name.padEnd(32, '.')) as [
    string,
    string,
    string,
  ];
  const backend = new MemoryBackend();
  const first = open(backend, { secret: oldest });
  await first.embeddings.embed(['a']);
  const second = open(backend, { secret: [older, oldest] });
  await second.embeddings.embed(['a', 'b']);
  assert.equal(second.model.calls, [['b']]);
  const third = open(backend, { secret: [newest, older, oldest] });
  await third.embeddings.embed(TEXTS);
  assert.equal(third.model.calls, [['c']]);
  assert.is(third.embeddings.keyOf('a'), first.embeddings.keyOf('a'));
  assert.is(third.cache.stats().docs?.corrupt, 0);

  // What the newest sealed, nobody else opens.
  assert.equal(
    (await second.embeddings.getMany(TEXTS)).map((vector) => vector !== undefined),
    [true, true, false],
  );
  // Without the oldest the keys stay where it is said to be theirs; what it sealed is paid for again.
  const last = open(backend, { secret: [newest, older], keySecret: oldest });
  await last.embeddings.embed(TEXTS);
  assert.equal(last.model.calls, [['a']]);
  const forgetful = open(backend, { secret: [newest, older] });
  await forgetful.embeddings.embed(TEXTS);
  assert.equal(forgetful.model.calls, [TEXTS], 'all keys are others');
});

test('secrets are copied: bytes that change later change nothing', async () => {
  const backend = new MemoryBackend();
  const bytes = Buffer.from(SECRET);
  const { embeddings } = open(backend, { secret: [bytes] });
  const key = embeddings.keyOf('a');
  bytes.fill(0);
  await embeddings.embed(TEXTS);
  assert.is(embeddings.keyOf('a'), key);
  assert.equal((await open(backend).embeddings.getMany(TEXTS)).map(bytesOf), expected);
});

test.run();
