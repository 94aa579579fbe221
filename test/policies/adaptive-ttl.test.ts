import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { AccessTable } from '../../src/policies/access-table.js';
import {
  AdaptiveTtl,
  type AdaptiveTtlOptions,
  adaptiveTtlSchema,
  checkAdaptiveTtl,
} from '../../src/policies/adaptive-ttl.js';

const test = suite('adaptive lives');
const MINUTE = 60_000;
const policy = (options: AdaptiveTtlOptions = {}) => {
  return new AdaptiveTtl(checkAdaptiveTtl(options));
};
const key = (i: number) => `prefix:${String(i).padStart(8, 'k')}`;

test('1 access is 15 minutes, 10 an hour, 100 six hours; between them lives grow evenly, on logarithmic scales', () => {
  for (const [accesses, minutes] of [
    [0, 15],
    [1, 15],
    [Math.sqrt(10), 30],
    [10, 60],
    [31.622776601683793, 60 * Math.sqrt(6)],
    [100, 360],
    [1000, 360],
  ] as const) {
    const lives = policy();
    // All at one time, so that nothing decays; a part of an access is the half-life's doing.
    for (let i = 0; i < Math.floor(accesses); i++) lives.miss('key', 0);
    const fraction = accesses % 1;
    const at = fraction === 0 ? 0 : -Math.log2(accesses / (Math.floor(accesses) + 1)) * 360 * MINUTE;
    if (fraction > 0) lives.miss('key', 0);
    const life = lives.written('key', at);
    assert.ok(Math.abs(life - minutes * MINUTE) < 1, `${accesses}: ${life / MINUTE}`);
  }
});

test('a life is lengthened when that gains something', () => {
  const lives = policy({ steps: [[1, '15m']] });
  assert.is(lives.written('key', 0), 15 * MINUTE);
  assert.is(lives.hit('key', 0), undefined, 'it has this life already');
  assert.is(lives.hit('key', 1.8 * MINUTE), undefined, 'an eighth is not worth a write');
  assert.is(lives.hit('key', 1.9 * MINUTE), 15 * MINUTE);
  assert.is(lives.hit('other', 0), 15 * MINUTE, 'nothing is known of a life that another process gave');
  assert.is(lives.hit('other', 1000), undefined);
  lives.forget('other', 1000);
  assert.ok(lives.hit('other', 1000));
});

test('accesses of long ago count less', () => {
  const lives = policy();
  for (let i = 0; i < 100; i++) lives.miss('key', 0);
  assert.is(lives.written('key', 0), 360 * MINUTE);
  const later = lives.written('key', 3.3219280948873626 * 360 * MINUTE);
  assert.ok(Math.abs(later - 60 * MINUTE) < 1, String(later));
});

test('steps of your own, checked by name', () => {
  const lives = policy({ steps: [[2, '1s']] });
  assert.is(lives.written('key', 0), 1000);
  for (const steps of [
    [],
    [[0, '1s']],
    [[1, 'soon']],
    [
      [2, '1s'],
      [2, '2s'],
    ],
    [
      [1, '2s'],
      [2, '1s'],
    ],
  ]) {
    assert.not.ok(v.safeParse(adaptiveTtlSchema, { steps }).success, JSON.stringify(steps));
  }
  assert.not.ok(v.safeParse(adaptiveTtlSchema, { key: 5 }).success);
  assert.is(v.parse(adaptiveTtlSchema, false), undefined);
  assert.is(v.parse(adaptiveTtlSchema, undefined), undefined);
  assert.is(v.parse(adaptiveTtlSchema, true)?.steps.length, 3);
});

test('the table is bounded, and keeps the keys that were used last', () => {
  const table = new AccessTable(8, 1000);
  const count = (i: number, now: number) => {
    const slot = table.slotOf(key(i), now);
    table.count(slot, now);
    return table.countOf(slot, now);
  };
  for (let i = 0; i < 8; i++) count(i, i);
  assert.ok(count(0, 8) > 1, 'it is still there');
  count(8, 9);
  assert.ok(count(0, 10) > 2, 'and again');
  assert.is(count(1, 11), 1, 'this one had been used longest ago');
});

test.run();
