import { channel } from 'node:diagnostics_channel';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { BackendError, InvalidOptionError } from '../../src/errors.js';
import { CHANNELS, emit, type Outcome } from '../../src/events.js';
import { systemWatchClock } from '../../src/observability/alerts/clock.js';
import { type Alert, type AlertWatcher, type WatchAlertsOptions, watchAlerts } from '../../src/observability/index.js';
import { listen } from '../../src/observability/listen.js';
import { until } from '../../src/testing/until.js';
import { scripted } from '../support/backends.js';
import { rejection } from '../support/rejection.js';
import { ManualClock } from './manual-clock.js';

const test = suite('watchAlerts');
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const running: AlertWatcher[] = [];

test.after.each(() => {
  for (const watcher of running.splice(0)) watcher.stop();
});

/** A watcher, with the time it goes by, and what it told since it was asked last: the state, and what the alert is about. */
function watch(options: WatchAlertsOptions = {}) {
  const clock = new ManualClock();
  const alerts: Alert[] = [];
  const watcher = watchAlerts({ onAlert: (alert) => alerts.push(alert), ...options }, clock);
  running.push(watcher);
  const told = () =>
    alerts.splice(0).map(({ state, name, labels }) => [state, name, ...Object.values(labels)].join(' '));
  return { clock, watcher, alerts, told };
}

/** One lookup. */
function lookup(counts: Partial<Record<Outcome, number>>, namespace = 'docs', durationMs = 1) {
  const outcomes = Object.entries(counts).flatMap(([outcome, count]) =>
    new Array<Outcome>(count).fill(outcome as Outcome),
  );
  emit('lookup', () => ({ namespace, keys: outcomes.map(String), outcomes, bytes: 0, durationMs }));
}

/** Lookups each minute. */
function pass(clock: ManualClock, minutes: number, each: () => void) {
  for (let minute = 0; minute < minutes; minute += 1) {
    each();
    clock.advance(MINUTE);
  }
}

test('a low hit rate is told once when it has lasted, and once when it is over', () => {
  const { clock, watcher, alerts, told } = watch({ source: 'web-1' });
  pass(clock, 5, () => lookup({ hit: 31, miss: 69 }));
  assert.equal(told(), []);
  assert.equal(watcher.firing, []);
  pass(clock, 1, () => lookup({ hit: 31, miss: 69 }));
  const [alert] = alerts;
  const { startedAt, ...rest } = alert as Alert;
  assert.equal(rest, {
    name: 'VecstashHitRateLow',
    state: 'firing',
    severity: 'warning',
    labels: { namespace: 'docs' },
    value: 0.31,
    threshold: 0.4,
    text: '[firing] VecstashHitRateLow: web-1: cache hit rate of docs is 31 %, under 40 %',
  });
  assert.is(new Date(startedAt).toISOString(), startedAt);
  assert.equal(watcher.firing, [alert]);
  assert.equal(told(), ['firing VecstashHitRateLow docs']);
  pass(clock, 30, () => lookup({ hit: 31, miss: 69 }));
  assert.equal(told(), []);
  pass(clock, 15, () => lookup({ hit: 90, miss: 10 }));
  assert.is(alerts[0]?.text, '[resolved] VecstashHitRateLow: web-1: cache hit rate of docs is 39 %, under 40 %');
  assert.is(alerts[0]?.startedAt, startedAt);
  assert.is(new Date(alerts[0]?.endedAt as string).toISOString(), alerts[0]?.endedAt);
  assert.equal(told(), ['resolved VecstashHitRateLow docs']);
  assert.equal(watcher.firing, []);
});

test('a hit rate at the threshold is not low, nor is one of little traffic or of none', () => {
  const { clock, told } = watch();
  pass(clock, 30, () => {
    lookup({ hit: 40, miss: 60 }, 'edge');
    lookup({ miss: 6 }, 'rare');
  });
  assert.equal(told(), []);
  pass(clock, 30, () => lookup({ miss: 8 }, 'rare'));
  assert.equal(told(), ['firing VecstashHitRateLow rare']);
  clock.advance(15 * MINUTE);
  assert.equal(told(), ['resolved VecstashHitRateLow rare']);
});

