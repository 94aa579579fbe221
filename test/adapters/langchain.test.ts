import { createRequire } from 'node:module';
import { CacheBackedEmbeddings } from '@langchain/classic/embeddings/cache_backed';
import { MemoryVectorStore } from '@langchain/classic/vectorstores/memory';
import { Embeddings, type EmbeddingsParams } from '@langchain/core/embeddings';
import { InMemoryStore } from '@langchain/core/stores';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CachedEmbeddings, type CachedEmbeddingsOptions } from '../../src/adapters/langchain/langchain.js';
import { withOlderCache } from '../../src/adapters/langchain/older-cache.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

// By the class and the vector stores of @langchain/core 1; test/adapters/langchain.check.ts does it with 0.3.
const test = suite('CachedEmbeddings of LangChain');
const DIMENSIONS = 16;

const vectorOf = (text: string, role = 'document') => [...prf(`${role}:${text}`, DIMENSIONS)];

/** A model with two roles, which tells what it was asked for. */
class Model extends Embeddings {
  documents: string[][] = [];
  queries: string[] = [];
  fail: ((texts: string[]) => Error | undefined) | undefined;

  constructor(params: EmbeddingsParams = {}) {
    super(params);
  }

  async embedDocuments(texts: string[]): Promise<number[][]> {
    this.documents.push(texts);
    const error = this.fail?.(texts);
    if (error) throw error;
    return texts.map((text) => vectorOf(text));
  }

  async embedQuery(text: string): Promise<number[]> {
    this.queries.push(text);
    return vectorOf(text, 'query');
  }
}

const open = (options: Partial<CachedEmbeddingsOptions> = {}, model = new Model()) => {
  const backend = options.cache ? undefined : (options.backend ?? new MemoryBackend());
  return { model, cached: new CachedEmbeddings({ embeddings: model, model: 'm', ...options, backend }) };
};

test('a second call is served, and a partial hit is in order', async () => {
  const { model, cached } = open();
  assert.equal(await cached.embedDocuments(['a', 'b']), [vectorOf('a'), vectorOf('b')]);
  assert.equal(await cached.embedDocuments(['a', 'b']), [vectorOf('a'), vectorOf('b')]);
  assert.equal(
    await cached.embedDocuments(['c', 'b', 'd', 'a', 'c']),
    ['c', 'b', 'd', 'a', 'c'].map((t) => vectorOf(t)),
  );
  assert.equal(model.documents, [
    ['a', 'b'],
    ['c', 'd'],
  ]);
  assert.equal(await cached.embedDocuments([]), []);
});

test('documents and queries are roles apart, unless the model treats them alike', async () => {
  const apart = open();
  await apart.cached.embedDocuments(['a']);
  assert.equal(await apart.cached.embedQuery('a'), vectorOf('a', 'query'));
  assert.equal(await apart.cached.embedQuery('a'), vectorOf('a', 'query'));
  assert.equal(await apart.cached.embedDocuments(['a']), [vectorOf('a')]);
  assert.equal([apart.model.documents, apart.model.queries], [[['a']], ['a']]);

  const alike = open({ sameForQueries: true });
  await alike.cached.embedDocuments(['a']);
  assert.equal(await alike.cached.embedQuery('a'), vectorOf('a'));
  assert.equal(await alike.cached.embedQuery('b'), vectorOf('b'));
  assert.equal([alike.model.documents, alike.model.queries], [[['a'], ['b']], []]);
});

test('the keys are those of the cache itself, with the role', async () => {
  const cache = createCache({ backend: new MemoryBackend() });
  const { cached } = open({ cache, namespace: 'docs', model: { provider: 'p', id: 'm', revision: '2' } });
  await Promise.all([cached.embedDocuments(['a']), cached.embedQuery('a')]);
  for (const inputType of ['document', 'query']) {
    const model = { provider: 'p', id: 'm', revision: '2', inputType };
    const vector = await cache.embeddings('docs', { model }).get('a');
    assert.equal([...(vector as Float32Array)], vectorOf('a', inputType));
  }
  assert.is(cached.cache, cache);
});

