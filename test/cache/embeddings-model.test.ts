import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { EmbedError } from '../../src/errors.js';
import { scripted } from '../support/backends.js';
import { DIMENSIONS, expected, open } from '../support/embeddings.js';
import { deferred, testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';

test('callers at the same time share one call of the model, and none of its vectors', async () => {
  const gate = deferred();
  const { embeddings, model } = open(testModel(DIMENSIONS, () => gate.promise));
  const first = embeddings.embed(['a', 'b']);
  const second = embeddings.embed(['b', 'c', 'a']);
  setImmediate(gate.resolve);
  const [one, two] = await Promise.all([first, second]);
  assert.equal(model.calls, [['a', 'b'], ['c']]);
  one.forEach((vector) => void vector.fill(0));
  assert.equal(two.map(bytesOf), expected(['b', 'c', 'a']));
});

test('a lookup that began before another one’s fill was stored does not ask the model again', async () => {
  const slow = deferred();
  const memory = new MemoryBackend();
  let reads = 0;
  const { embeddings, model } = open(
    undefined,
    {},
    scripted({
      async getMany(keys) {
        const records = await memory.getMany(keys);
        if (++reads === 1) await slow.promise;
        return records;
      },
      setMany: (entries) => memory.setMany(entries),
    }),
  );
  const early = embeddings.embed(['a']); // has read nothing, and is not told yet
  await embeddings.embed(['a']);
  slow.resolve();
  assert.equal((await early).map(bytesOf), expected(['a']));
  assert.is(model.calls.length, 1);
  await embeddings.delete('a');
  await memory.clear('');
  await embeddings.embed(['a']);
  assert.is(model.calls.length, 2, 'and what has landed is forgotten afterwards');
});

test('no more calls of the model at once than asked, no batch larger', async () => {
  let now = 0;
  let most = 0;
  const model = testModel(DIMENSIONS, async () => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    now--;
  });
  const { embeddings } = open(model, { batchSize: 3, concurrency: 2 });
  await embeddings.embed(Array.from({ length: 20 }, (_, i) => `${i}`));
  assert.is(most, 2);
  assert.equal(
    model.calls.map((call) => call.length),
    [3, 3, 3, 3, 3, 3, 2],
  );
});

test('a failed batch names its places; the others are stored, and a retry pays for the rest alone', async () => {
  const model = testModel(DIMENSIONS);
  let fails = true;
  const { embeddings } = open(
    {
      calls: model.calls,
      embed: async (texts, context) => {
        if (fails && texts.includes('bad')) throw new Error('the provider is overloaded');
        return model.embed(texts, context);
      },
    },
    { batchSize: 2 },
  );
  const texts = ['a', 'b', 'bad', 'c', 'd', 'bad'];
  try {
    await embeddings.embed(texts);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, EmbedError);
    assert.equal((error as EmbedError).indices, [2, 3, 5]);
    assert.is(((error as EmbedError).cause as Error).message, 'Error');
    assert.is(((error as EmbedError).original as Error).message, 'the provider is overloaded');
    assert.not.match((error as Error).message, 'bad');
  }
  fails = false;
  model.calls.length = 0;
  assert.equal((await embeddings.embed(texts)).map(bytesOf), expected(texts));
  assert.equal(model.calls, [['bad', 'c']]);
});

test('what a provider returns wrong is refused by name, and nothing of it is stored', async () => {
  const good = (text: string) => Array.from(prf(text, DIMENSIONS));
  const change = (i: number, value: unknown) => good('b').map((x, k) => (k === i ? value : x));
  const answers: [string, (texts: string[]) => unknown, RegExp][] = [
    ['too few', (texts) => texts.slice(1).map(good), /1 vectors for 2 inputs/],
    ['too many', (texts) => [...texts, 'c'].map(good), /3 vectors for 2 inputs/],
    ['no list', () => ({ data: [] }), /object for 2 inputs/],
    ['nothing', () => undefined, /undefined for 2 inputs/],
    [
      'wrong dimensions',
      (texts) => [good('a'), [1, 2, 3]].slice(0, texts.length),
      /3 dimensions instead of 24 as vector 1/,
    ],
    ['not a number', () => [good('a'), change(3, Number.NaN)], /not finite \(dimension 3\) as vector 1/],
    ['infinite', () => [good('a'), change(0, Number.POSITIVE_INFINITY)], /not finite/],
    ['too large for a float32', () => [good('a'), change(0, 1e300)], /not finite/],
    ['text', () => [good('a'), change(5, '0.5')], /string in dimension 5/],
    ['all zero', () => [good('a'), new Float32Array(DIMENSIONS)], /nothing but zeros/],
    ['null', () => [good('a'), null], /null as vector 1/],
    ['a hole', () => [good('a'), new Array(DIMENSIONS)], /undefined in dimension 0/],
  ];
  for (const [what, answer, message] of answers) {
    const { embeddings, cache, backend } = open({ calls: [], embed: async (texts) => answer(texts) as number[][] });
    try {
      await embeddings.embed(['a', 'b']);
      assert.unreachable(what);
    } catch (error) {
      assert.instance(error, EmbedError, what);
      assert.equal((error as EmbedError).indices, [0, 1], what);
      assert.match((error as Error).message, message);
    }
    assert.is(backend.stored.size, 0, what);
    assert.is(cache.stats().docs?.fills, 0, what);
  }
});

test('a joined call that fails fails for who joined, with their own places', async () => {
  const gate = deferred();
  const { embeddings } = open({
    calls: [],
    embed: async () => {
      await gate.promise;
      throw new Error('down');
    },
  });
  const calls = [embeddings.embed(['a', 'b']), embeddings.embed(['c', 'b'])];
  setImmediate(gate.resolve);
  const [first, second] = await Promise.allSettled(calls);
  assert.equal((first as PromiseRejectedResult).reason.indices, [0, 1]);
  assert.equal((second as PromiseRejectedResult).reason.indices, [0, 1]);
});

test('an abort ends the wait with its reason, and the model’s call when nobody else waits', async () => {
  const gate = deferred();
  let aborted = false;
  const model = testModel(DIMENSIONS);
  const { embeddings } = open({
    calls: model.calls,
    embed: async (texts, { signal }) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      await gate.promise;
      return model.embed(texts, { signal });
    },
  });
  const [one, two] = [new AbortController(), new AbortController()];
  const calls = [embeddings.embed(['a'], { signal: one.signal }), embeddings.embed(['a'], { signal: two.signal })];
  const outcome = Promise.allSettled(calls);
  await new Promise(setImmediate);
  one.abort(new Error('changed my mind'));
  await new Promise(setImmediate);
  assert.is(aborted, false, 'the other caller still waits');
  two.abort(new Error('me too'));
  assert.equal(
    (await outcome).map((result) => (result as PromiseRejectedResult).reason.message),
    ['changed my mind', 'me too'],
  );
  assert.is(aborted, true);
  gate.resolve();
  assert.equal((await embeddings.embed(['a'])).map(bytesOf), expected(['a']), 'who comes after starts anew');
  await embeddings.embed(['a'], { signal: AbortSignal.abort(new Error('before')) }).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'before'),
  );
});

test.run();
