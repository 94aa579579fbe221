import { Registry } from 'prom-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createMetrics } from '../../src/observability/index.js';
import { readDashboard } from './dashboard.js';
import { readRules } from './files.js';

const test = suite('deploy: dashboard');
const dashboard = readDashboard();
const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** The metrics that an expression names, without what the rules record. */
function metricsOf(expr: string): string[] {
  const names = expr.match(/(?<![\w:])cache_\w+(?![\w:])/g) ?? [];
  return names.map((name) => name.replace(/_(bucket|sum|count)$/, ''));
}

test('every metric that is shown or watched is one of createMetrics, and every one of these is shown', () => {
  const registry = new Registry();
  createMetrics({ registry }).stop();
  const there = registry.getMetricsAsArray().map(({ name }) => name);
  const variables = dashboard.templating.list.flatMap(({ definition = '' }) => metricsOf(definition));
  const rules = readRules().flatMap(({ expr }) => metricsOf(expr));
  assert.ok(rules.length > 5 && variables.length > 1);
  const used = new Set([...shown.flatMap(metricsOf), ...rules, ...variables]);
  assert.equal(
    [...used].filter((name) => !there.includes(name)),
    [],
  );
  const inPanels = new Set(shown.flatMap(metricsOf));
  assert.equal(
    there.filter((name) => !inPanels.has(name)),
    [],
  );
});

test('what the rules record is what the alerts ask for', () => {
  const rules = readRules();
  const recorded = rules.flatMap(({ record }) => record ?? []);
  const asked = rules.flatMap(({ expr }) => expr.match(/\w+(:\w+)+/g) ?? []);
  assert.equal([...new Set(asked)].sort(), [...recorded].sort());
});

test('the data source is a variable, and so are job, namespace and operation', () => {
  assert.equal(
    dashboard.templating.list.map(({ name, type }) => [name, type]),
    [
      ['datasource', 'datasource'],
      ['job', 'query'],
      ['namespace', 'query'],
      ['operation', 'query'],
    ],
  );
  for (const { name, datasource } of dashboard.templating.list.slice(1)) {
    assert.is(datasource?.uid, `\${datasource}`, name);
  }
  for (const { type, title, datasource, targets = [] } of dashboard.panels) {
    if (type === 'row') continue;
    for (const source of [datasource, ...targets.map((target) => target.datasource)]) {
      assert.is(source?.uid, `\${datasource}`, title);
    }
    for (const { expr } of targets) assert.match(expr, 'job=~"$job"', title);
  }
});

test('panels have ids of their own and do not overlap', () => {
  const ids = dashboard.panels.map(({ id }) => id);
  assert.is(new Set(ids).size, ids.length);
  const taken = new Map<string, string>();
  for (const { title, gridPos, targets = [] } of dashboard.panels) {
    assert.is(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        assert.is(taken.get(`${x},${y}`), undefined, title);
        taken.set(`${x},${y}`, title);
      }
    }
  }
});

test.run();
