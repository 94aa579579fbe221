import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readAnswer } from '../../src/adapters/openai/answer.js';
import { cacheControl } from '../../src/adapters/openai/cache-control.js';
import { identityOf, modelOf } from '../../src/adapters/openai/identity.js';
import { bodyFor, type EmbeddingsRequest, readRequest } from '../../src/adapters/openai/request.js';
import { EmbedError, InvalidInputError } from '../../src/errors.js';
import { prf } from '../support/prf.js';

const test = suite('OpenAI requests and answers');
const model = 'm';
const read = (body: Record<string, unknown>) => readRequest({ model, ...body }) as EmbeddingsRequest;

test('Cache-Control in every kind of headers; no-store is the stronger one', () => {
  for (const [value, refresh, bypass] of [
    ['no-cache', true, false],
    ['max-age=0, NO-STORE', false, true],
    ['no-cache, no-store', false, true],
    ['max-age=0', false, false],
  ] as const) {
    const name = 'Cache-Control';
    for (const headers of [
      { [name]: value },
      [
        ['x', 'y'],
        [name, value],
      ],
      new Headers({ [name]: value }),
    ])
      assert.equal(cacheControl(headers), { refresh, bypass });
  }
  for (const none of [undefined, null, {}, [], new Headers()])
    assert.equal(cacheControl(none), { refresh: false, bypass: false });
});

test('one input or several, of text or of tokens', () => {
  const shapes = [
    ['a', 'text', ['a']],
    [['a', 'b', 'a'], 'text', ['a', 'b', 'a']],
    [[1, 2], 'tokens', [[1, 2]]],
    [[[1, 2], [0xffffffff]], 'tokens', [[1, 2], [0xffffffff]]],
  ] as const;
  for (const [input, kind, inputs] of shapes) {
    const request = read({ input });
    assert.is(request.kind, kind);
    assert.equal(request.inputs, inputs);
    assert.equal(bodyFor(request, request.inputs), { model, input });
  }
  const tokens = [[1], [2]];
  const { inputs } = read({ input: tokens });
  (tokens[0] as number[])[0] = 9;
  assert.equal(inputs, [[1], [2]]);
});

test('what is asked is what the key was made of, whatever the caller does with his body', () => {
  const extra = { list: [1, { b: 2, a: 1 }], when: new Date(0) };
  const request = read({ input: 'a', extra, user: 'me', nothing: null });
  extra.list[0] = 9;
  (extra.list[1] as Record<string, number>).a = 9;
  extra.when.setTime(5);
  const asked = bodyFor(request, request.inputs) as Record<string, unknown>;
  assert.equal(asked, {
    model,
    input: 'a',
    user: 'me',
    nothing: null,
    extra: { list: [1, { b: 2, a: 1 }], when: '1970-01-01T00:00:00.000Z' },
  });
  assert.is(read(asked).role, request.role);
});

test('the upstream says what is wrong, or answers what is not cached', () => {
  const passed = [
    { input: [] },
    { input: 'a', model: '' },
    { input: 'a', model: null },
    { input: { image: 'x' } },
    { input: ['a', { image: 'x' }] },
    { input: 'a', encoding_format: 'ubinary' },
    { input: 'a', embedding_type: 'int8' },
    { input: 'a', embedding_types: ['float'] },
    { input: 'a', output_dtype: 'binary' },
    { input: 'a', return_multivector: true },
    { input: 'a', extra: 1n },
  ];
  for (const body of passed) assert.is(read(body), undefined);
});

test('what is plainly wrong is named', () => {
  const refused: [unknown, string][] = [
    [undefined, 'body'],
    [['a'], 'body'],
    [{ model }, 'input'],
    [{ model, input: null }, 'input'],
    [{ model, input: 5 }, 'input'],
    [{ model, input: [null] }, 'input[0]'],
    [{ model, input: ['a', 1] }, 'input[1]'],
    [{ model, input: [1, 'a'] }, 'input[1]'],
    [{ model, input: [1, 1.5] }, 'input[1]'],
    [{ model, input: [[1], 2] }, 'input[1]'],
    [{ model, input: [[1], [2, -1]] }, 'input[1][1]'],
    [{ model, input: [2 ** 32] }, 'input[0]'],
    [{ model: 5, input: 'a' }, 'model'],
    [{ model, input: 'a', dimensions: 0 }, 'dimensions'],
    [{ model, input: 'a', dimensions: 65_536 }, 'dimensions'],
    [{ model, input: 'a', dimensions: '8' }, 'dimensions'],
  ];
  for (const [body, field] of refused) {
    try {
      readRequest(body);
      assert.unreachable(field);
    } catch (error) {
      assert.instance(error, InvalidInputError);
      assert.is((error as InvalidInputError).field, field);
      assert.not.match((error as Error).message, /"a"|1\.5/);
    }
  }
  const holed = ['a', 'b'];
  holed[3] = 'c';
  assert.throws(() => read({ input: holed }), /input\[2\]/);
});

