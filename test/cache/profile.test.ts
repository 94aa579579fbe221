import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { InvalidOptionError } from '../../src/errors.js';
import { engines } from '../support/engines.js';
import { bytesOf } from '../support/prf.js';
import { nearMean, profileOf } from '../support/profiled.js';

const test = suite('profiles of namespaces');
const DIMENSIONS = 256;
const PROFILE = profileOf(DIMENSIONS);
const NEXT = profileOf(DIMENSIONS, 'another model');
const TEXTS = ['a', 'b', 'c'];

function open() {
  const cache = createCache({ backend: new MemoryBackend() });
  const calls: string[][] = [];
  const embed = async (texts: string[]) => {
    calls.push(texts);
    return texts.map((text) => nearMean(text, DIMENSIONS));
  };
  const withProfile = (profile?: Uint8Array | Uint8Array[]) =>
    cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, embed, ...(profile && { profile }) });
  const written = () => cache.stats().docs?.bytesWritten ?? 0;
  return { cache, calls, withProfile, written };
}

const expected = TEXTS.map((text) => bytesOf(nearMean(text, DIMENSIONS)));

if (engines.length > 0) {
  test('a namespace with a profile stores less, and gives back the same', async () => {
    const { calls, withProfile, written } = open();
    await withProfile().embed(TEXTS);
    const plain = written();
    await withProfile().clear();
    await withProfile(PROFILE).embed(TEXTS);
    assert.ok(written() - plain < plain, `${written() - plain} and ${plain} bytes`);
    assert.equal((await withProfile(PROFILE).embed(TEXTS)).map(bytesOf), expected);
    assert.is(calls.length, 2, 'the last were answered from the cache');
  });

  test('without the profile a record is a miss, not corrupt, and is filled again', async () => {
    const { cache, calls, withProfile } = open();
    await withProfile(PROFILE).embed(TEXTS);
    const without = withProfile();
    assert.equal(await without.getMany(TEXTS), [undefined, undefined, undefined]);
    assert.equal([...(await without.getMatrix(TEXTS)).found], [0, 0, 0]);
    assert.equal((await without.embed(TEXTS)).map(bytesOf), expected);
    assert.is(calls.length, 2, 'the model was asked again');
    const { hits, misses, corrupt } = cache.stats().docs as { hits: number; misses: number; corrupt: number };
    assert.equal({ hits, misses, corrupt }, { hits: 0, misses: 12, corrupt: 0 });
    // Written again without one, they are read by everybody.
    assert.equal((await withProfile(NEXT).embed(TEXTS)).map(bytesOf), expected);
    assert.is(calls.length, 2);
  });

  test('a profile is replaced without a miss while the old one is still read with', async () => {
    const { calls, withProfile } = open();
    await withProfile(PROFILE).embed(TEXTS);
    const both = withProfile([NEXT, PROFILE]);
    assert.equal((await both.embed([...TEXTS, 'd'])).slice(0, 3).map(bytesOf), expected);
    assert.equal(calls, [TEXTS, ['d']]);
    // What the second does not help is written without any.
    assert.is.not(await withProfile(NEXT).get('d'), undefined);
  });

  test('a profile of other dimensions is refused when the namespace is made', () => {
    const { withProfile } = open();
    assert.throws(
      () => withProfile(profileOf(8)),
      (error: Error) => error instanceof InvalidOptionError && /256 dimensions/.test(error.message),
    );
  });
}

test.run();
