import { getEventListeners } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { requestWithTimeout, withTimeout } from '../../src/async/timeout.js';
import { BackendError } from '../../src/errors.js';
import { rejection } from '../support/rejection.js';

const test = suite('withTimeout');
const never = () => new Promise<never>(() => {});
const MINUTE = 60_000;

test('what comes in time is what the call came to, and nothing listens any more', async () => {
  const { signal } = new AbortController();
  let wasTold = false;
  const told = () => {
    wasTold = true;
  };
  assert.is(await withTimeout(async () => 7, { timeoutMs: MINUTE, signal }, told), 7);
  const failure = new Error('of the call');
  assert.is(await rejection(withTimeout(() => Promise.reject(failure), { timeoutMs: MINUTE, signal }, told)), failure);
  assert.is(getEventListeners(signal, 'abort').length, 0);
  assert.is(wasTold, false);
});

test('the limit and the signal end it', async () => {
  assert.instance(await rejection(withTimeout(never, { timeoutMs: 1 })), BackendError);
  const controller = new AbortController();
  const waiting = rejection(
    withTimeout(never, { timeoutMs: MINUTE, signal: controller.signal, error: () => new Error('left') }),
  );
  controller.abort();
  assert.is((await waiting).message, 'left');
});

test('where nobody waits from the beginning nothing is called', async () => {
  let calls = 0;
  const call = async () => {
    calls += 1;
  };
  await rejection(withTimeout(call, { timeoutMs: MINUTE, signal: AbortSignal.abort() }));
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
  const waiting = rejection(requestWithTimeout(listening, { timeoutMs: MINUTE, signal: controller.signal }));
  controller.abort();
  assert.is((await waiting).message, 'no answer in time');
  assert.ok(hasHeard);
});

test.run();
