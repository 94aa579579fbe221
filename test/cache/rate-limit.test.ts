import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RateLimit } from '../../src/cache/fill/rate-limit.js';
import { InvalidOptionError } from '../../src/errors.js';
import { open } from '../support/embeddings.js';
import { prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('rate limits');
const MINUTE = 60_000;
const NEVER = new AbortController().signal;

/** Time that passes only while somebody sleeps. */
function playedClock() {
  let now = 0;
  return {
    now: () => now,
    sleep: async (milliseconds: number) => {
      now += milliseconds;
    },
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

test('no minute has more calls or tokens than allowed, and calls begin in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 40_000 })), { maxLength: 40 }),
      async (requests, tokens, calls) => {
        const clock = playedClock();
        const limit = new RateLimit({ requests, tokens }, clock);
        const began: { at: number; tokens: number }[] = [];
        for (const [estimate, pause] of calls) {
          const tell = await limit.enter(estimate, NEVER);
          const taken = Math.ceil(estimate / 2);
          tell(taken);
          began.push({ at: clock.now(), tokens: taken });
          clock.pass(pause);
        }
        for (const { at } of began) {
          const window = began.filter((call) => call.at > at - MINUTE && call.at <= at);
          assert.ok(window.length <= requests);
          const sum = window.reduce((all, call) => all + call.tokens, 0);
          assert.ok(sum <= tokens || window.length === 1);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('it does not wait where there is room', async () => {
  const clock = playedClock();
  const limit = new RateLimit({ requests: 3 }, clock);
  for (let i = 0; i < 3; i++) await limit.enter(1e9, NEVER);
  assert.is(clock.now(), 0);
  await limit.enter(0, NEVER);
  assert.is(clock.now(), MINUTE);
});

test('what a call took takes the place of its estimate', async () => {
  for (const [taken, waits] of [
    [50, 0],
    [51, MINUTE],
  ] as const) {
    const clock = playedClock();
    const limit = new RateLimit({ tokens: 100 }, clock);
    const tell = await limit.enter(taken === 50 ? 90 : 10, NEVER);
    tell(taken);
    await limit.enter(50, NEVER);
    assert.is(clock.now(), waits);
  }
});

test('a wait ends by its signal, and lets the next one in', async () => {
  let wake = () => {};
  let now = 0;
  const sleep = (_: number, { signal }: { signal: AbortSignal }) =>
    new Promise<void>((resolve, reject) => {
      wake = resolve;
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  const limit = new RateLimit({ requests: 1 }, { now: () => now, sleep });
  await limit.enter(0, NEVER);
  const controllers = [new AbortController(), new AbortController()] as const;
  const sleeping = rejection(limit.enter(0, controllers[0].signal));
  const behind = rejection(limit.enter(0, controllers[1].signal));
  const last = limit.enter(0, NEVER);
  controllers[1].abort(new Error('behind'));
  assert.is((await behind).message, 'behind');
  controllers[0].abort(new Error('sleeping'));
  assert.is((await sleeping).message, 'sleeping');
  await new Promise(setImmediate);
  now = MINUTE;
  wake();
  await last;
});

test('hits cost nothing, misses wait, and the estimate is of the texts', async () => {
  const counted: string[] = [];
  const model = { calls: [], embed: async (texts: string[]) => texts.map((text) => prf(text, 24)) };
  const countTokens = (text: string) => {
    counted.push(text);
    return 10;
  };
  const { embeddings } = open(model, { rateLimit: { requests: 1, tokens: 100, countTokens } });
  await embeddings.embed(['a', 'b']);
  await embeddings.embed(['a', 'b']);
  assert.equal(counted, ['a', 'b']);
  const controller = new AbortController();
  const call = rejection(embeddings.embed(['c'], { signal: controller.signal }));
  while (counted.length < 3) await new Promise(setImmediate);
  assert.is((await embeddings.embed(['b'])).length, 1);
  controller.abort(new Error('enough'));
  assert.is((await call).message, 'enough');
});

test('what countTokens returns is checked, and a call that cannot be counted asks no model', async () => {
  const inPlace: unknown[] = [
    Number.NaN,
    undefined,
    '10',
    Number.POSITIVE_INFINITY,
    -1,
    Promise.reject(new Error('x')),
  ];
  for (const count of inPlace) {
    const { embeddings, model } = open(undefined, { rateLimit: { tokens: 100, countTokens: () => count } });
    for (const options of [{}, { bypass: true }]) {
      const error = await rejection(embeddings.embed(['a'], options));
      assert.instance(error, InvalidOptionError);
      assert.is((error as InvalidOptionError).option, 'rateLimit.countTokens');
    }
    assert.is(model.calls.length, 0);
  }
  const { embeddings } = open(undefined, { rateLimit: { tokens: 100, countTokens: () => Number.MAX_VALUE } });
  await embeddings.embed(['a', 'b']);
});

test('what a call took is of no account once its minute is over', async () => {
  const clock = playedClock();
  const limit = new RateLimit({ tokens: 1 }, clock);
  const tell = await limit.enter(0.1, NEVER);
  await limit.enter(0.2, NEVER);
  clock.pass(MINUTE);
  await limit.enter(1, NEVER);
  tell(1_000_000);
  assert.is(clock.now(), MINUTE);
  clock.pass(MINUTE);
  await limit.enter(1, NEVER);
  assert.is(clock.now(), 2 * MINUTE);
});

test('namespaces that are given the same object share its limit', async () => {
  const rateLimit = { requests: 1 };
  const [one, other, apart] = [
    open(undefined, { rateLimit }),
    open(undefined, { rateLimit }),
    open(undefined, { rateLimit: { ...rateLimit } }),
  ];
  await one.embeddings.embed(['a']);
  await apart.embeddings.embed(['a']);
  const controller = new AbortController();
  const call = rejection(other.embeddings.embed(['a'], { signal: controller.signal }));
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  assert.is(other.model.calls.length, 0);
  controller.abort(new Error('enough'));
  assert.is((await call).message, 'enough');
});

test('wrong options are refused by name', () => {
  for (const [rateLimit, option] of [
    [{ requests: 0 }, 'rateLimit.requests'],
    [{ tokens: 'x' }, 'rateLimit.tokens'],
    [{ perMinute: 1 }, 'rateLimit.perMinute'],
    [{ countTokens: 1 }, 'rateLimit.countTokens'],
  ])
    assert.throws(
      () => open(undefined, { rateLimit }),
      (error: unknown) => error instanceof InvalidOptionError && error.option === option,
    );
});

test.run();
