import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BackendFill } from '../../src/backends/backend.js';
import { withBreaker } from '../../src/backends/breaker.js';
import { BackendError } from '../../src/errors.js';
import { RecordSpans } from '../../src/record-spans.js';
import { until } from '../../src/testing/until.js';
import { LendingBackend } from '../support/lending-backend.js';
import { MoodyBackend } from '../support/moody-backend.js';
import { rejection } from '../support/rejection.js';

const test = suite('withBreaker');
const entries = [{ key: 'a', value: new Uint8Array(1) }];

/** A clock that only tests move, in place of the monotonic one. */
let time = 0;
const { now } = performance;
const { setTimeout: startTimer } = globalThis;
/** The probes that breakers have planned: they run when a test says so. */
let probes: (() => unknown)[] = [];
const advance = (milliseconds: number) => {
  time += milliseconds;
};
test.before.each(() => {
  performance.now = () => time;
  probes = [];
  globalThis.setTimeout = ((run: () => void, delay: number) =>
    delay === 500 ? { unref: () => void probes.push(run) } : startTimer(run, delay)) as typeof setTimeout;
});
test.after.each(() => {
  performance.now = now;
  globalThis.setTimeout = startTimer;
});

async function open(moody: MoodyBackend, backend = withBreaker(moody)) {
  moody.mood = 'fails';
  for (let call = 0; call < 3; call += 1) assert.match((await rejection(backend.getMany(['a']))).message, /bad mood/);
  return backend;
}

test('opens after 3 failures in a row, refuses at once, and closes after a probe that works', async () => {
  const moody = new MoodyBackend();
  const backend = withBreaker(moody);
  moody.mood = 'fails';
  await rejection(backend.getMany(['a']));
  await rejection(backend.getMany(['a']));
  moody.mood = 'works';
  await backend.getMany(['a']);
  await open(moody, backend);
  const asked = moody.reads.length;
  moody.mood = 'works';
  const error = await rejection(backend.getMany(['a']));
  assert.instance(error, BackendError);
  assert.match(error.message, /reads are paused after 3 failures in a row/);
  assert.is(moody.reads.length, asked);
  advance(1999);
  await rejection(backend.getMany(['a']));
  advance(1);
  assert.equal(await backend.getMany(['a']), [undefined]);
  for (let call = 0; call < 5; call += 1) await backend.getMany(['a']);
  assert.is(moody.reads.length, asked + 6);
});

test('guards reads in runs with the same breaker, and has them where the backend has', async () => {
  const moody = new MoodyBackend();
  assert.is(withBreaker(moody).getRuns, undefined);
  const inRuns = Object.assign(new MoodyBackend(), {
    getRuns: (runs: Iterable<readonly string[]>) => inRuns.getMany([...runs].flat()).then(RecordSpans.of),
  });
  const backend = withBreaker(inRuns);
  assert.is((await backend.getRuns?.([['a'], ['b', 'c']]))?.length, 3);
  await open(inRuns, backend);
  assert.match((await rejection(backend.getRuns?.([['a']]) as Promise<unknown>)).message, /paused/);
});

test('lets exactly one probe through, and nobody waits for it', async () => {
  const moody = new MoodyBackend();
  const backend = await open(moody);
  const asked = moody.reads.length;
  advance(2000);
  moody.mood = 'waits';
  const probe = backend.getMany(['a']);
  await until('the probe is under way', () => moody.waiting === 1);
  for (let call = 0; call < 10; call += 1) assert.match((await rejection(backend.getMany(['a']))).message, /paused/);
  assert.is(moody.reads.length, asked + 1);
  moody.answer('fails');
  assert.match((await rejection(probe)).message, /bad mood/);
  assert.match((await rejection(backend.getMany(['a']))).message, /paused/);
  advance(2000);
  moody.mood = 'works';
  assert.equal(await backend.getMany(['a']), [undefined]);
});

test('a probe that hangs ends with its reader', async () => {
  const moody = new MoodyBackend();
  const backend = await open(moody);
  advance(2000);
  moody.mood = 'waits';
  const controller = new AbortController();
  const probe = backend.getMany(['a'], { signal: controller.signal, onPartialFailure: () => {} });
  await until('the probe is under way', () => moody.waiting === 1);
  controller.abort();
  assert.match((await rejection(probe)).message, /no answer in time/);
  advance(2000);
  moody.answer('works');
  assert.equal(await backend.getMany(['a']), [undefined]);
});

test('reads that are aborted count as failed', async () => {
  const moody = new MoodyBackend();
  const backend = withBreaker(moody);
  moody.mood = 'waits';
  for (let call = 0; call < 3; call += 1) {
    const context = { signal: AbortSignal.timeout(5), onPartialFailure: () => {} };
    assert.match((await rejection(backend.getMany(['a'], context))).message, /no answer in time/);
  }
  assert.match((await rejection(backend.getMany(['a']))).message, /paused/);
  assert.is(moody.reads.length, 3);
});

test('a read that was aborted before is not asked, and not counted', async () => {
  const moody = new MoodyBackend();
  const backend = withBreaker(moody);
  const context = { signal: AbortSignal.abort(), onPartialFailure: () => {} };
  for (let call = 0; call < 5; call += 1) await rejection(backend.getMany(['a'], context));
  assert.is(moody.reads.length, 0);
  assert.equal(await backend.getMany(['a']), [undefined]);
});