test('whatever is cached: N of N, in order, each text asked for once', async () => {
  const texts = fc.array(fc.array(fc.constantFrom(...'abcdefgh', '', 'ä\u0000', '🙂'), { maxLength: 12 }), {
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 5 }), async (calls, batchSize) => {
      const { model, cached } = open({ batchSize });
      const answers = await Promise.all(calls.map((call) => cached.embedDocuments(call)));
      assert.equal(
        answers,
        calls.map((call) => call.map((text) => vectorOf(text))),
      );
      assert.equal(model.documents.flat().sort(), [...new Set(calls.flat())].sort());
      assert.ok(model.documents.every((batch) => batch.length <= batchSize));
    }),
    { numRuns: 50 },
  );
});

test('it is what LangChain takes for Embeddings: a class, and a vector store over it', async () => {
  const { model, cached } = open({ maxConcurrency: 3 });
  assert.instance(cached, Embeddings);
  assert.instance(cached, CachedEmbeddings);
  assert.is(typeof cached.caller.callWithOptions, 'function');
  assert.is(cached.caller.maxConcurrency, 3);
  const known: Embeddings = cached;

  for (let i = 0; i < 2; i++) {
    const store = await MemoryVectorStore.fromTexts(['a', 'b', 'c'], [{ id: 1 }, { id: 2 }, { id: 3 }], known);
    await store.similaritySearch('a', 1);
    const [found] = await store.similaritySearchVectorWithScore(vectorOf('b'), 1);
    assert.equal(found?.[0].metadata, { id: 2 });
  }
  assert.equal([model.documents.length, model.queries.length], [1, 1]);
});

test("a class of another build is extended where that is the user's, and none where there is none", async () => {
  const other = createRequire(import.meta.url)('@langchain/core/embeddings').Embeddings as typeof Embeddings;
  assert.is.not(other, Embeddings);
  const plain = {
    embedDocuments: async (texts: string[]) => texts.map((t) => vectorOf(t)),
    embedQuery: async () => [1],
  };
  const { cached } = open({ embeddings: plain });
  assert.equal(await cached.embedDocuments(['a']), [vectorOf('a')]);
  // A class of one's own that is not LangChain's is not taken for it.
  class Own {
    caller = { callWithOptions: () => {} };
    embedDocuments = plain.embedDocuments;
    embedQuery = plain.embedQuery;
  }
  class Derived extends Own {}
  assert.not(open({ embeddings: new Derived() }).cached instanceof Own);
  assert.instance(open().cached, Embeddings);
});

test('subclasses keep their methods', async () => {
  class Loud extends CachedEmbeddings {
    override async embedQuery(text: string) {
      return super.embedQuery(text.toUpperCase());
    }
  }
  const loud = new Loud({ embeddings: new Model(), backend: new MemoryBackend(), model: 'm' });
  assert.equal(await loud.embedQuery('a'), vectorOf('A', 'query'));
  assert.instance(loud, Embeddings);
});

test('what the given class throws is thrown, and costs the others nothing', async () => {
  const { model, cached } = open({ batchSize: 1 });
  class RateLimitError extends Error {
    status = 429;
  }
  const thrown = new RateLimitError('slow down');
  model.fail = ([text]) => (text === 'b' ? thrown : undefined);
  const [ok, failed] = await Promise.allSettled([
    cached.embedDocuments(['x', 'y']),
    cached.embedDocuments(['a', 'b', 'c']),
  ]);
  assert.is(ok.status, 'fulfilled');
  assert.is((failed as PromiseRejectedResult).reason, thrown);
  model.fail = undefined;
  model.documents = [];
  await cached.embedDocuments(['a', 'b', 'c']);
  assert.equal(model.documents, [['b']]);
});

test('bad input is refused by the name of the argument', async () => {
  const { model, cached } = open();
  const bad = [
    [cached.embedDocuments(['a', 5 as never]), 'documents[1]'],
    [cached.embedDocuments([new Uint8Array(1) as never]), 'documents[0]'],
    [cached.embedDocuments('a' as never), 'documents'],
    [cached.embedQuery(undefined as never), 'document'],
  ] as const;
  const good = cached.embedDocuments(['a']);
  for (const [call, field] of bad) {
    const error = (await rejection(call)) as InvalidInputError;
    assert.instance(error, InvalidInputError);
    assert.is(error.field, field);
    assert.ok(error.message.startsWith(`${field}: expected `), error.message);
  }
  assert.equal(await good, [vectorOf('a')]);
  assert.equal(model.documents, [['a']]);
});