test('what is older than the window is forgotten, by and by', () => {
  const { clock, told } = watch({ window: '5m', every: '1m' });
  lookup({ corrupt: 1 }, 'first');
  clock.advance(2.5 * MINUTE);
  lookup({ corrupt: 1 }, 'second');
  clock.advance(0.5 * MINUTE);
  assert.equal(told(), ['firing VecstashCorruptRecords first', 'firing VecstashCorruptRecords second']);
  clock.advance(1 * MINUTE);
  assert.equal(told(), []);
  clock.advance(1 * MINUTE);
  assert.equal(told(), ['resolved VecstashCorruptRecords first']);
  clock.advance(3 * MINUTE);
  assert.equal(told(), ['resolved VecstashCorruptRecords second']);
  // After a pause that is longer than the window the ring begins anew.
  lookup({ corrupt: 1 }, 'first');
  clock.advance(60 * MINUTE);
  lookup({ hit: 1 }, 'first');
  clock.advance(1 * MINUTE);
  assert.equal(told(), ['firing VecstashCorruptRecords first', 'resolved VecstashCorruptRecords first']);
});

test('lookups that are slow: the p95, of enough of them', () => {
  const { clock, alerts, told } = watch();
  const lookups = (namespace: string, fast: number, slow: number) => {
    for (let i = 0; i < fast; i += 1) lookup({ hit: 1 }, namespace, 100);
    for (let i = 0; i < slow; i += 1) lookup({ hit: 1 }, namespace, 101);
  };
  pass(clock, 10, () => {
    lookups('edge', 95, 5);
    lookups('slow', 94, 6);
    lookups('rare', 0, 1);
    emit('model', () => ({ namespace: 'edge', model: 'm', inputs: 1, tokens: 1, durationMs: 5000, ok: true }));
  });
  // Of 6 in 100 to 250 ms the first is the 95th.
  assert.is(alerts[0]?.value, 125);
  assert.is(alerts[0]?.text, '[firing] VecstashLatencyHigh: cache lookups in slow are slow: p95 125 ms, over 100 ms');
  assert.equal(told(), ['firing VecstashLatencyHigh slow']);
  const extremes = watch({ thresholds: { latencyMs: 5000, lookups: 1 } });
  pass(extremes.clock, 10, () => lookup({ hit: 1 }, 'docs', 60_000));
  assert.is(extremes.alerts[0]?.value, 10_000);
});

test('corrupt records are told at the next check, with a real cache that reads them', async () => {
  const { clock, alerts, told } = watch({ every: '10s' });
  const backend = scripted({ getMany: async (keys) => keys.map(() => new Uint8Array(30)) });
  const docs = createCache({ backend }).embeddings('docs', { model: 'm', dimensions: 8 });
  await docs.getMany(['a private text', 'b']);
  assert.equal(told(), []);
  clock.advance(10 * SECOND);
  assert.is(alerts[0]?.text, '[firing] VecstashCorruptRecords: 2 corrupt cache records in docs');
  assert.not.match(JSON.stringify(alerts), 'private');
  assert.equal(told(), ['firing VecstashCorruptRecords docs']);
});

test('a breaker that stays open; one that closes soon is nothing; one whose backend is closed is over', async () => {
  const { clock, told } = watch();
  const down = scripted({ getMany: () => Promise.reject(new BackendError('down')) });
  const cache = createCache({ backend: down });
  const docs = cache.embeddings('docs', { model: 'm', dimensions: 8 });
  for (let round = 0; round < 3; round += 1) await docs.getMany(['a']);
  const moment = (state: 'open' | 'closed') => emit('breaker', () => ({ id: -1, what: 'writes', state }));
  moment('open');
  clock.advance(MINUTE);
  moment('closed');
  assert.equal(told(), []);
  clock.advance(MINUTE);
  assert.equal(told(), ['firing VecstashBreakerOpen reads']);
  await cache.close();
  clock.advance(MINUTE);
  assert.equal(told(), ['resolved VecstashBreakerOpen reads']);
});

test('a queue that is nearly full, and one that loses entries', async () => {
  const { clock, alerts, told } = watch();
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const backend = new HybridBackend(new MemoryBackend(), scripted({ setMany: () => answered }), {
    writeBehind: { maxBytes: 100, maxWait: 1 },
  });
  const entries = (keys: string) => [...keys].map((key) => ({ key, value: new Uint8Array(8) }));
  await backend.setMany(entries('abcdefghi'));
  clock.advance(2 * MINUTE);
  assert.equal(told(), []);
  await backend.setMany(entries('j'));
  clock.advance(MINUTE);
  assert.equal(told(), []);
  clock.advance(MINUTE);
  assert.is(alerts[0]?.text, '[firing] VecstashQueueFull: write-behind queue is 100 % full');
  assert.equal(told(), ['firing VecstashQueueFull limit']);
  assert.match((await rejection(backend.setMany(entries('klm')))).message, /3 entries not queued/);
  clock.advance(MINUTE);
  assert.is(alerts[0]?.text, '[firing] VecstashQueueFull: write-behind queue lost 3 entries');
  assert.equal(told(), ['firing VecstashQueueFull drops']);
  answer();
  await until('it is written', () => backend.writeBehind?.queued === 0);
  clock.advance(MINUTE);
  assert.equal(told(), ['resolved VecstashQueueFull limit']);
  clock.advance(15 * MINUTE);
  assert.equal(told(), ['resolved VecstashQueueFull drops']);
  await backend.close();
});

