/**
 * Whether swaps are found and noise is not (docs/drift.md). Providers here are rows of
 * real models (where they are beside the checkout), rotations, other seeds and small changes.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Baseline, baselineOf, compare, ROUNDS } from '../../src/canary/statistic.js';
import { CANARIES } from '../../src/canary/texts.js';
import { Provider, SharedStore, watching } from '../support/canary.js';
import { realVectors } from '../support/real-vectors.js';
import { skipped } from '../support/skip.js';

const test = suite('swaps');
type Vectors = readonly Float32Array[];
type Noise = (vector: Float32Array) => Float32Array;

/** The same numbers in each run: uniform in (0, 1). */
let state = 0x9e3779b9;
function random(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return ((state >>> 0) + 0.5) / 0x100000000;
}

/** Drawn once: a vector's noise is a run of them, from a place of its own. */
const NORMALS = Float64Array.from(
  { length: 2 ** 18 },
  () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random()),
);

function normals(count: number): Float64Array {
  const start = Math.floor(random() * (NORMALS.length - count));
  return NORMALS.subarray(start, start + count);
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return vector.map((x) => x / length);
}

function direction(dimensions: number): Float32Array {
  return unit(new Float32Array(normals(dimensions)));
}

const NOISES: Record<string, (amount: number) => Noise> = {
  'of each component': (amount) => (vector) => {
    const off = normals(vector.length);
    return vector.map((x, i) => x + amount * (off[i] as number));
  },
  'of the whole vector': (amount) => (vector) => {
    const off = direction(vector.length);
    return vector.map((x, i) => x + amount * (off[i] as number));
  },
  // Most answers are equal, and one in eight is far off what the others are.
  'of a few answers': (amount) => (vector) => {
    if (random() > 1 / 8) return vector;
    const off = direction(vector.length);
    return vector.map((x, i) => x + amount * Math.sqrt(8) * (off[i] as number));
  },
};

/** The rounds that a baseline takes, of a model with this noise. */
const rounds = (vectors: Vectors, noise: Noise) => Array.from({ length: ROUNDS }, () => vectors.map(noise));

/** Whether a check believes that a model is another. */
function isBelieved(baseline: Baseline | undefined, look: () => Float32Array[]): boolean {
  assert.ok(baseline, 'a baseline');
  const first = look();
  return compare(baseline, first).isSuspicious && compare(baseline, look(), first).isSuspicious;
}

const isFound = (before: Vectors, after: Vectors, noise: Noise) =>
  isBelieved(baselineOf(rounds(before, noise)), () => after.map(noise));

const made = (dimensions: number) => CANARIES.map(() => direction(dimensions));

/** Reflections, of which several make a rotation of everything. */
function rotated(vectors: Vectors, dimensions: number): Float32Array[] {
  const axes = Array.from({ length: 8 }, () => direction(dimensions));
  return vectors.map((vector) =>
    axes.reduce((turned, axis) => {
      const along = 2 * turned.reduce((sum, x, i) => sum + x * (axis[i] as number), 0);
      return turned.map((x, i) => x - along * (axis[i] as number));
    }, vector),
  );
}

/** Vectors of the same length whose cosine to the others is `cosine`. */
function tuned(vectors: Vectors, cosine: number): Float32Array[] {
  return vectors.map((vector) => {
    const off = direction(vector.length);
    const along = vector.reduce((sum, x, i) => sum + x * (off[i] as number), 0);
    const across = unit(off.map((x, i) => x - along * (vector[i] as number)));
    return vector.map((x, i) => cosine * x + Math.sqrt(1 - cosine ** 2) * (across[i] as number));
  });
}

const SWAPS: Record<string, (vectors: Vectors, dimensions: number) => Vectors> = {
  'another seed': (_, dimensions) => made(dimensions),
  'a rotation': (vectors, dimensions) => rotated(vectors, dimensions),
  'the same directions, not scaled': (vectors) => vectors.map((vector) => vector.map((x) => 0.9 * x)),
  'a fine-tuned model, cosine 0.99': (vectors) => tuned(vectors, 0.99),
  'a fine-tuned model, cosine 0.9985': (vectors) => tuned(vectors, 0.9985),
  'another model for a quarter of the texts': (vectors, dimensions) =>
    vectors.map((vector, i) => (i % 4 === 0 ? direction(dimensions) : vector)),
};

for (const [name, swap] of Object.entries(SWAPS)) {
  test(`${name}: found 100 of 100, with each kind of noise of 1e-4`, () => {
    for (const [kind, noiseOf] of Object.entries(NOISES)) {
      let found = 0;
      for (let trial = 0; trial < 100; trial += 1) {
        const dimensions = [64, 384, 1536][trial % 3] as number;
        const before = made(dimensions);
        found += Number(isFound(before, swap(before, dimensions), noiseOf(1e-4)));
      }
      assert.is(found, 100, kind);
    }
  });
}

