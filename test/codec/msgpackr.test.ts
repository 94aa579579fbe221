import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Packr } from '#msgpackr';
import { pack, unpack } from '../../src/values/pack.js';

const LIMIT = 2 ** 20;

test('a byte order mark stays, whatever the length of the string', () => {
  for (const length of [0, 1, 14, 15, 16, 62, 63, 64, 65, 1000]) {
    for (const fill of ['x', 'é', '語', '🜚']) {
      const value = `\uFEFF${fill.repeat(length)}`;
      const read = unpack(pack(value, 0, LIMIT), LIMIT) as { value: unknown };
      assert.is(read.value, value, `${length} of ${fill}`);
    }
  }
});

test('the bundle writes what the package writes', async () => {
  const { Packr: Original } = await import('msgpackr');
  const options = { moreTypes: true, useRecords: false };
  const [ours, theirs] = [new Packr(options), new Original(options)];
  const value = {
    a: [1, 2.5, -3, null],
    b: new Map([['k', new Set([1])]]),
    c: new Float32Array([1, 2]),
    d: new Date(0),
  };
  const bytes = theirs.pack(value);
  assert.is(ours.pack(value).toString('hex'), bytes.toString('hex'));
  assert.equal(ours.unpack(bytes), theirs.unpack(bytes));
});

test('the bundle loads nothing, and keeps its license', () => {
  const source = readFileSync(new URL('../../dist/msgpackr.cjs', import.meta.url), 'utf8');
  assert.not.match(source, /\brequire\(|msgpackr-extract|process\.env/);
  assert.match(source, 'Permission is hereby granted');
});

test.run();
