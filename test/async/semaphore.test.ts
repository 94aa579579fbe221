import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { forEachConcurrently, type Permit, Semaphore } from '../../src/async/semaphore.js';

const test = suite('Semaphore');
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('so many tasks run at once, the others in order', async () => {
  const semaphore = new Semaphore(2);
  const order: number[] = [];
  let [running, most] = [0, 0];
  const task = async (index: number) => {
    order.push(index);
    running += 1;
    most = Math.max(most, running);
    await nextTurn();
    running -= 1;
  };
  await Promise.all([0, 1, 2, 3, 4].map((index) => semaphore.run(() => task(index))));
  assert.equal(order, [0, 1, 2, 3, 4]);
  assert.is(most, 2);
});

test('a task may start beyond the limit, and a task that failed gives its permit back', async () => {
  const semaphore = new Semaphore(1);
  let end = () => {};
  const first = semaphore.run(
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  let permit: Permit | undefined;
  const started: string[] = [];
  const second = semaphore.run(
    async () => void started.push('second'),
    (given) => {
      permit = given;
    },
  );
  const third = semaphore.run(async () => {
    started.push('third');
    throw new Error('of the task');
  });
  await nextTurn();
  assert.equal(started, []);
  permit?.startNow();
  await second;
  assert.equal(started, ['second']);
  end();
  await first;
  await third.catch(() => {});
  assert.equal(started, ['second', 'third']);
  assert.is(await semaphore.run(async () => 7), 7);
});

test('items are worked on in order, so many at once and no more', async () => {
  const order: number[] = [];
  let [atOnce, most] = [0, 0];
  await forEachConcurrently(['a', 'b', 'c', 'd', 'e'], 2, async (_, index) => {
    order.push(index);
    atOnce += 1;
    most = Math.max(most, atOnce);
    await nextTurn();
    atOnce -= 1;
  });
  assert.equal(order, [0, 1, 2, 3, 4]);
  assert.is(most, 2);
});

test.run();
