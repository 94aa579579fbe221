import * as assert from 'uvu/assert';
import { createCache } from '../../src/cache/cache.js';
import { CANARIES } from '../../src/canary/texts.js';
import { watchDrift } from '../../src/canary/watch-drift.js';
import { EmbedError, InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import type { DriftEvent } from '../../src/events.js';
import { until } from '../../src/testing/until.js';
import { DIMENSIONS, Provider, SharedStore, watching } from '../support/canary.js';
import { DAY, driftSuite, MINUTE, pass, turns } from '../support/drift-suite.js';
import { deferred } from '../support/models.js';
import { prf } from '../support/prf.js';
import { runNode } from '../support/run-script.js';

const { test, drifts, failures, watches, watchingFrom } = driftSuite('watchDrift');

test('a baseline, days on which nothing moves, and a model that is another', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const { first, check } = await watchingFrom(store, provider);
  assert.equal(first, { outcome: 'baseline', epoch: 0, distance: 0, limit: 0.01, moved: 0 });
  assert.equal(provider.calls, [CANARIES, CANARIES, CANARIES, CANARIES]);
  const same = await check();
  assert.is(same.outcome, 'same');
  assert.ok((same.distance as number) < 1e-6);
  provider.version = 'second';
  const drifted = await check();
  assert.equal([drifted.outcome, drifted.epoch, drifted.moved], ['drifted', 0, CANARIES.length]);
  assert.ok((drifted.distance as number) > 1);
  // Once for the look that nothing came of, twice where it is to be believed.
  assert.is(provider.calls.length, 4 + 1 + 2);
  assert.equal(
    drifts.map(({ drifted: did, isOwn, epoch }) => [did, isOwn, epoch]),
    [
      [false, true, 0],
      [false, true, 0],
      [true, true, 0],
    ],
  );
  assert.equal(Object.keys(drifts[0] as DriftEvent).sort(), [
    'canaries',
    'distance',
    'drifted',
    'epoch',
    'isOwn',
    'limit',
    'model',
    'moved',
    'namespace',
  ]);
  assert.equal(failures, []);
});

test('it is checked at a start and once a day, by one of all instances', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const instances = [watching(store, provider), watching(store, provider), watching(store, provider)];
  watches.push(...instances);
  await turns();
  assert.is(provider.calls.length, 4);
  await pass(store, DAY - 2 * MINUTE);
  // The others have heard of it.
  assert.is(provider.calls.length, 4 + 1, 'once when the finding of before no longer counts');
  assert.ok(drifts.some(({ isOwn }) => !isOwn));
  for (let day = 1; day <= 3; day += 1) await pass(store, DAY);
  assert.ok(provider.calls.length >= 4 + 3 && provider.calls.length <= 4 + 5, `${provider.calls.length}`);
  const late = await watchingFrom(store, provider);
  assert.is(late.first.outcome, 'same');
});

test('what one finds that only reports keeps nobody from checking who renews, or has other canaries', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const { check } = await watchingFrom(store, provider);
  provider.version = 'second';
  assert.is((await check()).outcome, 'drifted');
  watches.push(watching(store, provider, { onDrift: 'renew' }));
  await turns();
  assert.equal(
    drifts.map(({ epoch, isOwn }) => [epoch, isOwn]),
    [
      [0, true],
      [0, true],
      [1, true],
    ],
  );
  watches.push(watching(store, provider, { texts: ['one', 'two'] }));
  await turns();
  assert.equal([drifts.length, drifts.at(-1)?.canaries], [4, 2]);
});

