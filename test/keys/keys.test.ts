import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { engineDigest, selectEngine } from '../../src/codec/engine/select.js';
import { InvalidOptionError } from '../../src/errors.js';
import { createKeyMaker, type Identity } from '../../src/keys/digest.js';
import { embeddingsFingerprint, type Model, valuesFingerprint } from '../../src/keys/fingerprint.js';
import { fingerprintPrefix, isName, type KeyPrefix, keyPrefix, reservedPrefix } from '../../src/keys/key.js';
import { engines as names } from '../support/engines.js';

const SECRET = Buffer.from('a secret');
const PREFIX = 'p:v1:n:f:' as KeyPrefix;

const engines = names.map((name) => selectEngine(name).digest);

/** What makes digests, by either engine: key makers without their prefix. */
const makers = (secret?: Uint8Array) =>
  engines.map(
    (engine) => (identities: Identity[]) =>
      createKeyMaker(secret, engine)(PREFIX, identities).map((key) => {
        assert.ok(key.startsWith(PREFIX));
        return key.slice(PREFIX.length);
      }),
  );
const digesters = makers();
const keyed = makers(SECRET);

test('a digest is what docs/format.md says', () => {
  const sha = (...parts: (string | Uint8Array)[]) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest('base64url').slice(0, 22);
  };
  for (const digest of digesters) {
    assert.equal(digest(['a text', '', '☃']), [sha('ta text'), sha('t'), sha('t☃')]);
    assert.equal(digest([Uint8Array.from([1, 2])]), [sha('b', Uint8Array.from([1, 2]))]);
    assert.equal(digest(['\ud800']), [sha('u', Uint8Array.from([0x00, 0xd8]))]);
  }
  for (const digest of keyed) {
    assert.equal(digest(['a text']), [createHmac('sha256', SECRET).update('ta text').digest('base64url').slice(0, 22)]);
  }
});

test('both engines hash any strings to the same bits', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 20 }), (texts) => {
      for (const group of [digesters, keyed]) {
        const [first, ...others] = group.map((digest) => digest(texts));
        for (const other of others) assert.equal(other, first);
      }
    }),
    { numRuns: 500 },
  );
});

test('both engines hash large batches to the same bits, and tell the same of each', () => {
  const texts = Array.from({ length: 10_000 }, (_, i) => `text ${i}`.repeat(i % 4));
  const [portable, ...others] = engines.map((engine) => {
    const hashes = new Uint32Array(texts.length);
    return { keys: createKeyMaker(undefined, engine)(PREFIX, texts, hashes), hashes };
  });
  assert.ok(new Set(portable?.hashes).size > 7000);
  for (const other of others) assert.equal(other, portable);
});

test('two inputs never share a digest, not even broken, empty or look-alike ones', () => {
  const inputs: Identity[] = [
    '',
    't',
    '\ud800',
    '\ud801',
    '\ud800\ud800',
    '\ufffd',
    new Uint8Array(0),
    Uint8Array.from([0xd8, 0x00]),
    Uint8Array.from([0x00, 0xd8]),
    Buffer.from('t'),
    'é',
    'e\u0301',
    ' a',
    'a',
    'a ',
    'A',
    'a\u0000',
    'a,b',
    'x'.repeat(100_000),
    'x'.repeat(100_001),
  ];
  for (const digest of [...digesters, ...keyed]) assert.is(new Set(digest(inputs)).size, inputs.length);
});

test('everything that tells a model apart is in its fingerprint, and no two fields run together', () => {
  const models: [Model, number][] = [
    [{ id: 'm' }, 768],
    [{ id: 'm' }, 769],
    [{ id: 'm2' }, 768],
    [{ id: 'm', provider: '' }, 768],
    [{ id: 'm', provider: 'p' }, 768],
    [{ id: 'pm' }, 768],
    [{ id: 'm', revision: 'p' }, 768],
    [{ id: 'm', inputType: 'query' }, 768],
    [{ id: 'm', inputType: 'document' }, 768],
    [{ id: 'm', normalized: true }, 768],
    [{ id: 'm', normalized: false }, 768],
  ];
  const fingerprints = models.map(([model, dimensions]) => embeddingsFingerprint(model, dimensions));
  assert.is(new Set([...fingerprints, valuesFingerprint()]).size, models.length + 1);
  for (const fingerprint of fingerprints) assert.match(fingerprint, /^[\w-]{16}$/);
  // Every stored key depends on these: they may never change within a format.
  assert.is(embeddingsFingerprint({ id: 'm' }, 768), FINGERPRINT_OF_M);
  const halves = ['\ud800', '\ud801', '\ufffd'].map((id) => embeddingsFingerprint({ id }, 8));
  assert.is(new Set(halves).size, 3);
  assert.is(valuesFingerprint(), FINGERPRINT_OF_VALUES);
});

const fields = (...texts: (string | undefined)[]) => {
  const hash = createHash('sha256');
  for (const text of texts) {
    hash.update(Uint8Array.from(text === undefined ? [255, 255, 255, 255] : [text.length, 0, 0, 0])).update(text ?? '');
  }
  return hash.digest('base64url').slice(0, 16);
};
const FINGERPRINT_OF_M = fields('embeddings', undefined, 'm', undefined, '768', undefined, undefined);
const FINGERPRINT_OF_VALUES = fields('values');

test('a key has five parts, and a namespace cannot reach into another', () => {
  const [key] = createKeyMaker(undefined, engineDigest())(
    fingerprintPrefix(keyPrefix('vecstash', 2, 'docs'), 'F'.repeat(16)),
    ['a'],
  );
  assert.match(key as string, /^vecstash:v2:docs:F{16}:[\w-]{22}$/);
  assert.not(keyPrefix('p', 1, 'docs2').startsWith(keyPrefix('p', 1, 'docs')));
  for (const name of ['', 'a:b', 'a*', 'a b', 'ä', 'x'.repeat(65), undefined as never, '{a}']) {
    if (name === undefined) continue;
    assert.throws(
      () => keyPrefix('p', 1, name),
      (error: unknown) => error instanceof InvalidOptionError && error.option === 'namespace',
    );
  }
});

test('what the cache keeps for itself begins like no namespace, and like nothing that is cleared', () => {
  const name = fc.string({ maxLength: 12, unit: fc.constantFrom(...'abv1:@._-') });
  fc.assert(
    fc.property(
      name,
      fc.nat(3),
      fc.option(name, { nil: undefined }),
      name,
      fc.nat(3),
      (prefix, version, namespace, other, later) => {
        const names = [prefix, other, ...(namespace === undefined ? [] : [namespace])];
        if (!names.every(isName)) return;
        const cleared = keyPrefix(prefix, version, namespace);
        const reserved = reservedPrefix(other, later, 'leases');
        assert.not(cleared.startsWith(reserved) || reserved.startsWith(cleared), `${cleared} and ${reserved}`);
      },
    ),
    { numRuns: 5000 },
  );
  assert.not(isName('@leases'));
});

test.run();
