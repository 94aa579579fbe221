import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { forEachConcurrently, type Permit, Semaphore } from '../../src/async/semaphore.js';
import { used } from '../support/heap.js';
import { deferred } from '../support/models.js';
import { rejection } from '../support/rejection.js';

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
  const second = semaphore.run(async () => void started.push('second'), {
    onPermit: (given) => {
      permit = given;
    },
  });
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

test('a wait ends by its signal and leaves nothing, also where whoever has the permit never ends', async () => {
  const semaphore = new Semaphore(1);
  void semaphore.run(() => new Promise<void>(() => {}));
  const before = used();
  for (let i = 0; i < 200; i++) {
    const controller = new AbortController();
    const text = Buffer.alloc(100_000, `${i} `);
    const call = rejection(semaphore.run(async () => text, { signal: controller.signal }));
    controller.abort(new Error('enough'));
    assert.is((await call).message, 'enough');
    assert.is((await rejection(semaphore.run(async () => text, { signal: controller.signal }))).message, 'enough');
  }
  const bytes = used() - before;
  assert.ok(bytes < 2 ** 20, `${bytes} bytes`);
});

test('who left the queue holds up nobody behind', async () => {
  const semaphore = new Semaphore(1);
  await semaphore.acquire().granted;
  const controller = new AbortController();
  const { granted, startNow } = semaphore.acquire(controller.signal);
  const left = rejection(granted);
  const started: number[] = [];
  const behind = [1, 2].map((index) => semaphore.run(async () => void started.push(index)));
  controller.abort(new Error('enough'));
  await left;
  startNow();
  await nextTurn();
  assert.equal(started, []);
  semaphore.release();
  await Promise.all(behind);
  assert.equal(started, [1, 2]);
});

test('who is aborted in a pause does not wait for a permit again, and gives back what it has', async () => {
  for (const isAbortedInPause of [true, false]) {
    const semaphore = new Semaphore(1);
    const [controller, pause] = [new AbortController(), deferred()];
    const { signal } = controller;
    const paused = rejection(
      semaphore.run(async () => {
        await semaphore.without(() => pause.promise, { signal });
        signal.throwIfAborted();
      }),
    );
    await nextTurn();
    await semaphore.acquire().granted;
    if (isAbortedInPause) controller.abort(new Error('enough'));
    pause.resolve();
    await nextTurn();
    if (!isAbortedInPause) controller.abort(new Error('enough'));
    assert.is((await paused).message, 'enough');
    let isRunning = false;
    const next = semaphore.run(async () => {
      isRunning = true;
    });
    await nextTurn();
    assert.not(isRunning);
    semaphore.release();
    await next;
  }
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
