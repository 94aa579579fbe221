import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { tokensOfInputs } from '../../src/cache/fill/usage.js';
import type { EmbeddingsOptions } from '../../src/cache/options.js';
import { prf } from '../support/prf.js';

const test = suite('tokens that providers report');
const DIMENSIONS = 8;

const tokensOf = (text: string) => text.length;

/** A namespace whose model reports a token for each character, as `report` says. */
function open(
  report: (texts: string[]) => unknown,
  options: Partial<EmbeddingsOptions> = {},
  backend = new MemoryBackend(),
) {
  const cache = createCache({ backend });
  let calls = 0;
  const embeddings = cache.embeddings('docs', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: async (texts, { usage }) => {
      calls += 1;
      usage(report(texts) as number);
      return texts.map((text) => prf(text, DIMENSIONS));
    },
    ...options,
  });
  const usageOf = async (texts: string[], call = {}) => {
    let told: (number | undefined)[] | undefined;
    await embeddings.embed(texts, {
      ...call,
      onUsage: (tokens) => {
        assert.is(told, undefined, 'told once');
        told = tokens;
      },
    });
    return told as (number | undefined)[] | undefined;
  };
  return { usageOf, embeddings, cache, calls: () => calls };
}

const each = (texts: string[]) => texts.map(tokensOf);
const sum = (texts: string[]) => texts.reduce((all, text) => all + tokensOf(text), 0);

test('a hit tells what the miss told: from the model, joined, gathered, read again, encrypted', async () => {
  for (const options of [{}, { gather: 5 }, { dimensions: undefined }, { precision: 'float16' as const }]) {
    const backend = new MemoryBackend();
    const { usageOf } = open(each, options, backend);
    const texts = ['a', 'bbb', '', 'a', 'cc'];
    const expected = texts.map(tokensOf);
    const both = await Promise.all([usageOf(texts), usageOf(texts)]);
    assert.equal(both, [expected, expected]);
    assert.equal(await usageOf(texts), expected);
    assert.equal(await usageOf(['cc', 'dddd', 'bbb']), [2, 4, 3]);
    assert.equal(await usageOf(texts, { refresh: true }), expected);
    assert.equal(await usageOf(texts, { bypass: true }), expected);
    const other = open(each, options, backend);
    assert.equal(await other.usageOf(texts), expected);
    assert.is(other.calls(), 0);
  }
  const secret = { secret: 's'.repeat(32), encrypt: true };
  const sealed = createCache({ backend: new MemoryBackend(), ...secret }).embeddings('docs', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: async (texts, { usage }) => {
      usage(7);
      return texts.map((text) => prf(text, DIMENSIONS));
    },
  });
  const told: unknown[] = [];
  for (let i = 0; i < 2; i++) await sealed.embed(['a'], { onUsage: (tokens) => told.push(tokens) });
  assert.equal(told, [[7], [7]]);
});

test('what another cache computes meanwhile is told as well', async () => {
  const backend = new MemoryBackend();
  const caches = [open(each, {}, backend), open(each, {}, backend)] as const;
  const told = await Promise.all(caches.map(({ usageOf }) => usageOf(['a', 'bb'])));
  assert.equal(told, [
    [1, 2],
    [1, 2],
  ]);
  assert.is(caches[0].calls() + caches[1].calls(), 1);
});

test('of a sum each input has a share by its bytes, and the shares add up', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', maxLength: 30 }), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 0, max: 0xffffffff }),
      (texts, total) => {
        const tokens = tokensOfInputs(total, texts) as number[];
        assert.is(tokens.length, texts.length);
        assert.is(
          tokens.reduce((all, count) => all + count, 0),
          total,
        );
        assert.ok(tokens.every((count) => Number.isInteger(count) && count >= 0));
        const bytes = texts.map((text) => Buffer.byteLength(text) || 1);
        const all = bytes.reduce((so, count) => so + count, 0);
        tokens.forEach((count, i) => {
          assert.ok(Math.abs(count - (total * (bytes[i] as number)) / all) <= 1);
        });
      },
    ),
  );
  assert.equal(tokensOfInputs(10, [{}, {}, new Uint8Array(8)]), [1, 1, 8]);
});

test('a sum is stored split, so that the same batch hits with the same sum', async () => {
  const { usageOf } = open(sum);
  const texts = ['a', 'bbbbbb', 'ccc'];
  assert.equal(await usageOf(texts), [1, 6, 3]);
  assert.equal(await usageOf(texts), [1, 6, 3]);
});

test('what is no count is not known, and costs nothing', async () => {
  for (const nonsense of [undefined, Number.NaN, -1, 1.5, 2 ** 32, 'many', [1], [1, 2, 'x'], null, {}]) {
    const { usageOf } = open(() => nonsense);
    assert.equal(await usageOf(['a', 'b', 'c']), [undefined, undefined, undefined]);
    assert.equal(await usageOf(['a']), [undefined]);
  }
});

test('what set stored has none', async () => {
  const { usageOf, embeddings } = open(each);
  await embeddings.set('a', prf('a', DIMENSIONS));
  assert.equal(await usageOf(['a', 'b']), [undefined, 1]);
});

test.run();