/** Sets of real vectors by model: those of one model are no swap. */
const REAL: Record<string, string> = {
  'e5-small-384': 'e5-small',
  'e5-small-q8': 'multilingual-e5-small',
  'minilm-parquet64': 'MiniLM',
  'paraphrase-q8': 'paraphrase-multilingual-MiniLM',
  'rb-gemini-768': 'gemini-embedding-001',
  'rb-oai3small-dims': 'text-embedding-3-small',
  'rb-vertex-te004': 'text-embedding-004',
  'prism-mistral': 'mistral-embed, earlier',
  'rb-mistral': 'mistral-embed',
  'rb-azure-cohere-v3': 'embed-v3-english',
  'rb-cohere-v4-dims': 'embed-v4.0',
  'rb-titan-v2': 'titan-v2',
  'voyagecode3-1024': 'voyage-code-3',
  'jina5-int8-ints': 'jina-v5-small',
  'rb-cohere-v4': 'embed-v4.0',
  'rb-oai3small': 'text-embedding-3-small',
  'text-embedding-3-large': 'text-embedding-3-large',
  'rb-gemini-3072': 'gemini-embedding-001',
};

test('swaps among real models of equal dimensions: each is found, with noise of 1e-4 of each component', () => {
  const sets = Object.entries(REAL).flatMap(([file, model]) => {
    const vectors = realVectors(file);
    return vectors ? [{ model, vectors: vectors.slice(0, CANARIES.length).map(unit) }] : [];
  });
  if (sets.length < Object.keys(REAL).length) return skipped('vectors of real models are not here');
  let swaps = 0;
  for (const a of sets) {
    for (const b of sets) {
      if (a.model === b.model || a.vectors[0]?.length !== b.vectors[0]?.length) continue;
      const count = Math.min(a.vectors.length, b.vectors.length);
      for (const noiseOf of Object.values(NOISES)) {
        assert.ok(
          isFound(a.vectors.slice(0, count), b.vectors.slice(0, count), noiseOf(1e-4)),
          `${a.model} ${b.model}`,
        );
        swaps += 1;
      }
    }
  }
  assert.is(swaps, 64 * Object.keys(NOISES).length);
});

test('two answers of one real model to the same texts are no drift', () => {
  // Each text was asked for twice, at other times: rows 0 to 4, and 5 to 9.
  const vectors = realVectors('rb-oai3small');
  if (vectors === undefined) return skipped('vectors of real models are not here');
  const baseline = baselineOf(Array.from({ length: ROUNDS }, () => vectors.slice(0, 5)));
  assert.ok(baseline);
  assert.is(baseline.noise, 0);
  const { distance, moved } = compare(baseline, vectors.slice(5));
  assert.ok(distance > 1e-4 && distance < 2e-3);
  assert.is(moved, 0);
});

// From what no limit needs to know (the floor is above it) to a hundred times of what providers have.
for (const [kind, noiseOf] of Object.entries(NOISES)) {
  for (const amount of [1e-4, 1e-2]) {
    test(`noise ${kind} of ${amount}: 0 false alarms in 10,000 checks of the statistic`, () => {
      const dimensions = kind === 'of each component' && amount > 1e-3 ? 16 : 64;
      const noise = noiseOf(amount);
      let alarms = 0;
      for (let trial = 0; trial < 250; trial += 1) {
        const vectors = made(dimensions);
        const baseline = baselineOf(rounds(vectors, noise));
        for (let check = 0; check < 40; check += 1) alarms += Number(isBelieved(baseline, () => vectors.map(noise)));
      }
      assert.is(alarms, 0);
    });
  }
}

for (const kind of ['of each component', 'of the whole vector']) {
  test(`noise ${kind} of 1e-4: 0 false alarms in 10,000 checks of a watch, and the swap after them is found`, async () => {
    const noise = (NOISES[kind] as (amount: number) => Noise)(1e-4);
    const outcomes: Record<string, number> = {};
    for (let trial = 0; trial < 100; trial += 1) {
      const provider = new Provider();
      provider.dimensions = 48;
      provider.version = `model ${trial}`;
      provider.change = noise;
      const watch = watching(new SharedStore(), provider, { dimensions: 48, onDrift: 'renew' });
      const count = (outcome: string) => {
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      };
      count((await watch.check()).outcome);
      for (let check = 0; check < 100; check += 1) count((await watch.check()).outcome);
      provider.version = 'another model';
      const { outcome, epoch } = await watch.check();
      count(outcome);
      assert.is(epoch, 1);
      await watch.stop();
    }
    assert.equal(outcomes, { baseline: 100, same: 10_000, drifted: 100 });
  });
}

test.run();
