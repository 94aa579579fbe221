import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type DriftEvent, emit } from '../../src/events.js';
import { type Alert, logEvents, watchAlerts } from '../../src/observability/index.js';
import { ManualClock } from './manual-clock.js';
import { check, start, stopAll } from './running-metrics.js';

const test = suite('drift');

test.after.each(stopAll);

function found(event: Partial<DriftEvent>) {
  emit('drift', () => ({
    namespace: 'docs',
    model: 'm',
    epoch: 0,
    distance: 0.001,
    limit: 0.01,
    moved: 0,
    canaries: 16,
    drifted: false,
    isOwn: true,
    ...event,
  }));
}

test('metrics have the last distance that is known, and count what this process found', async () => {
  const metrics = start();
  found({});
  await check(metrics, {
    'cache_drift_distance{namespace="docs"}': 0.001,
    'cache_drift_limit{namespace="docs"}': 0.01,
    'cache_drift_checks_total{namespace="docs",status="same"}': 1,
    'cache_drift_checks_total{namespace="docs",status="drifted"}': 0,
  });
  found({ drifted: true, distance: 1.4, isOwn: false });
  await check(metrics, {
    'cache_drift_distance{namespace="docs"}': 1.4,
    'cache_drift_checks_total{namespace="docs",status="drifted"}': 0,
  });
  found({ drifted: true, distance: Number.POSITIVE_INFINITY });
  await check(metrics, { 'cache_drift_checks_total{namespace="docs",status="drifted"}': 1 });
  assert.match(await metrics.text(), 'cache_drift_distance{namespace="docs"} +Inf');
});

test('drift is a line of the log, and an alert until the next check finds none', () => {
  const lines: unknown[] = [];
  const log = (fields: object, message: string) => void lines.push([message, fields]);
  const stop = logEvents({ debug: log, warn: log, error: log });
  const clock = new ManualClock();
  const alerts: Alert[] = [];
  const watcher = watchAlerts({ onAlert: (alert) => alerts.push(alert) }, clock);
  found({});
  clock.advance(60_000);
  assert.equal([lines, alerts], [[], []]);
  found({ drifted: true, distance: 1.4, epoch: 1 });
  clock.advance(60_000);
  found({});
  clock.advance(60_000);
  stop();
  watcher.stop();
  assert.equal(lines, [['Model drifted', { namespace: 'docs', model: 'm', epoch: 1, distance: 1.4, limit: 0.01 }]]);
  assert.equal(
    alerts.map(({ text }) => text),
    [
      '[firing] VecstashDrift: the model of docs drifted: its vectors moved by 1.400, over 0.010',
      '[resolved] VecstashDrift: the model of docs drifted: its vectors moved by 1.400, over 0.010',
    ],
  );
});

test.run();
