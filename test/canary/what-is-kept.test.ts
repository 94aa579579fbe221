/** What a watch keeps of what it is given, and what it makes of marks that are damaged. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createCache } from '../../src/cache/cache.js';
import { DriftState } from '../../src/canary/state.js';
import { watchDrift } from '../../src/canary/watch-drift.js';
import { InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { DIMENSIONS, Provider, SharedStore, watching } from '../support/canary.js';
import { deferred } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('what watchDrift keeps');
const embed = async (inputs: Uint8Array[]) =>
  inputs.map((input) => prf(Buffer.from(input).toString('hex'), DIMENSIONS));

test('before the epoch is known, bytes may be changed at once, and vectors of another realm', async () => {
  const { runInNewContext } = await import('node:vm');
  const cache = createCache({ backend: new SharedStore().connect() });
  const texts = [Uint8Array.of(7)];
  const { embeddings, stop } = watchDrift<Uint8Array>(cache, 'docs', { model: 'm', embed, texts });
  const key = Uint8Array.of(1, 2, 3);
  const foreign = runInNewContext('Array').from(prf('010203', DIMENSIONS));
  const set = embeddings.setMany([
    [key, foreign],
    [Uint8Array.of(4), prf('04', DIMENSIONS)],
  ]);
  const list = [Uint8Array.of(5)];
  const asked = embeddings.embed(list);
  key.fill(9);
  list[0]?.fill(9);
  foreign.fill(1);
  await set;
  assert.is(bytesOf((await asked)[0]), bytesOf(prf('05', DIMENSIONS)));
  assert.is(bytesOf(await embeddings.get(Uint8Array.of(1, 2, 3))), bytesOf(prf('010203', DIMENSIONS)));
  assert.is(await embeddings.get(key), undefined);
  await stop();
});

test('entries that are no pairs are refused by name, whether the epoch is known or not', async () => {
  const store = new SharedStore();
  const watch = watching(store, new Provider());
  for (const known of [false, true]) {
    if (known) await watch.check();
    for (const bad of [null, undefined, 5, {}, 'ab']) {
      const error = await rejection(watch.embeddings.setMany([['a', prf('a', DIMENSIONS)], bad as never]));
      assert.instance(error, InvalidInputError);
      assert.is((error as InvalidInputError).field, 'entries[1]');
    }
  }
  const values = createCache({ backend: store.connect() }).values('values');
  const error = (await rejection(values.setMany([5 as never]))) as InvalidInputError;
  assert.is(error.field, 'entries[0]');
  await watch.stop();
});

test("the model and the canaries are the watch's own", async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const model = { id: 'm', provider: 'p' };
  const a = watching(store, provider, { model, onDrift: 'renew' });
  const b = watching(store, provider, { model: { ...model }, onDrift: 'renew' });
  await a.check();
  model.id = 'another';
  provider.version = 'second';
  assert.is((await a.check()).epoch, 1);
  await b.check();
  assert.is(a.embeddings.keyOf('text'), b.embeddings.keyOf('text'));
  await Promise.all([a.stop(), b.stop()]);

  const texts = [1, 2, 3, 4].map((byte) => Uint8Array.of(byte));
  const cache = createCache({ backend: new SharedStore().connect() });
  const bytes = watchDrift<Uint8Array>(cache, 'docs', { model: 'm', embed, texts });
  assert.is((await bytes.check()).outcome, 'baseline');
  for (const text of texts) text.fill(9);
  assert.is((await bytes.check()).outcome, 'same');
  await bytes.stop();
});

test("canaries take nothing of the application's rate limit", async () => {
  const provider = new Provider();
  const counted: string[] = [];
  const rateLimit = { tokens: 1000, countTokens: (text: string) => counted.push(text) };
  const { check, stop, embeddings } = watching(new SharedStore(), provider, { rateLimit });
  assert.is((await check()).outcome, 'baseline');
  assert.equal(counted, []);
  await embeddings.embed(['a']);
  assert.equal(counted, ['a']);
  await stop();
});

test('an epoch whose mark is damaged is still an epoch, whichever bit it is', async () => {
  const store = new SharedStore();
  const keys = ['vecstash:1:docs:fingerprint:canary'];
  const stateOver = (backend = store.connect()) => new DriftState(createCache({ backend }), keys, 'renew');
  await stateOver().begin(3);
  let bits = 0;
  for (let bit = 0; bit === 0 || bit < bits; bit += 1) {
    const backend = store.connect();
    const { getMany } = backend;
    backend.getMany = async (names) =>
      ((await getMany(names)) as (Uint8Array | undefined)[]).map((record) => {
        if (record === undefined) return undefined;
        bits = 8 * record.length;
        const damaged = record.slice();
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        return damaged;
      });
    assert.is(await stateOver(backend).epochFrom(0), 3, `bit ${bit}`);
  }
  assert.ok(bits > 0);
});

test('a damaged mark shows nothing of the old epoch, and a damaged baseline is measured again', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const a = watching(store, provider, { onDrift: 'renew' });
  await a.embeddings.embed(['text']);
  await a.check();
  provider.version = 'second';
  assert.is((await a.check()).epoch, 1);
  const backend = store.connect();
  const { getMany } = backend;
  backend.getMany = async (names) => {
    const records = (await getMany(names)) as (Uint8Array | undefined)[];
    return records.map((record, i) => (names[i]?.includes(':vecstash-canary:') ? record?.slice(0, -1) : record));
  };
  const b = watching(store, provider, { onDrift: 'renew' }, backend);
  const fresh = bytesOf(provider.vectorOf('text'));
  assert.equal((await b.embeddings.embed(['text'])).map(bytesOf), [fresh]);
  assert.is(b.embeddings.keyOf('text'), a.embeddings.keyOf('text'));
  // It cannot be stored so that it could be read, and that is told.
  const calls = provider.calls.length;
  assert.is((await b.check()).outcome, 'failed');
  assert.ok(provider.calls.length > calls);
  await Promise.all([a.stop(), b.stop()]);
});

test('what one watch finds damaged is no epoch of another over the same cache', async () => {
  const backend = new SharedStore().connect();
  const cache = createCache({ backend });
  const stateOf = (id: string) => new DriftState(cache, [`vecstash:1:${id}:fingerprint:canary`], 'renew');
  const [damaged, none] = [stateOf('damaged'), stateOf('none')];
  await damaged.begin(1);
  const { getMany } = backend;
  const gate = deferred();
  backend.getMany = async (names) => {
    await gate.promise;
    const records = (await getMany(names)) as (Uint8Array | undefined)[];
    return records.map((record) => record?.slice(0, -1));
  };
  const both = Promise.all([damaged.epochFrom(0), none.epochFrom(0), damaged.epochFrom(0), none.epochFrom(0)]);
  gate.resolve();
  assert.equal(await both, [1, 0, 1, 0]);
});

test('a call without a cache or options says what is missing', () => {
  const cache = createCache({ backend: new SharedStore().connect() });
  for (const [given, option] of [
    [[cache, 'docs'], 'options'],
    [[cache, 'docs', null], 'options'],
    [[cache, 'docs', 'm'], 'options'],
    [[undefined, 'docs', { model: 'm' }], 'cache'],
    [[{}, 'docs', { model: 'm' }], 'cache'],
  ] as [never, string][]) {
    assert.throws(
      () => (watchDrift as (...args: unknown[]) => unknown)(...(given as unknown[])),
      (error: InvalidOptionError) => error instanceof InvalidOptionError && error.option === option,
    );
  }
});

test.run();
