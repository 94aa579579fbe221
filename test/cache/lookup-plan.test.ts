import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planLookup } from '../../src/cache/lookup-plan.js';

// A plan holds each key once, and tells for each place which it asks for.
const test = suite('lookup plan');

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
      const distinct = [...new Set(keys)];
      const plan = planLookup(
        keys,
        Uint32Array.from(keys, (key) => key.charCodeAt(key.length - 1) | 0),
      );
      assert.equal(plan.keys, distinct);
      assert.equal(
        [...plan.firstPlaces],
        distinct.map((key) => keys.indexOf(key)),
      );
      assert.equal(
        [...plan.keyOfPlace],
        keys.map((key) => distinct.indexOf(key)),
      );
    }),
    { numRuns: 500 },
  );
});

test('holds large batches, of few keys and of many', () => {
  for (const distinct of [1, 2, 1000, 70_000]) {
    const keys = Array.from({ length: 70_000 }, (_, i) => `prefix:${String((i * 7919) % distinct).padStart(22, '0')}`);
    const plan = planLookup(
      keys,
      Uint32Array.from(keys, (_, i) => (i * 7919) % distinct),
    );
    assert.is(plan.keys.length, distinct);
    assert.ok(keys.every((key, place) => plan.keys[plan.keyOfPlace[place] as number] === key));
  }
});

test.run();