test('an answer that is no vector for each text is refused, and says so', async () => {
  const { model, cached } = open();
  model.embedDocuments = async () => [vectorOf('a')];
  assert.match(
    (await rejection(cached.embedDocuments(['a', 'b']))).message,
    'the model returned 1 vectors for 2 inputs',
  );
  model.embedDocuments = async (texts) => texts.map(() => [1, 2, 3]);
  await cached.embedQuery('q');
  await cached.embedDocuments(['b']);
  model.embedDocuments = async (texts) => texts.map(() => [1, 2]);
  assert.match((await rejection(cached.embedDocuments(['c']))).message, /2/);
});

test('options that are wrong are named', () => {
  const backend = new MemoryBackend();
  const embeddings = new Model();
  const cases: [object, string][] = [
    [{ backend, model: 'm' }, 'embeddings'],
    [{ backend, model: 'm', embeddings: { embedQuery() {} } }, 'embeddings'],
    [{ embeddings, model: 'm' }, 'backend'],
    [{ embeddings, model: 'm', backend, cache: createCache({ backend }) }, 'backend'],
    [{ embeddings, model: 'm', cache: {} }, 'cache'],
    [{ embeddings, backend }, 'model.id'],
    [{ embeddings, backend, model: { id: 'm', inputType: 'query' } }, 'model.inputType'],
    [{ embeddings, backend, model: 'm', sameForQueries: 1 }, 'sameForQueries'],
    [{ embeddings, backend, model: 'm', dimension: 3 }, 'dimension'],
    [{ embeddings, backend, model: 'm', identify: () => 'a' }, 'identify'],
    [{ embeddings, backend, model: 'm', migrate: older(new InMemoryStore()) }, 'dimensions'],
    [{ embeddings, backend, model: 'm', dimensions: 3, migrate: new Model() }, 'migrate'],
  ];
  for (const [options, option] of cases) {
    try {
      new CachedEmbeddings(options as CachedEmbeddingsOptions);
    } catch (error) {
      assert.instance(error, InvalidOptionError);
      assert.is((error as InvalidOptionError).option, option);
      continue;
    }
    assert.unreachable(`${option} was taken`);
  }
});

test('dimensions and batchSize are those of the given class, where it has them', async () => {
  const model = Object.assign(new Model(), { dimensions: DIMENSIONS, batchSize: 2 });
  const backend = new MemoryBackend();
  const { cached } = open({ backend }, model);
  await cached.embedDocuments(['a', 'b', 'c']);
  assert.equal(model.documents.map(({ length }) => length).sort(), [1, 2]);
  // Another length is another key.
  const shorter = Object.assign(new Model(), { dimensions: 8 });
  shorter.embedDocuments = async (texts) => texts.map((text) => vectorOf(text).slice(0, 8));
  assert.equal(await open({ backend }, shorter).cached.embedDocuments(['a']), [vectorOf('a').slice(0, 8)]);
});

test('calls at once share the model, and one that is aborted ends alone', async () => {
  const { model, cached } = open();
  let answer = () => {};
  const gate = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const embed = model.embedDocuments.bind(model);
  model.embedDocuments = async (texts) => {
    await gate;
    return embed(texts);
  };
  const controller = new AbortController();
  const aborted = rejection(cached.embedDocuments(['a', 'b'], { signal: controller.signal }));
  const other = cached.embedDocuments(['b', 'a']);
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort(new Error('enough'));
  assert.is((await aborted).message, 'enough');
  answer();
  assert.equal(await other, [vectorOf('b'), vectorOf('a')]);
  assert.is(model.documents.flat().length, 2);
});

test('one call asks the model again, or leaves the cache alone', async () => {
  const { model, cached } = open();
  await cached.embedDocuments(['a']);
  await cached.embedDocuments(['a'], { refresh: true });
  await cached.embedDocuments(['b'], { bypass: true });
  await cached.embedDocuments(['a', 'b']);
  assert.equal(model.documents, [['a'], ['a'], ['b'], ['b']]);
});

