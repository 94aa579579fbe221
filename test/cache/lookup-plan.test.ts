import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LookupPlanner, type MakeKeys } from '../../src/cache/lookup/plan.js';

// A plan holds each key once, and tells for each place which it asks for.
const test = suite('lookup plan');

/** A planner whose keys are the inputs themselves. */
function plannerOf(keys: string[], hashOf: (key: string) => number): LookupPlanner {
  const makeKeys: MakeKeys = (texts, hashes) => {
    texts.forEach((text, i) => {
      hashes[i] = hashOf(text as string);
    });
    return texts as string[];
  };
  return new LookupPlanner(keys, makeKeys);
}

test('is what a map of the whole keys would make, whatever the keys are', () => {
  // Ends alike and heads alike: keys that meet in a slot, and keys of one hash.
  const ends = fc.constantFrom('', 'A', 'AAAAA', 'BAAAA', 'xAAAAA', 'AAAAB');
  const keys = fc.array(
    fc.oneof(
      ends,
      fc.string(),
      fc.tuple(fc.string({ maxLength: 2 }), ends).map((parts) => parts.join('')),
    ),
  );
  fc.assert(
    fc.property(keys, (keys) => {
      const planner = plannerOf(keys, (key) => key.charCodeAt(key.length - 1) | 0);
      assertPlan(planner, keys);
    }),
    { numRuns: 500 },
  );
});

test('is the same whoever asks for how many of its runs', () => {
  const batches = fc
    .tuple(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 1, max: 2000 }))
    .map(([length, distinct]) => Array.from({ length }, (_, i) => `key ${(i * 7919) % distinct}`));
  fc.assert(
    fc.property(batches, fc.nat(12), fc.nat(12), (keys, ofFirst, ofSecond) => {
      const planner = plannerOf(keys, (key) => Number(key.slice(4)));
      const runs: string[] = [];
      for (const most of [ofFirst, ofSecond]) {
        let taken = 0;
        for (const run of planner) {
          assert.ok(run.length > 0);
          runs.push(...run);
          assert.equal(runs, planner.keys);
          taken += 1;
          if (taken > most) break;
        }
      }
      assert.equal(runs, [...new Set(keys)].slice(0, runs.length));
      assertPlan(planner, keys);
      assert.equal([...planner], [], 'a plan that is whole has no more runs');
    }),
  );
});

test('holds large batches, of few keys and of many', () => {
  for (const distinct of [1, 2, 1000, 70_000]) {
    const keys = Array.from({ length: 70_000 }, (_, i) => `prefix:${String((i * 7919) % distinct).padStart(22, '0')}`);
    const plan = plannerOf(keys, (key) => Number(key.slice(-6))).plan();
    assert.is(plan.keys.length, distinct);
    assert.ok(keys.every((key, place) => plan.keys[plan.keyOfPlace[place] as number] === key));
  }
});

function assertPlan(planner: LookupPlanner, keys: string[]): void {
  const plan = planner.plan();
  const distinct = [...new Set(keys)];
  const places = new Map(distinct.map((key, k) => [key, k]));
  assert.equal(plan.keys, distinct);
  assert.equal(
    [...plan.firstPlaces],
    distinct.map((key) => keys.indexOf(key)),
  );
  assert.equal(
    [...plan.keyOfPlace],
    keys.map((key) => places.get(key)),
  );
}

test.run();
