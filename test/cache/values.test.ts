import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createCache } from '../../src/cache/cache.js';
import { InvalidInputError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { scripted } from '../support/backends.js';
import { deferred } from '../support/models.js';

const open = () => {
  const cache = createCache({ backend: scripted() });
  return { cache, values: cache.values<unknown>('assets') };
};

test('set, get, has, delete, clear', async () => {
  const { values, cache } = open();
  await values.setMany([
    ['a', { n: 1 }],
    ['b', [1, 2]],
    ['n', null],
  ]);
  assert.equal(await values.getMany(['b', 'x', 'a', 'b', 'n']), [[1, 2], undefined, { n: 1 }, [1, 2], null]);
  assert.equal([await values.has('a'), await values.has('x')], [true, false]);
  assert.equal([await values.delete('a'), await values.delete('a')], [true, false]);
  assert.is(await values.deleteMany(['b', 'b', 'x']), 1);
  assert.is(await cache.clear('assets'), 1);
  assert.is(await values.get('n'), undefined);
  assert.equal(await values.getMany([]), []);
});

test('each place gets a value of its own', async () => {
  const { values } = open();
  await values.set('a', { list: [1] });
  const [one, two] = (await values.getMany(['a', 'a'])) as { list: number[] }[];
  one?.list.push(2);
  assert.equal([two, await values.get('a')], [{ list: [1] }, { list: [1] }]);
});

test('getOrCompute computes once for all who ask, and stores it', async () => {
  const { values, cache } = open();
  const gate = deferred<{ n: number }>();
  let computed = 0;
  const compute = () => {
    computed++;
    return gate.promise;
  };
  const calls = [1, 2, 3].map(() => values.getOrCompute('k', compute));
  setImmediate(() => gate.resolve({ n: 5 }));
  const [one, two, three] = (await Promise.all(calls)) as { n: number }[];
  (one as { n: number }).n = 6;
  assert.equal([two, three, await values.getOrCompute('k', compute)], [{ n: 5 }, { n: 5 }, { n: 5 }]);
  assert.is(computed, 1);
  assert.is(cache.stats().assets?.fills, 1);
});

test('a computation that fails is shared, and is not remembered', async () => {
  const { values } = open();
  let computed = 0;
  const fail = async () => {
    computed++;
    throw new Error(`failure ${computed}`);
  };
  const outcomes = await Promise.allSettled([values.getOrCompute('k', fail), values.getOrCompute('k', fail)]);
  assert.equal(
    outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason.message),
    ['failure 1', 'failure 1'],
  );
  assert.is(await values.getOrCompute('k', () => 'fine'), 'fine');
  assert.is(await values.get('k'), 'fine');
});

test('a value’s life is the call’s, else the namespace’s', async () => {
  const cache = createCache({ backend: scripted(), ttl: '1h' });
  const values = cache.values<number>('short', { ttl: 30 });
  await values.set('a', 1);
  await values.set('b', 2, { ttl: '10s' });
  await until('the namespace’s life is over', async () => (await values.get('a')) === undefined);
  assert.is(await values.get('b'), 2);
});

test('keys are strings, values are not undefined', async () => {
  const { values } = open();
  const calls: [Promise<unknown>, string][] = [
    [values.get(5 as never), 'keys[0]'],
    [values.getMany('a' as never), 'keys'],
    [values.set('a', undefined), 'values[0]'],
    [values.getOrCompute('a', () => undefined), 'values[0]'],
  ];
  for (const [call, field] of calls) {
    await call.then(
      () => assert.unreachable(field),
      (error) => assert.ok(error instanceof InvalidInputError && error.field === field, String(error)),
    );
  }
});

test('maxValueBytes bounds what is written, and what is read of what others wrote', async () => {
  const backend = scripted();
  const cache = createCache({ backend });
  const text = 'x'.repeat(5000);
  const small = cache.values<string>('texts', { maxValueBytes: 1000 });
  await cache.values<string>('texts').set('a', text);
  assert.is(await small.get('a'), undefined);
  assert.is(cache.stats().texts?.corrupt, 1);
  await small.set('b', text).then(
    () => assert.unreachable(),
    (error) => assert.ok(error instanceof InvalidInputError && error.field === 'values[0]', String(error)),
  );
});

test.run();
