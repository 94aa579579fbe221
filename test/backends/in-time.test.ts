import { getEventListeners } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inTime, requestInTime } from '../../src/backends/in-time.js';
import { forEachPart, partsOf } from '../../src/backends/parts.js';
import { BackendError } from '../../src/errors.js';
import { rejection } from '../support/rejection.js';

const test = suite('inTime');
const never = () => new Promise<never>(() => {});
const MINUTE = 60_000;

test('what comes in time is what the call came to, and nothing listens any more', async () => {
  const { signal } = new AbortController();
  let wasTold = false;
  const told = () => {
    wasTold = true;
  };
  assert.is(await inTime(async () => 7, { limit: MINUTE, signal }, told), 7);
  const failure = new Error('of the call');
  assert.is(await rejection(inTime(() => Promise.reject(failure), { limit: MINUTE, signal }, told)), failure);
  assert.is(getEventListeners(signal, 'abort').length, 0);
  assert.is(wasTold, false);
});

test('the limit and the signal end it', async () => {
  assert.instance(await rejection(inTime(never, { limit: 1 })), BackendError);
  const controller = new AbortController();
  const waiting = rejection(
    inTime(never, { limit: MINUTE, signal: controller.signal, error: () => new Error('left') }),
  );
  controller.abort();
  assert.is((await waiting).message, 'left');
});

test('where nobody waits from the beginning nothing is called', async () => {
  let calls = 0;
  const call = async () => {
    calls += 1;
  };
  await rejection(inTime(call, { limit: MINUTE, signal: AbortSignal.abort() }));
  assert.is(calls, 0);
});

test('a request hears that it was given up, and its own words for it do not count', async () => {
  const controller = new AbortController();
  const request = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('of the request')));
    });
  let hasHeard = false;
  const listening = (signal: AbortSignal) => {
    signal.addEventListener('abort', () => {
      hasHeard = true;
    });
    return request(signal);
  };
  const waiting = rejection(requestInTime(listening, { limit: MINUTE, signal: controller.signal }));
  controller.abort();
  assert.is((await waiting).message, 'no answer in time');
  assert.ok(hasHeard);
});

const parts = suite('parts');

parts('stay within a size; what is larger alone is alone', () => {
  const sizeOf = (bytes: number) => ({ keys: 1, bytes });
  assert.equal(partsOf([1, 2, 3, 9, 1, 1, 1, 1], { keys: 3, bytes: 5 }, sizeOf), [[1, 2], [3], [9], [1, 1, 1], [1]]);
  assert.equal(partsOf(['a', 'b', 'c'], { keys: 2 }), [['a', 'b'], ['c']]);
  assert.equal(partsOf([], { keys: 2 }), []);
});

parts('are worked on in order, so many at once and no more', async () => {
  const order: number[] = [];
  let [atOnce, most] = [0, 0];
  await forEachPart(['a', 'b', 'c', 'd', 'e'], 2, async (_, index) => {
    order.push(index);
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce -= 1;
  });
  assert.equal(order, [0, 1, 2, 3, 4]);
  assert.is(most, 2);
});

test.run();
parts.run();
