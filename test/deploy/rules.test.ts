import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Condition } from '../../src/observability/alerts/alert.js';
import {
  breakerCondition,
  conditionsOf,
  driftCondition,
  queueConditions,
  THRESHOLDS,
} from '../../src/observability/alerts/conditions.js';
import { ttlMilliseconds } from '../../src/ttl.js';
import { deployed, RULES, readRules } from './files.js';
import { toolsOf } from './tools.js';

const test = suite('deploy: rules');
const alerts = readRules().filter(({ alert }) => alert !== undefined);

const tools = await toolsOf('prometheus', ['promtool']);
if (tools) {
  const [promtool] = tools as [string];
  const run = (...args: string[]) => execFileSync(promtool, args, { encoding: 'utf8', stdio: 'pipe' });

  test('promtool takes the rules', () => {
    assert.match(run('check', 'rules', RULES), 'SUCCESS');
  });

  test('the alerts begin and end where they should, by promtool', () => {
    assert.match(run('test', 'rules', deployed('prometheus/vecstash.rules.test.yml')), 'SUCCESS');
  });
}

test('an alert says how bad it is, what it is about, and what to do', () => {
  assert.is(alerts.length, 7);
  for (const { alert, labels, annotations } of alerts) {
    assert.ok(['warning', 'critical'].includes(labels?.severity as string), alert);
    assert.equal(Object.keys(annotations ?? {}), ['summary', 'description', 'runbook'], alert);
    assert.match(annotations?.description as string, '$value', alert);
  }
});

test('the watcher in the process has the same alerts, thresholds and times', () => {
  const traffic = { namespace: 'docs', requests: 0, hits: 0, corrupt: 0, lookups: 0, p95: 0 };
  const conditions: Condition[] = [
    ...conditionsOf(traffic, THRESHOLDS),
    breakerCondition('reads', 0),
    ...queueConditions(0, 0, THRESHOLDS),
    driftCondition('docs', false, 0, 0.01),
  ];
  const floors: Record<string, string> = {
    VecstashHitRateLow: ` and job_namespace:cache_requests:increase15m >= ${THRESHOLDS.requests}`,
    VecstashLatencyHigh: ` and job_namespace:cache_gets:increase15m >= ${THRESHOLDS.lookups}`,
  };
  assert.equal(
    alerts.map((rule) => ({
      name: rule.alert,
      severity: rule.labels?.severity,
      cause: rule.labels?.cause,
      holdMs: rule.for === undefined ? 0 : ttlMilliseconds(rule.for),
      isOver: rule.expr.replace(/^.*? (?=[<>])/, ''),
    })),
    conditions.map(({ name, severity, labels, holdMs, threshold }) => ({
      name,
      severity,
      cause: labels.cause,
      holdMs,
      isOver: `${name === 'VecstashHitRateLow' ? '<' : '>'} ${threshold}${floors[name] ?? ''}`,
    })),
  );
});

test.run();
