import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import type { AnswerForm } from '../../src/cache/answers.js';
import { createCache } from '../../src/cache/cache.js';
import { LentMemory } from '../../src/codec/lent-memory.js';
import { bytesOf, prf } from '../support/prf.js';

const test = suite('memory that is lent to calls');

test('what is given back is lent again, once, and nothing else is', () => {
  const [first, second, third] = [new LentMemory(), new LentMemory(), new LentMemory()];
  const size = 20_000;
  const blocks = [first.take(size), first.take(64 * 1024)];
  assert.is(new Set([...blocks, second.take(size)]).size, 3);
  // Too much, or too little.
  for (const own of [64 * 1024 + 1, 100]) assert.is(first.take(own).byteLength, own);
  first.end(true);
  first.end(true);
  second.end(false);
  const again = [third.take(size), third.take(size), third.take(size)];
  assert.is(new Set(again).size, 3);
  assert.equal(new Set(again.slice(0, 2)), new Set(blocks));
  third.end(true);
});

test('however many calls wait, few blocks are lent', () => {
  const calls = Array.from({ length: 500 }, () => new LentMemory());
  const sizes = calls.map((call) => call.take(20_000).byteLength);
  assert.is(sizes.filter((bytes) => bytes === 64 * 1024).length, 64);
  assert.is(sizes.filter((bytes) => bytes === 20_000).length, 436);
  for (const call of calls) call.end(true);
});

const DIMENSIONS = 300;
const SHORT = 5;
const FORMS: (AnswerForm | undefined)[] = ['float32', 'array', 'base64', undefined];

const hexOf = (vector: Float32Array | number[] | string) =>
  typeof vector === 'string' ? Buffer.from(vector, 'base64').toString('hex') : bytesOf(Float32Array.from(vector));

const short = (vector: Float32Array) => {
  const norm = Math.sqrt(vector.subarray(0, SHORT).reduce((sum, number) => sum + number ** 2, 0));
  return vector.slice(0, SHORT).map((number) => number / norm);
};

const call = fc.record({
  texts: fc.array(fc.integer({ max: 400, min: 0 }), { minLength: 1, maxLength: 300 }),
  as: fc.constantFrom(...FORMS),
  kind: fc.constantFrom('whole', 'truncated', 'gathered'),
  spoils: fc.boolean(),
  aborts: fc.nat(9).map((n) => n === 0),
});

type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;
const waves = fc.array(fc.array(call, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 5 });

test('no call sees what another one got: forms, misses, short vectors, gathered calls, aborts', async () => {
  await fc.assert(
    fc.asyncProperty(waves, async (waves) => {
      const cache = createCache({ backend: new MemoryBackend() });
      const embed = async (texts: string[]) => texts.map((text) => prf(text, DIMENSIONS));
      const options = { model: 'm', dimensions: DIMENSIONS, embed };
      const kinds = {
        whole: cache.embeddings('n', options),
        truncated: cache.embeddings('n', { ...options, dimensions: SHORT, truncateFrom: DIMENSIONS }),
        gathered: cache.embeddings('n', { ...options, gather: 1 }),
      };
      // All but the last hundred texts are found.
      await kinds.whole.embed(Array.from({ length: 300 }, (_, n) => `text ${n}`));
      const kept: { vectors: (Float32Array | number[] | string)[]; expected: string[] }[] = [];
      const run = async ({ texts, as, kind, spoils, aborts }: Call) => {
        const inputs = texts.map((n) => `text ${n}`);
        const expected = inputs.map((text) => {
          const vector = prf(text, DIMENSIONS);
          return hexOf(kind === 'truncated' ? short(vector) : vector);
        });
        const signal = aborts ? AbortSignal.timeout(0) : undefined;
        const given = kinds[kind as keyof typeof kinds].embed(inputs, { as, signal });
        const vectors = await given.catch((error) => {
          if (!aborts) throw error;
          return undefined;
        });
        if (vectors === undefined) return;
        assert.equal(vectors.map(hexOf), expected);
        if (!spoils) kept.push({ vectors, expected });
        // The caller may do with it what he likes.
        else for (const vector of vectors) if (typeof vector !== 'string') (vector as Float32Array).fill(7);
      };
      for (const wave of waves) await Promise.all(wave.map(run));
      for (const { vectors, expected } of kept) assert.equal(vectors.map(hexOf), expected);
      await cache.close();
    }),
    { numRuns: 40 },
  );
});

test.run();
