import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chunksOf, chunksWithin, ranges } from '../../src/async/chunks.js';

const test = suite('chunks');

test('by count: whole chunks, and the rest', () => {
  assert.equal(chunksOf(['a', 'b', 'c'], 2), [['a', 'b'], ['c']]);
  assert.equal(chunksOf(['a', 'b'], 2), [['a', 'b']]);
  assert.equal(chunksOf([], 2), []);
});

test('stay within a size; what is larger alone is alone', () => {
  const sizeOf = (bytes: number) => ({ count: 1, bytes });
  assert.equal(chunksWithin([1, 2, 3, 9, 1, 1, 1, 1], { count: 3, bytes: 5 }, sizeOf), [
    [1, 2],
    [3],
    [9],
    [1, 1, 1],
    [1],
  ]);
  assert.equal(chunksWithin([9, 1], { bytes: 5 }, sizeOf), [[9], [1]]);
  assert.equal(chunksWithin(['a', 'b', 'c'], { count: 2 }), [['a', 'b'], ['c']]);
  assert.equal(chunksWithin([], { count: 2 }), []);
});

test('ranges cover every place once', () => {
  assert.equal(
    [...ranges(5, 2)],
    [
      [0, 2],
      [2, 4],
      [4, 5],
    ],
  );
  assert.equal([...ranges(0, 2)], []);
});

test.run();
