import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createCache } from '../../src/cache/cache.js';
import { EmbedError, InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { scripted } from '../support/backends.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('dimensions that are learned');

function open(backend = scripted(), length = 24, options = {}) {
  const cache = createCache({ backend });
  const calls: string[][] = [];
  let dimensions = length;
  const embeddings = cache.embeddings('docs', {
    model: 'm',
    embed: async (texts: string[]) => {
      calls.push(texts);
      return texts.map((text) => prf(text, dimensions));
    },
    ...options,
  });
  const become = (next: number) => {
    dimensions = next;
  };
  return { cache, embeddings, calls, become, backend };
}

test('they are those of the first answer, and any other is an error that says so', async () => {
  const { embeddings, become } = open();
  assert.is(embeddings.dimensions, undefined);
  assert.equal((await embeddings.getMatrix(['a', 'b'])).data.length, 0);
  await embeddings.embed(['a', 'b']);
  assert.is(embeddings.dimensions, 24);
  become(25);
  const error = (await rejection(embeddings.embed(['a', 'c']))) as EmbedError;
  assert.instance(error, EmbedError);
  assert.match(error.message, /25 dimensions instead of 24/);
  assert.equal(error.indices, [1]);
  assert.is(bytesOf(await embeddings.get('a')), bytesOf(prf('a', 24)));
});

test('an answer of two lengths is refused whole, and teaches nothing', async () => {
  const { embeddings } = open(undefined, 24, {
    embed: async (texts: string[]) => texts.map((text, i) => prf(text, 24 + i)),
  });
  assert.match((await rejection(embeddings.embed(['a', 'b']))).message, /25 dimensions instead of 24/);
  assert.is(embeddings.dimensions, undefined);
});

test('a record teaches them, in every kind of read', async () => {
  const { backend, embeddings } = open();
  await embeddings.embed(['a', 'b']);
  const reads: ((other: typeof embeddings) => Promise<unknown>)[] = [
    (other) => other.get('b'),
    (other) => other.getMany(['none', 'a']),
    (other) => other.embed(['b', 'a']),
    async (other) => {
      const { data, found } = await other.getMatrix(['none', 'a']);
      assert.equal([...found], [0, 1]);
      assert.is(bytesOf(data.subarray(24)), bytesOf(prf('a', 24)));
    },
  ];
  for (const read of reads) {
    const other = open(backend);
    await read(other.embeddings);
    assert.is(other.embeddings.dimensions, 24);
    assert.equal(other.calls, []);
  }
});

test('a record that is not sound teaches nothing, and is counted', async () => {
  const { backend, embeddings } = open();
  await embeddings.embed(['a']);
  const damaged = [...backend.stored.values()].map((record) => record.map((byte, i) => byte ^ Number(i === 30)));
  const other = open(scripted({ getMany: async () => damaged }));
  assert.is(await other.embeddings.get('a'), undefined);
  assert.is(other.embeddings.dimensions, undefined);
  assert.is(other.cache.stats().docs?.corrupt, 1);
  assert.is(bytesOf((await other.embeddings.embed(['a']))[0]), bytesOf(prf('a', 24)));
});

test('records of other dimensions are misses, and no alarm', async () => {
  const { backend, embeddings } = open();
  await embeddings.embed(['a']);
  const other = open(backend, 30);
  await other.embeddings.embed(['b']);
  assert.is(other.embeddings.dimensions, 30);
  assert.is(bytesOf((await other.embeddings.embed(['a']))[0]), bytesOf(prf('a', 30)));
  assert.is(other.cache.stats().docs?.corrupt, 0);
});

test('two that learned differently and share a flight: neither gets the vector of the other', async () => {
  const backend = scripted();
  const { cache, embeddings } = open(backend);
  const other = cache.embeddings('docs', { model: 'm', embed: async (texts) => texts.map((text) => prf(text, 30)) });
  await embeddings.set('x', prf('x', 24));
  await other.set('y', prf('y', 30));
  const [mine, theirs] = await Promise.allSettled([embeddings.embed(['a']), other.embed(['a'])]);
  assert.is(mine.status === 'fulfilled' && mine.value[0]?.length, 24);
  assert.is(theirs.status, 'rejected');
  assert.match(String((theirs as PromiseRejectedResult).reason), /24 dimensions instead of 30/);
});

test('set teaches them, and entries of two lengths are refused', async () => {
  const { embeddings } = open();
  const error = (await rejection(
    embeddings.setMany([
      ['a', prf('a', 24)],
      ['b', prf('b', 25)],
    ]),
  )) as InvalidInputError;
  assert.instance(error, InvalidInputError);
  assert.is(error.field, 'entries[1]');
  assert.is(embeddings.dimensions, undefined);
  await embeddings.set('a', prf('a', 24));
  assert.is(embeddings.dimensions, 24);
});

test('keys of learned and of given dimensions differ, and a profile needs them', () => {
  const { cache, embeddings } = open();
  assert.is.not(embeddings.keyOf('a'), cache.embeddings('docs', { model: 'm', dimensions: 24 }).keyOf('a'));
  assert.throws(
    () => cache.embeddings('docs', { model: 'm', profile: new Uint8Array(9) }),
    (error: unknown) => error instanceof InvalidOptionError && error.option === 'dimensions',
  );
});

test.run();
