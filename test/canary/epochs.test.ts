import * as assert from 'uvu/assert';
import { createCache } from '../../src/cache/cache.js';
import { BackendError, EmbedError, InvalidInputError } from '../../src/errors.js';
import { DIMENSIONS, Provider, SharedStore, watching } from '../support/canary.js';
import { driftSuite, MINUTE, pass } from '../support/drift-suite.js';
import { bytesOf } from '../support/prf.js';

const { test, watches, watchingFrom } = driftSuite('watchDrift, epochs');

test('with renew nobody sees what the old model made, and what the new one makes is shared', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const a = await watchingFrom(store, provider, { onDrift: 'renew' });
  const b = await watchingFrom(store, provider, { onDrift: 'renew' });
  const plain = createCache({ backend: store.connect() }).embeddings('docs', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: provider.embed,
  });
  const old = bytesOf(provider.vectorOf('text'));
  await a.embeddings.embed(['text']);
  assert.equal([await b.embeddings.get('text'), await plain.get('text')].map(bytesOf), [old, old]);
  const key = b.embeddings.keyOf('text');
  assert.is(key, plain.keyOf('text'));

  provider.version = 'second';
  const report = await a.check();
  assert.equal([report.outcome, report.epoch], ['drifted', 1]);
  assert.is(await a.embeddings.get('text'), undefined);
  assert.is((await a.check()).outcome, 'same', 'the baseline of the new epoch is there');
  // The other one hears of it at its next look.
  assert.is(bytesOf(await b.embeddings.get('text')), old);
  await pass(store, MINUTE);
  assert.is(await b.embeddings.get('text'), undefined);
  assert.is.not(b.embeddings.keyOf('text'), key);
  const fresh = bytesOf(provider.vectorOf('text'));
  assert.equal((await a.embeddings.embed(['text'])).map(bytesOf), [fresh]);
  const asked = provider.calls.length;
  assert.equal((await b.embeddings.embed(['text'])).map(bytesOf), [fresh]);
  assert.is(provider.calls.length, asked);
  // And one that starts now, from its first call on.
  const c = watching(store, provider, { onDrift: 'renew' });
  watches.push(c);
  assert.equal((await c.embeddings.embed(['text'])).map(bytesOf), [fresh]);
  // Two at once, with or without leases, begin one epoch.
  provider.version = 'third';
  const lone = await watchingFrom(store, provider, { onDrift: 'renew' }, store.connect({ hasLeases: false }));
  const both = await Promise.all([a.check(), lone.check(), b.check()]);
  assert.ok(both.every(({ epoch }) => epoch === undefined || epoch <= 2));
  await pass(store, MINUTE);
  assert.equal(new Set([a, b, c, lone].map(({ embeddings }) => embeddings.keyOf('text'))).size, 1);
  assert.is((await a.check()).epoch, 2);
});

test('other dimensions are drift; a new epoch begins where the namespace takes them', async () => {
  for (const [dimensions, truncateFrom, epoch] of [
    [DIMENSIONS, undefined, 0],
    [undefined, undefined, 1],
    [8, DIMENSIONS, 0],
  ] as [number, number, number][]) {
    const store = new SharedStore();
    const provider = new Provider();
    const watch = await watchingFrom(store, provider, { dimensions, truncateFrom, onDrift: 'renew' });
    assert.is((await watch.check()).outcome, 'same');
    const [before] = await watch.embeddings.embed(['text']);
    assert.is(before?.length, dimensions ?? DIMENSIONS);
    provider.dimensions = 2 * DIMENSIONS;
    const report = await watch.check();
    assert.equal([report.outcome, report.epoch, report.distance], ['drifted', epoch, Number.POSITIVE_INFINITY]);
    if (dimensions === undefined) assert.is((await watch.embeddings.embed(['text']))[0]?.length, 2 * DIMENSIONS);
    else assert.instance(await watch.embeddings.embed(['other']).catch((error) => error), EmbedError);
  }
});

