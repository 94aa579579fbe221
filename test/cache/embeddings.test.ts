import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { EmbedError, InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { scripted } from '../support/backends.js';
import { deferred, testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';

const DIMENSIONS = 24;
const open = (model = testModel(DIMENSIONS), options = {}, backend = scripted()) => {
  const cache = createCache({ backend });
  const embeddings = cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, embed: model.embed, ...options });
  return { cache, embeddings, model, backend };
};
const expected = (texts: string[]) => texts.map((text) => bytesOf(prf(text, DIMENSIONS)));

test('any mix of hits, misses, duplicates and order gives the right vector at the right index', async () => {
  const text = fc.oneof(
    fc.integer({ min: 0, max: 30 }).map((i) => `text ${i}`),
    fc.string({ unit: 'binary', maxLength: 5 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(text, { maxLength: 40 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      async (rounds, batchSize, concurrency, atOnce) => {
        const { embeddings, model, cache } = open(undefined, { batchSize, concurrency });
        const run = async (texts: string[]) => {
          assert.equal((await embeddings.embed(texts)).map(bytesOf), expected(texts));
        };
        if (atOnce) await Promise.all(rounds.map(run));
        else for (const texts of rounds) await run(texts);
        const asked = model.calls.flat();
        assert.is(asked.length, new Set(asked).size, 'the model is asked once for each text');
        assert.equal(new Set(asked), new Set(rounds.flat()));
        assert.ok(model.calls.every((call) => call.length <= batchSize));
        await cache.close();
      },
    ),
    { numRuns: 300 },
  );
});

test('getMany, get, has and getMatrix see the same and ask no model', async () => {
  const { embeddings, model } = open();
  await embeddings.embed(['a', 'b']);
  assert.equal((await embeddings.getMany(['b', 'c', 'a', 'b'])).map(bytesOf), [
    ...expected(['b']),
    'no vector',
    ...expected(['a', 'b']),
  ]);
  assert.is(bytesOf(await embeddings.get('a')), expected(['a'])[0]);
  assert.is(await embeddings.get('c'), undefined);
  assert.equal([await embeddings.has('a'), await embeddings.has('c')], [true, false]);
  const { data, found } = await embeddings.getMatrix(['a', 'c', 'a']);
  assert.equal([...found], [1, 0, 1]);
  assert.equal([data.subarray(0, 24), data.subarray(48)].map(bytesOf), expected(['a', 'a']));
  assert.ok(data.subarray(24, 48).every((x) => x === 0));
  assert.is(model.calls.length, 1);
  assert.equal(await embeddings.embed([]), []);
  assert.equal((await embeddings.getMatrix([])).found, new Uint8Array(0));
});

test('one lookup is one read of the backend, whatever it holds', async () => {
  const { embeddings, backend } = open();
  const texts = Array.from({ length: 1000 }, (_, i) => `text ${i % 700}`);
  await embeddings.embed(texts);
  await embeddings.embed(texts);
  assert.is(backend.reads, 2);
});

test('set and setMany store what they are given; delete, deleteMany and clear remove it', async () => {
  const { embeddings, model, cache } = open();
  await embeddings.set('a', Array.from(prf('a', DIMENSIONS)));
  await embeddings.setMany([
    ['b', prf('b', DIMENSIONS)],
    ['c', Float64Array.from(prf('c', DIMENSIONS))],
  ]);
  assert.equal((await embeddings.embed(['c', 'b', 'a'])).map(bytesOf), expected(['c', 'b', 'a']));
  assert.is(model.calls.length, 0);
  assert.equal([await embeddings.delete('a'), await embeddings.delete('a')], [true, false]);
  assert.is(await embeddings.deleteMany(['b', 'b', 'x']), 1);
  const other = cache.embeddings('docs2', { model: 'm', dimensions: DIMENSIONS, embed: model.embed });
  await other.embed(['a']);
  assert.is(await embeddings.clear(), 1);
  assert.is(await embeddings.get('c'), undefined);
  assert.ok(await other.has('a'), 'another namespace whose name begins the same is untouched');
  assert.is(await cache.clear(), 1);
  await embeddings.setMany([]);
});

test('a returned vector is the caller’s: changing it changes no other and nothing cached', async () => {
  const { embeddings } = open();
  for (let round = 0; round < 3; round++) {
    const vectors = await embeddings.embed(['a', 'a', 'b']);
    vectors[0]?.fill(7);
    assert.equal(vectors.slice(1).map(bytesOf), expected(['a', 'b']), `round ${round}`);
    vectors[1]?.fill(8);
    vectors[2]?.fill(9);
  }
  const given = prf('given', DIMENSIONS);
  await embeddings.set('given', given);
  given.fill(1);
  assert.is(bytesOf(await embeddings.get('given')), expected(['given'])[0]);
});

test('an array that is changed after the call changes nothing of it, and nothing that is stored', async () => {
  const { embeddings, model } = open();
  const batch = ['a', 'b', 'a'];
  const vectors = embeddings.embed(batch);
  batch.splice(0, 3, 'x', 'y');
  assert.equal((await vectors).map(bytesOf), expected(['a', 'b', 'a']));
  assert.equal(model.calls, [['a', 'b']]);
  assert.equal((await embeddings.getMany(['a', 'b'])).map(bytesOf), expected(['a', 'b']));
});

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
    assert.is(((error as EmbedError).cause as Error).message, 'the provider is overloaded');
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

test('stats count keys, records and calls', async () => {
  const { embeddings, cache } = open();
  await embeddings.embed(['a', 'b', 'a']);
  await embeddings.embed(['a', 'b', 'a', 'c']);
  const { bytesRead, bytesWritten, ...counts } = cache.stats().docs as NonNullable<
    ReturnType<typeof cache.stats>[string]
  >;
  assert.equal(counts, { hits: 2, misses: 3, corrupt: 0, fills: 3, errors: 0 });
  assert.ok(bytesRead > 0 && bytesWritten > bytesRead);
});

test('bytes are inputs too, and identify says what counts for anything else', async () => {
  const cache = createCache({ backend: scripted() });
  const calls: unknown[] = [];
  const embed = async (inputs: unknown[]) => {
    calls.push(...inputs);
    return inputs.map(() => prf('x', DIMENSIONS));
  };
  const images = cache.embeddings<Uint8Array>('images', { model: 'm', dimensions: DIMENSIONS, embed });
  await images.embed([Uint8Array.from([1]), Uint8Array.from([1]), Uint8Array.from([2])]);
  assert.is(calls.length, 2);
  const assets = cache.embeddings<{ id: string; at: number }>('assets', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed,
    identify: ({ id }) => id,
  });
  await assets.embed([
    { id: 'x', at: 1 },
    { id: 'x', at: 2 },
  ]);
  assert.is(calls.length, 3);
  const wrong = cache.embeddings<object>('wrong', { model: 'm', dimensions: DIMENSIONS, embed });
  await wrong.embed([{}]).then(
    () => assert.unreachable(),
    (error) => assert.ok(error instanceof InvalidInputError && error.field === 'inputs[0]'),
  );
});

test('another model, dimension, role, version, prefix or secret is another key', () => {
  const key = (cacheOptions: object, model: object | string, dimensions = 8) =>
    createCache({ backend: scripted(), ...cacheOptions })
      .embeddings('docs', { model: model as string, dimensions })
      .keyOf('a');
  const keys = [
    key({}, 'm'),
    key({}, 'm', 9),
    key({}, 'n'),
    key({}, { id: 'm', inputType: 'query' }),
    key({}, { id: 'm', revision: '2' }),
    key({ version: 2 }, 'm'),
    key({ keyPrefix: 'other' }, 'm'),
    key({ secret: 'one' }, 'm'),
    key({ secret: 'two' }, 'm'),
  ];
  assert.is(new Set(keys).size, keys.length);
  assert.is(key({}, 'm'), key({}, { id: 'm' }));
  assert.is(key({ secret: 'one' }, 'm'), key({ secret: Buffer.from('one') }, 'm'));
});

test('wrong options and arguments are refused by name', async () => {
  const backend = scripted();
  const options: [() => unknown, string][] = [
    [() => createCache({ backend }).embeddings('a', { model: { revision: '1' } as never, dimensions: 8 }), 'model.id'],
    [() => createCache({} as never), 'backend'],
    [() => createCache({ backend: {} } as never), 'backend'],
    [() => createCache({ backend, ttl: -1 }), 'ttl'],
    [() => createCache({ backend, ttl: '5 parsecs' as '5s' }), 'ttl'],
    [() => createCache({ backend, readTimeout: 0 }), 'readTimeout'],
    [() => createCache({ backend, keyPrefix: 'a:b' }), 'keyPrefix'],
    [() => createCache({ backend, version: 1.5 }), 'version'],
    [() => createCache({ backend, secret: '' }), 'secret'],
    [() => createCache({ backend, ttll: 5 } as never), 'ttll'],
    [() => createCache({ backend }).embeddings('a:b', { model: 'm', dimensions: 8 }), 'namespace'],
    [() => createCache({ backend }).embeddings('a', { dimensions: 8 } as never), 'model'],
    [() => createCache({ backend }).embeddings('a', { model: '', dimensions: 8 }), 'model'],
    [
      () => createCache({ backend }).embeddings('a', { model: { id: 'm', role: 'x' } as never, dimensions: 8 }),
      'model.role',
    ],
    [() => createCache({ backend }).embeddings('a', { model: 'm', dimensions: -1 }), 'dimensions'],
    [() => createCache({ backend }).embeddings('a', { model: 'm', dimensions: 8, ttl: -1 }), 'ttl'],
    [() => createCache({ backend }).embeddings('a', { model: 'm', dimensions: 8, batchSize: 0 }), 'batchSize'],
    [() => createCache({ backend }).embeddings('a', { model: 'm', dimensions: 8, batchsize: 5 } as never), 'batchsize'],
    [() => createCache({ backend }).embeddings('a', { model: 'm', dimensions: 8, embed: 'x' as never }), 'embed'],
  ];
  for (const [make, option] of options) {
    assert.throws(make, (error: unknown) => {
      if (error instanceof InvalidOptionError && error.option === option) return true;
      throw new Error(`${option}: ${error}`);
    });
  }
  assert.throws(() => createCache({ backend, ttl: -1 }), /ttl: expected .*, got -1/);

  const { embeddings } = open();
  const without = createCache({ backend }).embeddings('a', { model: 'm', dimensions: 8 });
  const calls: [Promise<unknown>, string][] = [
    [embeddings.embed('text' as never), 'inputs'],
    [embeddings.embed(['a', 5 as never]), 'inputs[1]'],
    [embeddings.embed([null as never]), 'inputs[0]'],
    [embeddings.set('a', [1, 2]), 'entries[0]'],
    [embeddings.set('a', prf('a', DIMENSIONS).fill(Number.NaN)), 'entries[0]'],
    [embeddings.embed(['a'], { ttl: -1 }), 'ttl'],
    [without.embed(['a']), 'embed'],
  ];
  for (const [call, name] of calls) {
    await call.then(
      () => assert.unreachable(name),
      (error) => assert.is(error instanceof InvalidInputError ? error.field : error.option, name),
    );
  }
});

test.run();
