import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clearInterval, clearTimeout, setInterval, setTimeout, sleep } from '../src/runtime.js';

const test = suite('runtime');

test('a delay that is longer than a timer can have is the longest, not the shortest', async () => {
  const fired: string[] = [];
  for (const delay of [2 ** 31, 9e12, Number.POSITIVE_INFINITY]) {
    const timeout = setTimeout(() => fired.push(`timeout ${delay}`), delay);
    const interval = setInterval(() => fired.push(`interval ${delay}`), delay);
    const controller = new AbortController();
    const sleeping = sleep(delay, { signal: controller.signal }).then(
      () => fired.push(`sleep ${delay}`),
      () => {},
    );
    await sleep(20);
    clearTimeout(timeout);
    clearInterval(interval);
    controller.abort();
    await sleeping;
  }
  assert.equal(fired, []);
});

test.run();