test('what happens once is not believed, nor what happens to few', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const { check } = await watchingFrom(store, provider);
  let rounds = 0;
  provider.before = () => {
    rounds += 1;
    provider.version = rounds === 1 ? 'a replica that is behind' : 'first';
  };
  assert.is((await check()).outcome, 'same');
  assert.is(rounds, 2);
  provider.before = () => {};
  provider.change = (vector, place) => (place < 3 ? vector.map((x) => -x) : vector);
  const few = await check();
  assert.equal([few.outcome, few.moved], ['same', 3]);
  provider.change = (vector, place) => (place < 4 ? vector.map((x) => -x) : vector);
  assert.equal([(await check()).outcome, (await check()).moved], ['drifted', 4]);
});

test('noise that the baseline did not see goes another way each time, and a small change goes one way', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const { check } = await watchingFrom(store, provider);
  // A tenth of a vector's length, in a direction that is the call's own, or that of the canary alone.
  const off = (seed: string) => (vector: Float32Array, place: number) => {
    const noise = prf(`${seed} ${place}`, DIMENSIONS);
    return vector.map((x, i) => x + 0.1 * (noise[i] as number));
  };
  for (let checks = 0; checks < 20; checks += 1) {
    provider.change = (vector, place) => off(`call ${provider.calls.length}`)(vector, place);
    const { outcome, distance } = await check();
    assert.is(outcome, 'same');
    assert.ok((distance as number) > 0.01);
  }
  provider.change = off('tuned');
  assert.is((await check()).outcome, 'drifted');
});

test('a model that fails, hangs or answers anything is a report, and tried again', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  provider.before = () => {
    throw Object.assign(new Error(`no: ${CANARIES[0]}`), { status: 503 });
  };
  const { first, check, embeddings } = await watchingFrom(store, provider);
  assert.is(first.outcome, 'failed');
  assert.instance(first.error, EmbedError);
  assert.equal(
    failures.map(({ namespace, operation }) => [namespace, operation]),
    [['docs', 'drift']],
  );
  assert.not.match(JSON.stringify([failures, String(first.error), first.error?.cause]), 'fox');

  const hung = deferred();
  provider.before = () => hung.promise;
  const waiting = check();
  await turns();
  store.clock.advance(2 * MINUTE);
  assert.match((await waiting).error?.message as string, 'too long');
  hung.resolve();

  provider.before = () => {};
  for (const bad of [[], ['x'], undefined, 'text'.split(''), [[1, Number.NaN]]]) {
    const { embed } = provider;
    const broken = await watchingFrom(new SharedStore(), provider, { embed: async () => bad as never });
    assert.is(broken.first.outcome, 'failed');
    assert.is(provider.embed, embed);
  }
  await pass(store, 15 * MINUTE);
  assert.is(drifts.length, 1, 'the baseline was measured by itself');
  assert.is((await check()).outcome, 'same');
  assert.is((await embeddings.embed(['text'])).length, 1);
});

test('a provider that answers differently each time has no baseline, and one that does a little has', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  let call = 0;
  provider.change = (vector) => vector.map((x, i) => x + (((call++ * 7919 + i) % 101) / 101 - 0.5) * 0.5);
  const wild = await watchingFrom(store, provider);
  assert.is(wild.first.outcome, 'failed');
  assert.match(wild.first.error?.message as string, 'differ by more than 5 %');
  provider.change = (vector) => vector.map((x, i) => x + (((call++ * 7919 + i) % 101) / 101 - 0.5) * 0.01);
  const report = await wild.check();
  assert.is(report.outcome, 'baseline');
  assert.ok((report.limit as number) > 0.05);
  for (let check = 0; check < 20; check += 1) assert.is((await wild.check()).outcome, 'same');
  provider.version = 'second';
  assert.is((await wild.check()).outcome, 'drifted');
});

