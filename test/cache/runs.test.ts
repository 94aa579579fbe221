import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CacheBackend } from '../../src/backends/backend.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { LookupPlanner } from '../../src/cache/lookup/plan.js';
import { StatsRecorder } from '../../src/cache/stats.js';
import { Store } from '../../src/cache/store/store.js';
import { RecordSpans } from '../../src/record-spans.js';
import { scripted } from '../support/backends.js';
import { testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';

// A backend may be asked for the first keys of a lookup before the others are made.
const test = suite('reads in runs');
const DIMENSIONS = 8;

type GetRuns = NonNullable<CacheBackend['getRuns']>;
type Runs = Iterable<readonly string[]>;

const open = (getRuns: (runs: Runs, memory: MemoryBackend) => ReturnType<GetRuns>, options = {}) => {
  const memory = new MemoryBackend();
  const scriptedOne = scripted({
    getMany: memory.getMany.bind(memory),
    setMany: memory.setMany.bind(memory),
  });
  const backend = Object.assign(scriptedOne, { getRuns: (runs: Runs) => getRuns(runs, memory) });
  const model = testModel(DIMENSIONS);
  const cache = createCache({ backend, ...options });
  const embeddings = cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, embed: model.embed });
  const check = async (texts: string[]) => {
    const expected = texts.map((text) => bytesOf(prf(text, DIMENSIONS)));
    assert.equal((await embeddings.embed(texts)).map(bytesOf), expected);
  };
  return { backend, cache, check, embeddings, memory, model, stats: () => cache.stats().docs };
};

const turn = () => new Promise((resolve) => setImmediate(resolve));
const textsOf = (count: number) => Array.from({ length: count }, (_, i) => `text ${i}`);

test('whatever is asked for, each distinct key is asked for once, in order, and found where it belongs', async () => {
  const batch = fc
    .tuple(fc.integer({ min: 0, max: 1500 }), fc.integer({ min: 1, max: 1500 }), fc.integer({ min: 1, max: 97 }))
    .map(([length, distinct, step]) => Array.from({ length }, (_, i) => `text ${(i * step) % distinct}`));
  await fc.assert(
    fc.asyncProperty(batch, batch, fc.boolean(), async (stored, asked, waits) => {
      const seen: string[][] = [];
      const { check, model, embeddings, backend, stats } = open(async (runs, memory) => {
        const keys: string[] = [];
        for (const run of runs) {
          keys.push(...run);
          if (waits) await turn();
        }
        seen.push(keys);
        return memory.getMany(keys).then(RecordSpans.of);
      });
      for (const texts of [stored, asked]) {
        await check(texts);
        if (texts.length === 0) continue;
        const keys = [...new Set(texts)].map((text) => embeddings.keyOf(text));
        assert.equal(seen.splice(0), [keys]);
      }
      assert.is(backend.reads, 0);
      assert.equal(model.calls.flat(), [...new Set([...stored, ...asked])]);
      assert.is(stats()?.errors ?? 0, 0);
    }),
    { numRuns: 60 },
  );
});

test('a small batch is one run', async () => {
  const lengths: number[] = [];
  const { check } = open((runs, memory) => {
    const keys = [...runs];
    lengths.push(...keys.map(({ length }) => length));
    return memory.getMany(keys.flat()).then(RecordSpans.of);
  });
  await check(textsOf(100));
  await check(textsOf(1000));
  assert.equal(lengths, [100, 128, 256, 616]);
});

test('a backend that fails, hangs or answers wrongly costs misses, wherever it stopped', async () => {
  const first = (runs: Runs) => runs[Symbol.iterator]().next().value as string[];
  const never = new Promise<never>(() => {});
  const wrongs: [string, GetRuns][] = [
    ['rejects at once', () => Promise.reject(new Error('no'))],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    [
      'stops after the first run',
      async (runs) => {
        for (const _ of runs) throw new Error('no');
        return RecordSpans.none(0);
      },
    ],
    ['answers the first run alone', async (runs) => RecordSpans.none(first(runs).length)],
    ['answers nothing', async () => RecordSpans.none(0)],
    ['answers something else', async (runs) => [...runs].flat() as never],
    ['points to nowhere', async () => ({ buffers: [], spans: new Uint32Array(2100), length: 700 }) as never],
    ['hangs', () => never],
    [
      'hangs after the first run',
      (runs) => {
        first(runs);
        return never;
      },
    ],
  ];
  for (const [what, getRuns] of wrongs) {
    const { check, model, stats } = open((runs) => getRuns(runs), { readTimeout: 50 });
    const texts = textsOf(700);
    await check([...texts, ...texts]);
    assert.equal(model.calls.flat(), texts, what);
    assert.is(stats()?.errors, 1, what);
    assert.is(stats()?.misses, 700, what);
  }
});

test('an array that is changed before its keys are made changes nothing', async () => {
  const { embeddings, model } = open(async (runs, memory) => {
    await turn();
    return memory.getMany([...runs].flat()).then(RecordSpans.of);
  });
  const [batch, texts] = [textsOf(300), textsOf(300)];
  const vectors = embeddings.embed(batch);
  batch.reverse();
  const expected = texts.map((text) => bytesOf(prf(text, DIMENSIONS)));
  assert.equal((await vectors).map(bytesOf), expected);
  assert.equal(model.calls.flat(), texts);
  assert.equal((await embeddings.getMany(texts)).map(bytesOf), expected);
});

test('what it takes to make keys is not the backend’s time', async () => {
  const readTimeout = 200;
  const recorder = new StatsRecorder('images');
  const memory = new MemoryBackend();
  const backend = Object.assign(scripted({ getMany: memory.getMany.bind(memory) }), {
    async getRuns(runs: Runs) {
      const keys: string[] = [];
      for (const run of runs) {
        keys.push(...run);
        await turn();
      }
      return RecordSpans.of(await memory.getMany(keys));
    },
  });
  // Digests of large images are long.
  const planner = new LookupPlanner(textsOf(700), (texts) => {
    const until = performance.now() + 2 * readTimeout;
    while (performance.now() < until);
    return texts as string[];
  });
  const { left } = await new Store(backend, readTimeout, undefined, undefined).reads.readPlanned(planner, recorder);
  assert.is(recorder.stats.errors, 0);
  assert.ok(left > 0);
});

test('who takes runs after the time is over finds none, and changes nothing', async () => {
  const late: string[][] = [];
  let done: Promise<unknown> = Promise.resolve();
  const { check } = open(
    async (runs) => {
      const iterator = runs[Symbol.iterator]();
      iterator.next();
      const rest = new Promise((resolve) => setTimeout(resolve, 100)).then(() => {
        late.push(...([...{ [Symbol.iterator]: () => iterator }] as string[][]));
        return RecordSpans.none(0);
      });
      done = rest;
      return rest;
    },
    { readTimeout: 20 },
  );
  await check(textsOf(700));
  await done;
  assert.equal(late, []);
});

test.run();
