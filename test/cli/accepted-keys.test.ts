import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AcceptedKeys } from '../../src/cli/serve/accepted-keys.js';
import { UpstreamError } from '../../src/cli/serve/errors.js';
import { callerOf, identityOf } from '../../src/cli/serve/identity.js';

const test = suite('accepted keys');

const failing = (status: number) => new UpstreamError(status, new Headers(), '');

/** A check that is settled from outside, and counts its calls. */
function heldCheck() {
  const held: { settle: (error?: unknown) => void; calls: number; check: () => Promise<void> } = {
    settle: () => {},
    calls: 0,
    check: () => {
      held.calls += 1;
      return new Promise((resolve, reject) => {
        held.settle = (error) => (error === undefined ? resolve() : reject(error));
      });
    },
  };
  return held;
}

test('a check is shared, made once, and known for its key and model alone', async () => {
  const keys = new AcceptedKeys(60_000);
  const held = heldCheck();
  const all = [1, 2, 3].map(() => keys.ensure('id', 'm', held.check));
  held.settle();
  assert.equal(await Promise.all(all), [true, false, false]);
  assert.is(await keys.ensure('id', 'm', held.check), false);
  assert.is(held.calls, 1);
  for (const [identity, model] of [
    ['id', 'n'],
    ['id2', 'm'],
  ] as const) {
    const other = keys.ensure(identity, model, held.check);
    held.settle();
    assert.is(await other, true);
  }
  keys.forget('id');
  const again = keys.ensure('id', 'm', held.check);
  held.settle();
  assert.equal([await again, await keys.ensure('id2', 'm', held.check), held.calls], [true, false, 4]);
});

test('a refusal or a failing upstream is shared; what failed for its input is not', async () => {
  for (const [status, calls] of [
    [401, 1],
    [403, 1],
    [429, 1],
    [500, 1],
    [400, 3],
    [422, 3],
  ] as const) {
    const keys = new AcceptedKeys(60_000);
    let made = 0;
    const check = async () => {
      made += 1;
      await null;
      throw failing(status);
    };
    const results = await Promise.allSettled([1, 2, 3].map(() => keys.ensure('id', 'm', check)));
    assert.ok(results.every((result) => result.status === 'rejected' && result.reason.status === status));
    assert.is(made, calls, String(status));
  }
});

test('an identity tells every credential apart, and is nothing without the secret', () => {
  const secret = Buffer.from('secret');
  const of = (headers: Record<string, string>, search = '') => identityOf(callerOf(headers, search), secret);
  const all = [
    of({}),
    of({ authorization: 'a' }),
    of({ 'api-key': 'a' }),
    of({ authorization: 'a', 'openai-project': 'p' }),
    of({ authorization: 'a', 'openai-organization': 'p' }),
    of({ authorization: 'ap' }),
    of({}, '?key=a'),
    identityOf(callerOf({ authorization: 'a' }, ''), Buffer.from('other')),
  ];
  assert.is(new Set(all).size, all.length);
  assert.is(of({ authorization: 'a', cookie: 'c' }), of({ authorization: 'a' }));
  assert.equal(callerOf({ authorization: 'a', cookie: 'c', 'x-forwarded-for': '1' }, '').headers, {
    authorization: 'a',
  });
});

test.run();
