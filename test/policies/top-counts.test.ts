import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TopCounts } from '../../src/policies/top-counts.js';
import { UserCounts } from '../../src/policies/user-counts.js';

const test = suite('counts in bounded memory');
const HALF_LIFE = 1000;
const near = (actual: number | undefined, expected: number) =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) <= 1e-9 * expected, `${actual} is not ${expected}`);

test('whatever makes up more than 1/places of a stream is held, and no count is too low', () => {
  const stream = fc.array(fc.integer({ min: 0, max: 30 }).map(String), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(stream, fc.integer({ min: 1, max: 12 }), (items, places) => {
      const counts = new TopCounts(places, HALF_LIFE, 0);
      const exact = new Map<string, number>();
      for (const item of items) {
        counts.add(item, 0);
        exact.set(item, (exact.get(item) ?? 0) + 1);
      }
      assert.ok(counts.size <= places);
      const held = new Map(counts.top(places, 0));
      for (const [item, count] of exact) {
        if (count > items.length / places) assert.ok(held.has(item), `${item} is lost`);
        if (held.has(item)) assert.ok((held.get(item) as number) >= count, `${item} is counted too low`);
      }
    }),
  );
});

test('a count halves with every half-life, over centuries', () => {
  const counts = new TopCounts(4, HALF_LIFE, 0);
  counts.add('a', 0, 8);
  counts.add('b', 2 * HALF_LIFE, 1);
  near(counts.top(1, 2 * HALF_LIFE)[0]?.[1], 2);
  near(new Map(counts.top(2, 3 * HALF_LIFE)).get('b'), 0.5);
  for (let halfLives = 0; halfLives < 5000; halfLives += 99) counts.add('now', halfLives * HALF_LIFE);
  const [[item, count] = []] = counts.top(1, 4950 * HALF_LIFE);
  assert.is(item, 'now');
  near(count, 1);
});

test('what two processes counted adds up, whenever each did', () => {
  const [one, other] = [new TopCounts(4, HALF_LIFE, 0), new TopCounts(4, HALF_LIFE, 500)];
  one.add('a', 0, 4);
  one.add('b', 0, 1);
  other.add('a', 1000, 3);
  const both = new TopCounts(4, HALF_LIFE, 1000);
  both.addRecord(one.toRecord(0), 1000);
  both.addRecord(structuredClone(other.toRecord(1000)), 1000);
  const counts = new Map(both.top(4, 1000));
  near(counts.get('a'), 5);
  near(counts.get('b'), 0.5);
  const ahead = new TopCounts(4, HALF_LIFE, 0);
  ahead.addRecord({ at: 5000, counts: [['x', 2]] }, 1000);
  near(ahead.top(1, 1000)[0]?.[1], 2);
});

test('only the users who counted last are held', () => {
  const users = new UserCounts(2, HALF_LIFE);
  users.add('one', 'q', 0);
  users.add('two', 'q', 1);
  users.add('one', 'r', 2);
  users.add('three', 'q', 3);
  assert.equal(users.userIds, ['one', 'three']);
  assert.is(users.top('one', 5, 3).length, 2);
  assert.equal(users.top('two', 5, 3), []);
  const copy = new UserCounts(1, HALF_LIFE);
  copy.addRecord(users.toRecord(3), 3);
  assert.equal(copy.userIds, ['three']);
});

test.run();
