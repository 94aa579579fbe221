import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Change } from '../../src/backends/change.js';
import { KeyOrder } from '../../src/backends/shell/key-order.js';
import { rejection } from '../support/rejection.js';

/** Starts changes at once, each of which ends when it is told to; `begun` has those that are under way or over. */
function start(changes: Change[]) {
  const order = new KeyOrder();
  const begun: number[] = [];
  const ends: ((how?: Error) => void)[] = [];
  const results = changes.map((change, index) =>
    order.run(change, () => {
      begun.push(index);
      return new Promise<number>((resolve, reject) => {
        ends[index] = (error) => (error ? reject(error) : resolve(index));
      });
    }),
  );
  const end = async (index: number, error?: Error) => {
    ends[index]?.(error);
    await Promise.allSettled([results[index]]);
    await new Promise(setImmediate);
  };
  return { begun, results, end, order };
}

const keys = (...names: string[]): Change => ({ keys: names });
const prefix = (text: string): Change => ({ prefix: text });

test('changes of the same key follow one another, others run at once', async () => {
  const { begun, end } = start([keys('a', 'b'), keys('b', 'c'), keys('d'), keys('c'), keys('a')]);
  assert.equal(begun, [0, 2]);
  await end(0);
  assert.equal(begun, [0, 2, 1, 4]);
  await end(1);
  assert.equal(begun, [0, 2, 1, 4, 3]);
});

test('a clear waits for what it covers, and is waited for', async () => {
  const { begun, end } = start([keys('p:a'), keys('q'), prefix('p:'), keys('p:b'), prefix('q'), prefix('')]);
  assert.equal(begun, [0, 1]);
  await end(0);
  assert.equal(begun, [0, 1, 2]);
  await end(1);
  assert.equal(begun, [0, 1, 2, 4]);
  await end(2);
  assert.equal(begun, [0, 1, 2, 4, 3]);
  await end(3);
  await end(4);
  assert.equal(begun, [0, 1, 2, 4, 3, 5]);
});

test('what fails holds nobody up, and tells only its own caller', async () => {
  const { begun, results, end } = start([keys('a'), keys('a')]);
  const failed = rejection(results[0] as Promise<number>);
  await end(0, new Error('full'));
  assert.is((await failed).message, 'full');
  assert.equal(begun, [0, 1]);
  await end(1);
  assert.is(await results[1], 1);
});

test('the order is that of the calls, whatever the caller does to its list later', async () => {
  const names = ['a'];
  const { begun, order, end } = start([keys('x'), { keys: names }]);
  names[0] = 'z';
  let isLater = false;
  const later = order.run(keys('a'), async () => {
    isLater = true;
  });
  await end(0);
  assert.is(isLater, false);
  await end(1);
  await later;
  assert.equal(begun, [0, 1]);
});

test('work that throws at once rejects', async () => {
  const order = new KeyOrder();
  const broken = () => {
    throw new Error('at once');
  };
  assert.is((await rejection(order.run(keys('a'), broken))).message, 'at once');
  assert.is(await order.run(keys('a'), async () => 1), 1);
});

test.run();
