import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { regressions } from '../../bench/gate.js';

const { suites, margin } = JSON.parse(readFileSync(new URL('../../bench/baseline.json', import.meta.url), 'utf8'));

const lookups = (change: (ratio: number) => number) => ({
  suite: 'lookups',
  about: '',
  measurements: [],
  ratios: Object.fromEntries(Object.entries<number>(suites.lookups).map(([name, ratio]) => [name, change(ratio)])),
});

test('the gate passes what is committed, and what is better', () => {
  assert.ok(Object.keys(suites.lookups).length >= 4);
  assert.equal(regressions(lookups((ratio) => ratio)), []);
  assert.equal(regressions(lookups((ratio) => ratio * 2)), []);
  assert.equal(regressions(lookups((ratio) => ratio * (1 - margin) + 1e-9)), []);
});

test('the gate refuses what fell below the margin, and what was not measured', () => {
  assert.is(regressions(lookups((ratio) => ratio * (1 - margin) * 0.99)).length, Object.keys(suites.lookups).length);
  assert.is(
    regressions({ suite: 'lookups', about: '', measurements: [], ratios: {} }).length,
    Object.keys(suites.lookups).length,
  );
});

test.run();
