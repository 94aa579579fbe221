import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import type { EmbedFunction } from '../../src/cache/options.js';
import { EmbedError, InvalidInputError } from '../../src/errors.js';
import { deferred } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('what callers do to what they handed in');

const DIMENSIONS = 16;
const vectorOf = (input: Uint8Array | string) => prf(Buffer.from(input as string).toString('hex'), DIMENSIONS);

/** A model of bytes that scratches what it is given, and fails so many times. */
function scratching(failures = 0) {
  let left = failures;
  const embed: EmbedFunction<Uint8Array> = async (inputs) => {
    const vectors = inputs.map(vectorOf);
    for (const input of inputs) input.fill(7);
    if (left-- > 0) throw Object.assign(new Error('busy'), { status: 503 });
    return vectors;
  };
  return embed;
}

const open = <Input>(embed: EmbedFunction<Input>, options = {}) =>
  createCache({ backend: new MemoryBackend() }).embeddings<Input>('n', { model: 'm', embed, ...options });

for (const [kind, make] of [
  ['Uint8Array', (text: string) => Uint8Array.from(Buffer.from(text))],
  ['Buffer', (text: string) => Buffer.from(text)],
] as const) {
  test(`a ${kind} may be changed at once, and is not changed`, async () => {
    const embeddings = open(scratching());
    const input = make('the bytes of an image');
    const before = vectorOf(input);
    const asked = embeddings.embed([input]);
    input.fill(1);
    assert.is(bytesOf((await asked)[0]), bytesOf(before));
    assert.ok(input.every((byte) => byte === 1));
    const again = make('the bytes of an image');
    assert.is(bytesOf((await embeddings.embed([again]))[0]), bytesOf(before));
    assert.is(bytesOf(await embeddings.get(again)), bytesOf(before));
  });

  test(`each try gets a ${kind} as it was`, async () => {
    for (const options of [{}, { bypass: true }, { refresh: true }]) {
      const embeddings = open(scratching(2), { retry: { minDelay: 1 } });
      const input = make('an image');
      const [vector] = await embeddings.embed([input], options);
      assert.is(bytesOf(vector), bytesOf(vectorOf(make('an image'))));
    }
  });
}

test('detached bytes are refused by name', async () => {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  const error = (await rejection(open(scratching()).embed([new Uint8Array(1), bytes]))) as InvalidInputError;
  assert.instance(error, InvalidInputError);
  assert.is(error.field, 'inputs[1]');
});

test('an object that changes before any try is noticed: in a pause, behind a permit, in a window', async () => {
  interface Doc {
    text: string;
  }
  const identify = ({ text }: Doc) => text;
  for (const [what, options, call] of [
    ['pause', { retry: { minDelay: 30 } }, {}],
    ['pause of bypass', { retry: { minDelay: 30 } }, { bypass: true }],
    ['permit', { concurrency: 1, batchSize: 1 }, { bypass: true }],
    ['window', { gather: 20 }, {}],
  ] as const) {
    const gate = deferred<void>();
    let calls = 0;
    const embed: EmbedFunction<Doc> = async (docs) => {
      calls += 1;
      if (calls === 1) await gate.promise;
      if (calls === 1 && what.startsWith('pause')) throw Object.assign(new Error('busy'), { status: 503 });
      return docs.map(({ text }) => vectorOf(text));
    };
    const embeddings = open(embed, { identify, ...options });
    const docs = [{ text: 'first' }, { text: 'second' }];
    const asked = rejection(embeddings.embed(docs, call));
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const doc of docs) doc.text += ' changed';
    gate.resolve();
    const error = (await asked) as EmbedError;
    assert.instance(error, EmbedError, what);
    assert.match(error.message, /were changed/, what);
    assert.equal(await embeddings.getMany([{ text: 'first' }, { text: 'second' }]), [undefined, undefined], what);
  }
});

test('a gathered caller hears why its own inputs failed, and nothing of those who left', async () => {
  const asked: string[] = [];
  const embed: EmbedFunction<string> = async ([text = '']) => {
    asked.push(text);
    if (/^\d/.test(text)) throw Object.assign(new Error('refused'), { status: Number(text) });
    return [vectorOf(text)];
  };
  const embeddings = open(embed, { gather: 10, batchSize: 1 });
  const statusOf = async (promise: Promise<unknown>) =>
    ((await rejection(promise)) as EmbedError & { original: { status: number } }).original.status;
  const gone = new AbortController();
  let found = 0;
  const left = rejection(embeddings.embed(['gone'], { signal: gone.signal, onLookup: () => (found += 1) }));
  const statuses = [401, 400, 422].map((status) => statusOf(embeddings.embed([`${status} x`.slice(0, 3)])));
  const stays = embeddings.embed(['stays']);
  gone.abort(new Error('left'));
  assert.is(((await left) as Error).message, 'left');
  assert.equal(await Promise.all(statuses), [401, 400, 422]);
  assert.is(bytesOf((await stays)[0]), bytesOf(vectorOf('stays')));
  assert.equal([asked.includes('gone'), found], [false, 0]);
});

test('options of another kind are refused by name, before the model is asked', async () => {
  let calls = 0;
  const embeddings = open(async (texts: string[]) => {
    calls += 1;
    return texts.map(vectorOf);
  });
  for (const [options, field] of [
    [null, 'options'],
    ['x', 'options'],
    [{ signal: {} }, 'options.signal'],
    [{ signal: null }, 'options.signal'],
    [{ refresh: 'no' }, 'options.refresh'],
    [{ bypass: 1 }, 'options.bypass'],
    [{ onLookup: 5 }, 'options.onLookup'],
    [{ onUsage: {} }, 'options.onUsage'],
  ] as const) {
    const error = (await rejection(embeddings.embed(['a'], options as never))) as InvalidInputError;
    assert.instance(error, InvalidInputError, field);
    assert.is(error.field, field);
  }
  assert.is(calls, 0);
});

test.run();