test('queries that are gathered are asked for one by one, and one that fails costs no other its vector', async () => {
  const { model, cached } = open({ gather: '5ms', maxConcurrency: 2 });
  const thrown = new Error('too long');
  const broken = new Set(['query 7']);
  let active = 0;
  let most = 0;
  model.embedQuery = async (text) => {
    model.queries.push(text);
    most = Math.max(most, ++active);
    await new Promise((resolve) => setImmediate(resolve));
    active -= 1;
    if (broken.has(text)) throw thrown;
    return vectorOf(text, 'query');
  };
  const texts = Array.from({ length: 21 }, (_, i) => `query ${i}`);
  const outcomes = await Promise.allSettled(texts.map((text) => cached.embedQuery(text)));
  outcomes.forEach((outcome, i) => {
    if (outcome.status === 'rejected') assert.equal([i, outcome.reason], [7, thrown]);
    else assert.equal(outcome.value, vectorOf(texts[i] as string, 'query'));
  });
  assert.is(outcomes[7]?.status, 'rejected');
  assert.is(most, 2);
  broken.clear();
  model.queries = [];
  await Promise.all(texts.map((text) => cached.embedQuery(text)));
  assert.equal(model.queries, ['query 7']);
});

test('counts of LangChain that the cache does not take are made ones that it takes', async () => {
  for (const maxConcurrency of [2.5, 1e6, Number.POSITIVE_INFINITY]) {
    const { cached } = open({ maxConcurrency });
    assert.equal(await cached.embedDocuments(['a']), [vectorOf('a')]);
  }
  const large = Object.assign(new Model(), { batchSize: 1e6 });
  assert.equal(await open({}, large).cached.embedDocuments(['a']), [vectorOf('a')]);
});

test('an older store that does not answer has nothing', async () => {
  let asked = 0;
  const hung = {
    documentEmbeddingStore: {
      mget: () => {
        asked += 1;
        return new Promise<never>(() => {});
      },
    },
  };
  const embed = async (texts: string[]) => texts.map((text) => vectorOf(text));
  const answer = await withOlderCache(hung, embed, DIMENSIONS, 10)(['a', 'b']);
  assert.equal(answer, [vectorOf('a'), vectorOf('b')]);
  assert.is(asked, 1);
});

test('what a CacheBackedEmbeddings stored is taken over, and the rest is asked for', async () => {
  const from = new InMemoryStore<Uint8Array>();
  await older(from).embedDocuments(['a', 'b', 'ü🙂', 'wrong', 'broken']);
  const [wrong, broken] = await keysOf(from, ['wrong', 'broken']);
  await from.mset([
    [wrong as string, Buffer.from('[1,2,3]')],
    [broken as string, Buffer.from('{')],
  ]);

  const { model, cached } = open({ dimensions: DIMENSIONS, migrate: older(from) });
  const texts = ['new', 'b', 'wrong', 'a', 'broken', 'ü🙂'];
  assert.equal(
    await cached.embedDocuments(texts),
    texts.map((text) => vectorOf(text)),
  );
  assert.equal(model.documents, [['new', 'wrong', 'broken']]);
  // Stored anew: the old store is not needed any more.
  from.mget = () => {
    throw new Error('away');
  };
  await cached.embedDocuments(texts);
  assert.equal(await cached.embedDocuments(['other']), [vectorOf('other')]);
  assert.equal(model.documents.slice(1), [['other']]);
  await cached.embedDocuments(['a'], { refresh: true });
  assert.equal(model.documents.slice(2), [['a']]);
});

function older(store: InMemoryStore<Uint8Array>) {
  return CacheBackedEmbeddings.fromBytesStore(new Model(), store, { namespace: 'm' });
}

/** The keys that LangChain has for texts. */
async function keysOf(store: InMemoryStore<Uint8Array>, texts: string[]): Promise<string[]> {
  const keys: string[] = [];
  const probe = new InMemoryStore<Uint8Array>();
  probe.mset = async (pairs) => {
    keys.push(...pairs.map(([key]) => key));
  };
  await older(probe).embedDocuments(texts);
  assert.equal((await store.mget(keys)).filter(Boolean).length, texts.length);
  return keys;
}

test.run();