test('an alert that goes on is told again, or not', async () => {
  const again = watch({ repeat: '1h' });
  const never = watch({ repeat: false });
  const both = (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      lookup({ corrupt: 1 });
      again.clock.advance(MINUTE);
      never.clock.advance(MINUTE);
    }
  };
  both(59);
  const { startedAt } = again.alerts[0] as Alert;
  assert.equal(again.told(), ['firing VecstashCorruptRecords docs']);
  await until('it is later', () => Date.now() > Date.parse(startedAt));
  both(2);
  assert.is(again.alerts[0]?.startedAt, startedAt);
  assert.equal(again.told(), ['firing VecstashCorruptRecords docs']);
  both(60 * 24);
  assert.is(again.told().length, 24);
  assert.equal(never.told(), ['firing VecstashCorruptRecords docs']);
});

test('thresholds are the application’s', () => {
  const { clock, told } = watch({ thresholds: { hitRate: 0.9, requests: 1, corrupt: 2 } });
  pass(clock, 6, () => lookup({ hit: 8, miss: 2 }));
  assert.equal(told(), ['firing VecstashHitRateLow docs']);
  lookup({ corrupt: 2 });
  clock.advance(MINUTE);
  assert.equal(told(), []);
  lookup({ corrupt: 1 });
  clock.advance(MINUTE);
  assert.equal(told(), ['firing VecstashCorruptRecords docs']);
});

test('later namespaces than there may be are watched together', () => {
  const { clock, told } = watch({ maxNamespaces: 2 });
  for (let i = 0; i < 1000; i += 1) lookup({ corrupt: 1 }, `n${i}`);
  clock.advance(MINUTE);
  assert.equal(
    told(),
    ['n0', 'n1', 'other'].map((namespace) => `firing VecstashCorruptRecords ${namespace}`),
  );
});

test('an onAlert that throws or rejects is counted and told, and stops nothing', async () => {
  const failures: unknown[] = [];
  let calls = 0;
  const { clock, watcher } = watch({
    onAlert: () => {
      calls += 1;
      if (calls === 1) throw new TypeError('a private text');
      return Promise.reject('a private text');
    },
  });
  const stop = listen({ failure: (event) => void failures.push(event) });
  lookup({ corrupt: 1 });
  clock.advance(20 * MINUTE);
  await until('both are counted', () => watcher.undelivered === 2);
  stop();
  assert.equal(failures, [
    { namespace: undefined, operation: 'alert', error: 'TypeError' },
    { namespace: undefined, operation: 'alert', error: 'string' },
  ]);
});

test('after stop nothing is heard and nothing told', () => {
  const { clock, watcher, told } = watch();
  lookup({ corrupt: 1 });
  watcher.stop();
  clock.advance(60 * MINUTE);
  assert.equal(told(), []);
  for (const name of Object.values(CHANNELS)) assert.is(channel(name).hasSubscribers, false, name);
});

test('a watcher keeps no process alive, whether it waits for the next check or to post again', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const before = timers();
  running.push(watchAlerts({ onAlert() {} }));
  const stopped = new AbortController();
  const pause = systemWatchClock.pause(60_000, stopped.signal);
  assert.is(timers(), before);
  stopped.abort();
  await pause;
});

test('options are checked', () => {
  const onAlert = () => {};
  for (const [options, name] of [
    [{}, 'webhook'],
    [{ webhook: 'hooks' }, 'webhook'],
    [{ webhook: 'file:///etc/passwd' }, 'webhook'],
    [{ onAlert: 7 }, 'onAlert'],
    [{ onAlert, thresholds: { hitRate: 40 } }, 'thresholds.hitRate'],
    [{ onAlert, thresholds: { latency: 40 } }, 'thresholds.latency'],
    [{ onAlert, window: '15' }, 'window'],
    [{ onAlert, every: 0 }, 'every'],
    [{ onAlert, repeat: true }, 'repeat'],
    [{ onAlert, maxNamespaces: 0 }, 'maxNamespaces'],
  ] as const) {
    const isRefused = (error: unknown) => error instanceof InvalidOptionError && error.option === name;
    assert.throws(() => watchAlerts(options as unknown as WatchAlertsOptions), isRefused, JSON.stringify(options));
  }
});

test.run();
