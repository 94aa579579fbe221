import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidInputError, InvalidOptionError } from '../src/errors.js';
import { entryTtl, parseTtl } from '../src/ttl.js';

test('milliseconds, or a number with its unit', () => {
  const cases: [unknown, number][] = [
    [1, 1],
    [0.5, 0.5],
    ['500ms', 500],
    ['90s', 90_000],
    ['1.5h', 5_400_000],
    ['5m', 300_000],
    ['30d', 2_592_000_000],
  ];
  for (const [ttl, milliseconds] of cases) assert.is(parseTtl(ttl, 'ttl'), milliseconds);
});

test('everything else is refused by name', () => {
  const wrong = [
    0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '',
    '5',
    '5 m',
    '-5m',
    '0s',
    '1w',
    'm',
    '1e3s',
    `${'9'.repeat(400)}d`,
  ];
  for (const ttl of [...wrong, null, undefined, true, {}, [5], 5n]) {
    assert.throws(
      () => parseTtl(ttl, 'l1Ttl'),
      (error: unknown) => error instanceof InvalidOptionError && error.option === 'l1Ttl',
      String(ttl),
    );
  }
  assert.throws(() => parseTtl('soon', 'ttl'), /option ttl: expected a positive time .* got "soon"/);
});

test('an entry lives for whole milliseconds, at least one', () => {
  assert.is(entryTtl(undefined, undefined), undefined);
  assert.is(entryTtl(undefined, 5), 5);
  assert.is(entryTtl(0.2, 5), 1);
  assert.is(entryTtl(1.2, undefined), 2);
  assert.ok(Number.isSafeInteger(Date.now() + (entryTtl(1e300, undefined) as number)));
  for (const ttl of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(
      () => entryTtl(ttl, undefined),
      (error: unknown) => error instanceof InvalidInputError,
    );
  }
});

test.run();
