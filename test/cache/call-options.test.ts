import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EmbedError, InvalidInputError } from '../../src/errors.js';
import { DIMENSIONS, expected, open } from '../support/embeddings.js';
import { gatedModel, testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('options of one embed');

/** A model whose vectors are those of another version of it from each `next()` on. */
function versions() {
  let version = 1;
  let failure: Error | undefined;
  const calls: string[][] = [];
  return {
    calls,
    next: () => {
      version += 1;
    },
    fail: (error: Error | undefined) => {
      failure = error;
    },
    of: (text: string, v = version) => bytesOf(prf(`${v} ${text}`, DIMENSIONS)),
    embed: async (texts: string[]) => {
      calls.push(texts);
      if (failure) throw failure;
      return texts.map((text) => prf(`${version} ${text}`, DIMENSIONS));
    },
  };
}

test('as: the same numbers in every form, from the model and from the cache', async () => {
  const { embeddings } = open();
  for (let round = 0; round < 2; round++) {
    const texts = [`a${round}`, 'b', 'b'];
    const arrays: number[][] = await embeddings.embed(texts, { as: 'array' });
    const encoded: string[] = await embeddings.embed(texts, { as: 'base64' });
    assert.ok(arrays.every(Array.isArray));
    assert.equal(
      arrays.map((array) => bytesOf(Float32Array.from(array))),
      expected(texts),
    );
    assert.equal(
      encoded.map((text) => Buffer.from(text, 'base64').toString('hex')),
      expected(texts),
    );
    const vectors: Float32Array[] = await embeddings.embed(texts, { as: 'float32' });
    assert.equal(vectors.map(bytesOf), expected(texts));
  }
});

test('what cannot be asked for is refused by name, and costs no call', async () => {
  const { embeddings, model } = open();
  const error = (await rejection(embeddings.embed(['a'], { as: 'float64' as never }))) as InvalidInputError;
  assert.instance(error, InvalidInputError);
  assert.is(error.field, 'options.as');
  assert.match((await rejection(embeddings.embed(['a'], { refresh: true, bypass: true }))).message, /options.refresh/);
  assert.is(model.calls.length, 0);
});

test('refresh asks for everything, once, and stores over what is there', async () => {
  const model = versions();
  const { embeddings } = open(model);
  await embeddings.embed(['a', 'b']);
  model.next();
  assert.equal((await embeddings.embed(['a', 'b', 'a'])).map(bytesOf), [
    model.of('a', 1),
    model.of('b', 1),
    model.of('a', 1),
  ]);
  const found: number[][] = [];
  const fresh = await embeddings.embed(['a', 'c', 'a'], { refresh: true, onLookup: (flags) => found.push([...flags]) });
  assert.equal(fresh.map(bytesOf), [model.of('a'), model.of('c'), model.of('a')]);
  assert.equal(found, [[0, 0, 0]]);
  assert.equal(model.calls.at(-1), ['a', 'c']);
  assert.equal((await embeddings.embed(['a', 'b', 'c'])).map(bytesOf), [
    model.of('a'),
    model.of('b', 1),
    model.of('c'),
  ]);
});

test('a refresh that fails leaves what is there', async () => {
  const model = versions();
  const { embeddings } = open(model);
  await embeddings.embed(['a']);
  model.fail(new Error('down'));
  assert.instance(await rejection(embeddings.embed(['a'], { refresh: true })), EmbedError);
  assert.is(bytesOf(await embeddings.get('a')), model.of('a', 1));
});

test('a refresh joins nothing that began before it, and what that computes is not stored after it', async () => {
  const model = gatedModel(DIMENSIONS, 2);
  const { calls, gates } = model;
  const { embeddings } = open(model);
  const old = embeddings.embed(['a']);
  while (calls.length < 1) await new Promise(setImmediate);
  const fresh = embeddings.embed(['a'], { refresh: true });
  while (calls.length < 2) await new Promise(setImmediate);
  gates[1]?.resolve();
  assert.is(bytesOf((await fresh)[0]), bytesOf(model.of(1, 'a')));
  gates[0]?.resolve();
  await old;
  assert.is(bytesOf(await embeddings.get('a')), bytesOf(model.of(1, 'a')));
});

test('bypass asks for everything, and neither reads nor stores', async () => {
  const model = versions();
  const { embeddings, backend } = open(model, { batchSize: 2 });
  await embeddings.embed(['a']);
  const before = [backend.reads, backend.writes];
  model.next();
  const texts = ['a', 'b', 'c', 'a'];
  assert.equal(
    (await embeddings.embed(texts, { bypass: true })).map(bytesOf),
    texts.map((text) => model.of(text)),
  );
  assert.equal([backend.reads, backend.writes], before);
  assert.equal(model.calls.slice(1), [['a', 'b'], ['c']]);
  assert.is(bytesOf(await embeddings.get('a')), model.of('a', 1));
  model.fail(new Error('down'));
  const error = (await rejection(embeddings.embed(texts, { bypass: true }))) as EmbedError;
  assert.equal(error.indices, [0, 1, 2, 3]);
  assert.match(error.message, /no vector for 4 of 4 inputs/);
});

test('a bypass ends by its signal, also where the model hears no signal', async () => {
  const { embeddings } = open(testModel(DIMENSIONS, () => new Promise(() => {})));
  const controller = new AbortController();
  const call = embeddings.embed(['a'], { bypass: true, signal: controller.signal });
  controller.abort(new Error('enough'));
  assert.is((await rejection(call)).message, 'enough');
});

test.run();
