import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Backoff, backoffDelay } from '../../src/async/backoff.js';

const test = suite('Backoff');
const { random } = Math;
test.after.each(() => {
  Math.random = random;
});

test('delays double up to the longest, and start again after a success', () => {
  const backoff = new Backoff({ baseMs: 50, maxMs: 300 });
  assert.equal(
    Array.from({ length: 5 }, () => backoff.next()),
    [50, 100, 200, 300, 300],
  );
  backoff.reset();
  assert.is(backoff.next(), 50);
});

test('a factor and a jitter of its own', () => {
  const options = { baseMs: 10, maxMs: 1000, factor: 3, jitter: 1 / 2 };
  Math.random = () => 0;
  assert.is(backoffDelay(2, options), 90);
  Math.random = () => 1;
  assert.is(backoffDelay(2, options), 45);
  assert.is(backoffDelay(2, { ...options, jitter: 1 }), 0);
});

test('however many failures there were, the delay is a number', () => {
  assert.is(backoffDelay(5000, { baseMs: 50, maxMs: 300 }), 300);
});

test.run();
