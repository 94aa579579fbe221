import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AnswerWriter } from '../../src/cli/serve/answer.js';
import { floatText } from '../../src/cli/serve/float-text.js';
import { vectorsOf } from '../support/serve-process.js';

const test = suite('answers as text');

const float = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ min: -1, max: 1, noNaN: true }),
  fc
    .constantFrom(0, -0, 1, -1, 0.1, 0.01, 0.001, 1e-4, 0.1 - 2 ** -27, 1 - 2 ** -24, 2 ** -149, 3.4e38)
    .map(Math.fround),
);
const vectors = fc.array(
  fc.array(float, { minLength: 3, maxLength: 3 }).map((numbers) => Float32Array.from(numbers)),
  { minLength: 1 },
);

test('numbers are read as the same doubles', () => {
  fc.assert(
    fc.property(fc.array(float), (numbers) => {
      const read: number[] = JSON.parse(floatText(Float32Array.from(numbers)).toString());
      return read.length === numbers.length && read.every((number, i) => Object.is(number, numbers[i]));
    }),
    { numRuns: 2000 },
  );
});

test('an answer holds its vectors in order, whatever was answered before', () => {
  const writer = new AnswerWriter();
  fc.assert(
    fc.property(vectors, fc.boolean(), (embeddings, isBase64) => {
      const texts = writer.form(isBase64).of(embeddings);
      const answer = JSON.parse(
        Buffer.concat(writer.write({ embeddings: texts, model: 'm "1"', tokens: 5 })).toString(),
      );
      assert.equal(Object.keys(answer), ['object', 'data', 'model', 'usage']);
      assert.equal([answer.model, answer.usage], ['m "1"', { prompt_tokens: 5, total_tokens: 5 }]);
      assert.equal(vectorsOf(answer).map(bits), embeddings.map(bits));
      assert.equal(
        answer.data.map(({ index }: { index: number }) => index),
        [...embeddings.keys()],
      );
    }),
  );
});

const bits = (vector: Float32Array) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('hex');

test.run();
