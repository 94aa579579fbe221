import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { skipped } from '../support/skip.js';

// The crates' own tests: round trips of every mode, every flip and truncation, payloads that nobody wrote.
const manifest = fileURLToPath(new URL('../../native/Cargo.toml', import.meta.url));
const hasCargo = spawnSync('cargo', ['--version']).status === 0;

if (hasCargo) {
  // What a machine of today has, and what lesser ones make of the same source.
  for (const level of ['the widest SIMD', 'avx2', 'baseline']) {
    test(`cargo test, ${level}`, () => {
      const env = { ...process.env, VECSTASH_SIMD: level };
      const args = ['test', '--locked', '--workspace', '--manifest-path', manifest];
      const run = spawnSync('cargo', args, { encoding: 'utf8', env });
      assert.is(run.status, 0, `${run.stdout}\n${run.stderr}`);
      const passed = [...run.stdout.matchAll(/test result: ok\. (\d+) passed/g)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
      assert.ok(passed > 60, `${passed} tests of the crates passed`);
    });
  }
} else {
  skipped('the tests of the Rust crates: there is no cargo here');
}

test.run();
