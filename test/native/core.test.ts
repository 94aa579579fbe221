import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { skipped } from '../support/skip.js';

// The crates' own tests: round trips of every mode, every flip and truncation, payloads that nobody wrote.
const manifest = fileURLToPath(new URL('../../native/Cargo.toml', import.meta.url));
const hasCargo = spawnSync('cargo', ['--version']).status === 0;

if (hasCargo) {
  test('cargo test', () => {
    const run = spawnSync('cargo', ['test', '--locked', '--workspace', '--manifest-path', manifest], {
      encoding: 'utf8',
    });
    assert.is(run.status, 0, `${run.stdout}\n${run.stderr}`);
    const passed = [...run.stdout.matchAll(/test result: ok\. (\d+) passed/g)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
    assert.ok(passed > 20, `${passed} tests of the crates passed`);
  });
} else {
  skipped('the tests of the Rust crates: there is no cargo here');
}

test.run();