test('encodings and users are no part of the key, all other fields are, in any order', () => {
  const plain = read({ input: 'a' });
  assert.equal([plain.role, plain.encoding, plain.dimensions], ['', 'float', undefined]);
  const same = read({
    input: 'b',
    user: 'u',
    encoding_format: 'base64',
    output_dtype: 'float',
    dimensions: null,
    task: null,
  });
  assert.equal([same.role, same.encoding, same.dimensions], ['', 'base64', undefined]);
  assert.is(read({ input: 'a', encoding_format: null }).encoding, 'float');
  assert.is(read({ input: 'a', embedding_type: 'base64' }).encoding, 'base64');
  const a = read({ input: 'a', task: 'q', options: { y: [{ d: 1, c: null }], x: 2 } });
  const b = read({ input: 'a', options: { x: 2, y: [{ c: null, d: 1 }] }, task: 'q' });
  assert.is(a.role, b.role);
  assert.is(a.role, '{"options":{"x":2,"y":[{"c":null,"d":1}]},"task":"q"}');
  assert.not.equal(
    read({ input: 'a', options: { y: [1, 2] } }).role,
    read({ input: 'a', options: { y: [2, 1] } }).role,
  );
  const proto = readRequest(JSON.parse('{"model":"m","input":"a","__proto__":{"task":"q"}}'));
  assert.is(proto?.role, '{"__proto__":{"task":"q"}}');
});

test('a model is its provider, its name, its fields and its kind of inputs', () => {
  assert.equal(modelOf(read({ input: 'a' }), 'p'), { provider: 'p', id: 'm' });
  assert.equal(modelOf(read({ input: [1] }), 'p'), { provider: 'p', id: 'm', inputType: 'tokens ' });
  assert.equal(modelOf(read({ input: 'a', task: 'q' }), 'p').inputType, '{"task":"q"}');
  assert.equal(modelOf(read({ input: [1], task: 'q' }), 'p').inputType, 'tokens {"task":"q"}');
  assert.is(identityOf('a'), 'a');
  assert.equal([...(identityOf([1, 0x04030201]) as Uint8Array)], [1, 0, 0, 0, 1, 2, 3, 4]);
});

const base64 = (vector: Float32Array) => Buffer.from(vector.buffer).toString('base64');
const row = (index: unknown, embedding: unknown) => ({ object: 'embedding', index, embedding });

test('rows in any order, as numbers and as base64, give vectors in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ seed: fc.integer(), isBase64: fc.boolean(), place: fc.integer() }), {
        minLength: 1,
        maxLength: 40,
      }),
      (rows) => {
        const vectors = rows.map(({ seed }) => prf(String(seed), 5));
        const data = rows
          .map(({ isBase64, place }, i) => ({
            place,
            row: row(i, isBase64 ? base64(vectors[i] as Float32Array) : [...(vectors[i] as Float32Array)]),
          }))
          .sort((a, b) => a.place - b.place)
          .map((one) => one.row);
        const answer = readAnswer({ data, model: 'n', usage: { prompt_tokens: 7 } }, rows.length);
        assert.equal(
          answer.vectors.map((vector) => Float32Array.from(vector)),
          vectors,
        );
        assert.equal([answer.model, answer.tokens], ['n', 7]);
      },
    ),
  );
});

test('an answer without indexes is in order, and one without zeros means 0', () => {
  const plain = (data: unknown[]) => readAnswer({ data }, data.length).vectors.map((vector) => [...Array.from(vector)]);
  assert.equal(plain([{ embedding: [1] }, { embedding: [2] }]), [[1], [2]]);
  assert.equal(plain([row(1, [1]), { embedding: [2] }]), [[2], [1]]);
  assert.is(readAnswer({ data: [], usage: { total_tokens: 3 } }, 0).tokens, 3);
  assert.is(readAnswer({ data: [], model: '', usage: 'none' }, 0).tokens, undefined);
});

test('an answer that is no embeddings is refused with what is wrong', () => {
  const good = base64(prf('a', 3));
  const refused: [unknown, RegExp][] = [
    [undefined, /without an array named data/],
    ['<html>', /without an array named data/],
    [{ data: {} }, /without an array named data/],
    [{ data: [row(0, [1])] }, /1 embeddings for 2 inputs/],
    [{ data: [row(0, [1]), row(0, [1])] }, /two embeddings of index 0/],
    [{ data: [{ embedding: [1] }, row(0, [1])] }, /two embeddings of index 0/],
    [{ data: [row(0, [1]), row(2, [1])] }, /data\[1\] without an index from 0 to 1/],
    [{ data: [row('0', [1]), row(1, [1])] }, /data\[0\] without an index/],
    [{ data: [row(0, [1]), row(1, null)] }, /data\[1\]\.embedding that is neither/],
    [{ data: [row(0, [1]), row(1, { 0: 1 })] }, /data\[1\]\.embedding that is neither/],
    [{ data: [row(0, [1]), null] }, /two embeddings of index 0|data\[1\]/],
    [{ data: [row(0, good), row(1, good.slice(0, -4))] }, /data\[1\]\.embedding that is neither/],
    [{ data: [row(0, good), row(1, `${good}!!!!`)] }, /data\[1\]\.embedding that is neither/],
    [{ data: [row(0, good), row(1, `${good.slice(0, -1)}!`)] }, /data\[1\]\.embedding that is neither/],
  ];
  for (const [answer, expected] of refused) {
    assert.throws(
      () => readAnswer(answer, 2),
      (error: Error) => error instanceof EmbedError && expected.test(error.message),
      JSON.stringify(answer),
    );
  }
});

test.run();
