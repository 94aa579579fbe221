import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { regressions } from '../../bench/gate.js';

type Committed = number | { ratio: number; margin: number };

const { suites, margin: usual }: { suites: Record<string, Record<string, Committed>>; margin: number } = JSON.parse(
  readFileSync(new URL('../../bench/baseline.json', import.meta.url), 'utf8'),
);

/** A result whose ratios are the committed ones, changed. */
function result(suite: string, change: (ratio: number, margin: number) => number) {
  const ratios = Object.entries(suites[suite] ?? {}).map(([name, committed]) => {
    const { ratio, margin } = typeof committed === 'number' ? { ratio: committed, margin: usual } : committed;
    return [name, change(ratio, margin)];
  });
  return { suite, about: '', measurements: [], ratios: Object.fromEntries(ratios) };
}

for (const suite of ['lookups', 'codec']) {
  const count = Object.keys(suites[suite] ?? {}).length;

  test(`${suite}: the gate passes what is committed, and what is better`, () => {
    assert.ok(count >= 4);
    assert.equal(regressions(result(suite, (ratio) => ratio)), []);
    assert.equal(regressions(result(suite, (ratio) => ratio * 2)), []);
    assert.equal(regressions(result(suite, (ratio, margin) => ratio * (1 - margin) + 1e-9)), []);
  });

  test(`${suite}: the gate refuses what fell below the margin, and what was not measured`, () => {
    assert.is(regressions(result(suite, (ratio, margin) => ratio * (1 - margin) * 0.99)).length, count);
    assert.is(regressions({ suite, about: '', measurements: [], ratios: {} }).length, count);
  });
}

test('a size may fall by far less than a time', () => {
  const { ratios } = result('codec', (ratio) => ratio * 0.98);
  const fallen = regressions({ suite: 'codec', about: '', measurements: [], ratios });
  assert.ok(fallen.length >= 9 && fallen.every((line) => line.includes(': size:')), fallen.join('\n'));
});

test.run();