test('writes that fail do not stop reads, nor removals', async () => {
  const moody = new MoodyBackend();
  const backend = withBreaker(moody);
  moody.mood = 'fails';
  for (let call = 0; call < 4; call += 1) await rejection(backend.setMany(entries));
  assert.is(moody.writes.length, 3);
  moody.mood = 'works';
  assert.match((await rejection(backend.setMany(entries))).message, /writes are paused/);
  assert.equal(await backend.getMany(['a']), [undefined]);
  assert.is(await backend.deleteMany(['a']), 0);
  assert.is(await backend.clear(''), 0);
});

test('the wall clock may jump', async () => {
  const moody = new MoodyBackend();
  const { now } = Date;
  try {
    for (const jump of [-3_600_000, 3_600_000]) {
      const backend = await open(moody);
      Date.now = () => now() + jump;
      moody.mood = 'works';
      assert.match((await rejection(backend.getMany(['a']))).message, /paused/);
      advance(2000);
      assert.equal(await backend.getMany(['a']), [undefined]);
    }
  } finally {
    Date.now = now;
  }
});

test('reads are tried again in the background, and no call is given up for it', async () => {
  const moody = new MoodyBackend();
  const backend = await open(moody);
  advance(500);
  assert.match((await rejection(backend.getMany(['b']))).message, /paused/);
  const asked = moody.reads.length;
  await probes.shift()?.();
  assert.equal(moody.reads.slice(asked), [['b']], 'asks for what was asked for before');
  assert.match((await rejection(backend.getMany(['b']))).message, /paused/);
  moody.mood = 'works';
  await probes.shift()?.();
  assert.equal(await Promise.all([backend.getMany(['b']), backend.getMany(['c'])]), [[undefined], [undefined]]);
  assert.is(probes.length, 0);
});

test('while writes are paused nothing is locked, and what is stored under a lock is a write', async () => {
  const lending = new LendingBackend();
  const backend = withBreaker(lending);
  assert.equal(await backend.locks?.acquire(['a'], 'one', 1000), [true]);
  lending.mood = 'fails';
  for (let call = 0; call < 3; call += 1) await rejection(backend.locks?.setMany(entries, 'one') as Promise<unknown>);
  assert.match((await rejection(backend.setMany(entries))).message, /writes are paused/);
  for (const call of [
    () => backend.locks?.acquire(['b'], 'one', 1000),
    () => backend.locks?.renew(['a'], 'one', 1000),
    () => backend.locks?.release(['a'], 'one'),
    () => backend.locks?.setMany(entries, 'one'),
  ]) {
    assert.match((await rejection(call() as Promise<unknown>)).message, /writes are paused/);
  }
});

test('a fill of a backend that isolates nothing is handed on, and what it stores is a write', async () => {
  const filling = Object.assign(new MoodyBackend(), {
    fill: <T>(work: (fill: BackendFill) => Promise<T>) =>
      work({ isCurrent: (key) => key !== 'b', setMany: (written) => filling.setMany(written) }),
  });
  const backend = withBreaker(filling);
  await backend.fill?.(async (fill) => {
    assert.equal([fill.isCurrent('a'), fill.isCurrent('b')], [true, false]);
    filling.mood = 'fails';
    for (let call = 0; call < 3; call += 1) await rejection(fill.setMany(entries));
    assert.match((await rejection(fill.setMany(entries))).message, /writes are paused/);
  });
});

test('what the caller did wrong is not held against the store', async () => {
  const moody = new MoodyBackend();
  const backend = withBreaker(moody);
  const wrong = [{ key: 'a', value: new Uint8Array(1), ttlMs: -1 }];
  for (let call = 0; call < 5; call += 1) {
    assert.is(((await rejection(backend.setMany(wrong))) as BackendError).code, 'INVALID_INPUT');
  }
  await backend.setMany(entries);
});

test('is put before a backend once, and takes its health and its end from it', async () => {
  const moody = new MoodyBackend();
  const backend = withBreaker(moody);
  assert.is(withBreaker(backend), backend);
  await open(moody, backend);
  assert.equal(await backend.health(), { ok: false, latencyMs: Number.NaN, detail: 'fails' });
  await backend.close();
});

test('has what its backend has: touches are writes, leases are passed as they are', async () => {
  const without = withBreaker(new MoodyBackend());
  for (const name of ['touchMany', 'leases']) assert.not.ok(name in without, name);

  const lending = new LendingBackend();
  const backend = withBreaker(lending);
  assert.is(backend.leases, lending.leases);
  const touches = [{ key: 'a', ttlMs: 1000 }];
  await backend.touchMany?.(touches);
  lending.mood = 'fails';
  for (let call = 0; call < 3; call += 1) await rejection(backend.touchMany?.(touches) as Promise<void>);
  assert.match((await rejection(backend.setMany(entries))).message, /writes are paused/);
  assert.match((await rejection(backend.touchMany?.(touches) as Promise<void>)).message, /writes are paused/);
  assert.equal(lending.touches, new Array(4).fill(touches));
  assert.equal(await backend.leases?.acquire(['a'], 'one', 1000), [true]);
});

const realTime = suite('withBreaker, with the real clock');

realTime('a breaker is open for half a second', async () => {
  const moody = new MoodyBackend();
  const backend = await open(moody);
  moody.mood = 'works';
  const start = performance.now();
  await until(
    'the breaker lets a call through',
    () =>
      backend.getMany(['a']).then(
        () => true,
        () => false,
      ),
    2000,
  );
  assert.ok(performance.now() - start >= 480);
});

test.run();
realTime.run();