test('a store that is down costs the checks; what was stored for an old model is not seen when it is up', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const a = await watchingFrom(store, provider, { onDrift: 'renew' });
  await a.embeddings.embed(['text']);
  provider.version = 'second';
  assert.is((await a.check()).epoch, 1);

  const backend = store.connect();
  backend.isDown = true;
  const b = await watchingFrom(store, provider, { onDrift: 'renew' }, backend);
  assert.equal([b.first.outcome, b.first.epoch], ['failed', undefined]);
  const fresh = bytesOf(provider.vectorOf('text'));
  assert.equal((await b.embeddings.embed(['text'])).map(bytesOf), [fresh]);
  assert.is(await b.embeddings.get('text'), undefined);
  await b.embeddings.set('text', provider.vectorOf('text'));
  assert.is(await b.embeddings.delete('text').catch((error) => error.code), 'BACKEND_FAILED');
  const calls = provider.calls.length;
  await pass(store, 20 * MINUTE);
  assert.is(provider.calls.length, calls, 'the model is not asked where nothing can be compared');

  backend.isDown = false;
  const texts = ['text'];
  const call = b.embeddings.embed(texts);
  texts[0] = 'changed at once';
  assert.equal((await call).map(bytesOf), [fresh]);
  assert.is(b.embeddings.keyOf('text'), a.embeddings.keyOf('text'));
  backend.isDown = true;
  assert.is((await b.check()).outcome, 'failed');
  backend.isDown = false;
  assert.is((await b.check()).outcome, 'same');
});

test('while the epoch alone cannot be read, nothing of any epoch is seen', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const a = await watchingFrom(store, provider, { onDrift: 'renew' });
  await a.embeddings.embed(['text']);
  provider.version = 'second';
  await a.check();
  const backend = store.connect();
  const { getMany } = backend;
  backend.getMany = async (keys) => {
    if (keys.some((key) => key.includes(':vecstash-canary:'))) throw new BackendError('not these');
    return getMany(keys);
  };
  const b = await watchingFrom(store, provider, { onDrift: 'renew' }, backend);
  assert.is(await b.embeddings.get('text'), undefined);
  assert.equal((await b.embeddings.embed(['text'])).map(bytesOf), [bytesOf(provider.vectorOf('text'))]);
  backend.getMany = getMany;
  assert.is(await b.embeddings.get('text'), undefined);
  assert.is(b.embeddings.keyOf('text'), a.embeddings.keyOf('text'));
});

test('an epoch outlives lost marks while anybody knows it, and canaries that were changed', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const a = await watchingFrom(store, provider, { onDrift: 'renew' });
  for (let epoch = 1; epoch <= 20; epoch += 1) {
    provider.version = `version ${epoch}`;
    assert.is((await a.check()).epoch, epoch);
  }
  const other = await watchingFrom(store, provider, { texts: ['one', 'two'], onDrift: 'renew' });
  assert.equal([other.first.outcome, other.first.epoch], ['baseline', 20]);
  await a.cache.clear('vecstash-canary');
  await pass(store, MINUTE);
  const late = await watchingFrom(store, provider, { onDrift: 'renew' });
  assert.equal([late.first.outcome, late.first.epoch], ['baseline', 20]);
});

test('all methods go to the namespace of the epoch', async () => {
  const store = new SharedStore();
  const { embeddings } = await watchingFrom(store, new Provider());
  const vector = new Provider().vectorOf('a');
  await embeddings.set('a', vector);
  await embeddings.setMany([['b', vector]]);
  assert.is(embeddings.dimensions, DIMENSIONS);
  assert.equal((await embeddings.getMany(['a', 'c'])).map(bytesOf), [bytesOf(vector), 'no vector']);
  assert.equal([...(await embeddings.getMatrix(['c', 'b'])).found], [0, 1]);
  assert.equal(await embeddings.getOrCompute(['a'], { as: 'array' }), [Array.from(vector)]);
  assert.equal([await embeddings.has('a'), await embeddings.has('c')], [true, false]);
  assert.equal([await embeddings.delete('a'), await embeddings.deleteMany(['a', 'b'])], [true, 1]);
  await embeddings.embed(['x', 'y']);
  assert.is(await embeddings.clear(), 2);
});

test('before the epoch is known, what is handed in may be changed at once, and what is bad is refused as ever', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const { embeddings, stop } = watching(store, provider);
  const vector = provider.vectorOf('a');
  const entries: [string, Float32Array][] = [['a', vector]];
  const set = embeddings.setMany(entries);
  const bad = [
    embeddings.setMany(5 as never),
    embeddings.setMany([['a', undefined as never]]),
    embeddings.embed('a' as never),
    embeddings.getMany([5 as never]),
  ].map((call) => call.catch((error) => error));
  entries.length = 0;
  vector.fill(0);
  await set;
  assert.is(bytesOf(await embeddings.get('a')), bytesOf(provider.vectorOf('a')));
  for (const error of await Promise.all(bad)) assert.instance(error, InvalidInputError);
  await stop();
});

test.run();
