import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import type { Embeddings } from '../../src/cache/embeddings.js';
import { NestedCallError } from '../../src/errors.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('models and functions that ask the cache themselves');
const DIMENSIONS = 8;

/** A namespace of one place whose model first embeds what `asks` says. */
function nesting(asks: (texts: string[]) => string[]) {
  const cache = createCache({ backend: new MemoryBackend() });
  const documents: Embeddings = cache.embeddings('d', {
    model: 'm',
    dimensions: DIMENSIONS,
    batchSize: 1,
    concurrency: 1,
    embed: async (texts) => {
      const inner = asks(texts);
      if (inner.length > 0) await documents.embed(inner);
      return texts.map((text) => prf(text, DIMENSIONS));
    },
  });
  return documents;
}

test('a model may embed other texts, however few places there are', async () => {
  const documents = nesting(([text = '']) => (text.length < 5 ? [`${text}x`, `${text}y`] : []));
  const vectors = await documents.embed(['a', 'b', 'ax']);
  assert.equal(
    vectors.map(bytesOf),
    ['a', 'b', 'ax'].map((text) => bytesOf(prf(text, DIMENSIONS))),
  );
});

test('a model that asks for its own text is refused by name', async () => {
  const documents = nesting((texts) => texts);
  const error = await rejection(documents.embed(['a']));
  assert.match(error.message, /the model failed/);
  assert.instance((error as { original?: unknown }).original, NestedCallError);
});

test('so are two that ask for one another', async () => {
  const other: Record<string, string> = { a: 'b', b: 'a' };
  const documents = nesting(([text = '']) => [other[text] as string]);
  const outcomes = await Promise.allSettled([documents.embed(['a']), documents.embed(['b'])]);
  assert.ok(outcomes.some(({ status }) => status === 'rejected'));
});

test('values: a computation may ask for others, and not for itself', async () => {
  const values = createCache({ backend: new MemoryBackend() }).values<number>('v');
  const sum = await values.getOrCompute('sum', async () => {
    const parts = await Promise.all(['a', 'b'].map((key) => values.getOrCompute(key, () => key.length)));
    return parts.reduce((all, part) => all + part, 0);
  });
  assert.is(sum, 2);
  const call = values.getOrCompute('self', () => values.getOrCompute('self', () => 1));
  assert.instance(await rejection(call), NestedCallError);
  const circle = values.getOrCompute('one', () =>
    values.getOrCompute('two', () => values.getOrCompute('one', () => 1)),
  );
  assert.instance(await rejection(circle), NestedCallError);
});

test.run();