test('an instance that dies amid a check holds up nobody for long, and one that wakes up late changes nothing', async () => {
  const store = new SharedStore();
  const sleeper = new Provider();
  const provider = new Provider();
  const a = await watchingFrom(store, sleeper, { onDrift: 'renew' });
  const asleep = deferred();
  sleeper.version = 'second';
  sleeper.before = () => asleep.promise;
  const late = a.check();
  await turns();
  const b = watching(store, provider, { onDrift: 'renew' });
  watches.push(b);
  assert.equal(await b.check(), { outcome: 'skipped', epoch: 0 });
  // Its lease is not renewed any more: the time of its timers stands still.
  store.clock.advance(MINUTE);
  provider.version = 'second';
  assert.equal([(await b.check()).epoch, (await b.check()).outcome], [1, 'same']);
  asleep.resolve();
  assert.ok(((await late).epoch as number) <= 1);
  assert.equal([(await a.check()).epoch, (await b.check()).outcome], [1, 'same']);
});

test('it ends with stop, and with the cache', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const { stop, check, embeddings, cache } = await watchingFrom(store, provider);
  const hung = deferred();
  provider.before = () => hung.promise;
  const report = check();
  await turns();
  await stop();
  assert.is((await report).error?.message, 'the watch is closed');
  hung.resolve();
  provider.before = () => {};
  const calls = provider.calls.length;
  await pass(store, 2 * DAY);
  assert.is(provider.calls.length, calls);
  assert.is((await check()).outcome, 'failed');
  assert.is((await embeddings.embed(['text'])).length, 1);
  const closed = await watchingFrom(store, provider, {});
  await closed.cache.close();
  assert.is((await closed.check()).outcome, 'failed');
  await pass(store, DAY);
  await cache.close();
  assert.equal(failures, []);
});

test('options that it does not take are refused by name', () => {
  const cache = createCache({ backend: new SharedStore().connect() });
  const { embed } = new Provider();
  const options = { model: 'm', dimensions: DIMENSIONS, embed };
  for (const [given, option] of [
    [{ embed: undefined }, 'embed'],
    [{ texts: [] }, 'texts'],
    [{ texts: 'text' }, 'texts'],
    [{ texts: new Array(257).fill('a') }, 'texts'],
    [{ every: 0 }, 'every'],
    [{ onDrift: 'log' }, 'onDrift'],
    [{ dimensions: -1 }, 'dimensions'],
    [{ evry: '1d' }, 'evry'],
  ] as [object, string][]) {
    assert.throws(
      () => watchDrift(cache, 'docs', { ...options, ...given } as never),
      (error: InvalidOptionError) => error instanceof InvalidOptionError && error.option === option,
    );
  }
  assert.throws(
    () => watchDrift(cache, 'docs', { ...options, texts: [5] } as never),
    (error: unknown) => error instanceof InvalidInputError,
  );
  assert.throws(
    () => watchDrift(cache, 'a:b', options),
    (error: unknown) => error instanceof InvalidOptionError,
  );
});

test('it keeps no process alive', async () => {
  const program = `
    import { createCache, MemoryBackend } from './src/index.js';
    import { watchDrift } from './src/canary/watch-drift.js';
    const embed = async (texts) => texts.map((text) => [text.length, 1]);
    const { check } = watchDrift(createCache({ backend: new MemoryBackend() }), 'docs', { model: 'm', embed });
    console.log((await check()).outcome);
    watchDrift(createCache({ backend: new MemoryBackend() }), 'docs', { model: 'm', embed: () => new Promise(() => {}) });
  `;
  const { code, stdout } = await runNode(['--import', 'tsx', '--input-type=module', '-e', program]);
  assert.equal([code, stdout.trim()], [0, 'baseline']);
});

test('a lost lease ends the check, and nothing is told of it but a failure', async () => {
  const store = new SharedStore();
  const provider = new Provider();
  const { check, backend } = await watchingFrom(store, provider);
  const hung = deferred();
  provider.before = () => hung.promise;
  const report = check();
  await until('it asks the model', () => provider.calls.length > 4);
  backend.isDown = true;
  store.clock.advance(2 * MINUTE);
  assert.is((await report).outcome, 'failed');
  hung.resolve();
  await turns();
  assert.is(failures.at(-1)?.operation, 'drift');
});

test.run();
