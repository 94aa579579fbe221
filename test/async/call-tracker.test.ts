import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CallTracker } from '../../src/async/call-tracker.js';
import { rejection } from '../support/rejection.js';

const test = suite('CallTracker');

test('closing waits for calls under way, however they end, releases once, and refuses later calls', async () => {
  const calls = new CallTracker('Store');
  const order: string[] = [];
  let end = () => {};
  const failing = calls.run(
    () =>
      new Promise<void>((_, reject) => {
        end = () => {
          order.push('ended');
          reject(new Error('of the call'));
        };
      }),
  );
  const failed = rejection(failing);
  const release = async () => void order.push('released');
  const closings = [calls.close(release), calls.close(release)];
  const refusal = await rejection(calls.run(async () => order.push('late')));
  assert.is((refusal as { code?: unknown }).code, 'CLOSED');
  assert.is(refusal.message, 'Store is closed');
  assert.equal(order, []);
  end();
  await Promise.all(closings);
  assert.is((await failed).message, 'of the call');
  assert.equal(order, ['ended', 'released']);
});

test('a call may answer at once, or throw', async () => {
  const calls = new CallTracker('Store');
  assert.is(await calls.run(() => 7), 7);
  const error = await rejection(
    calls.run(() => {
      throw new Error('at once');
    }),
  );
  assert.is(error.message, 'at once');
});

test.run();
