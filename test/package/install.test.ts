import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runNode } from '../support/run-script.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs the build of the addon in a copy of the checkout that has no addon, with nothing on the PATH but `commands`. */
async function install(commands: Record<string, string>, env: NodeJS.ProcessEnv = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-install-'));
  try {
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    cpSync(join(root, 'shims'), join(folder, 'shims'), { recursive: true });
    cpSync(join(root, 'native'), join(folder, 'native'), {
      recursive: true,
      filter: (path) => !/native\/target|\.node$/.test(path),
    });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    mkdirSync(join(folder, 'bin'));
    for (const [name, script] of Object.entries(commands)) {
      writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, 'bin', name), 0o755);
    }
    const started = performance.now();
    const run = await runNode(['native/build.mjs'], {
      cwd: folder,
      env: { ...process.env, VECSTASH_NATIVE: '', ...env, PATH: join(folder, 'bin') },
    });
    const lines = (run.stdout + run.stderr).split('\n').filter((line) => line.includes('engine'));
    return { ...run, lines, seconds: (performance.now() - started) / 1000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('no Rust: the install succeeds and says in one line what serves', async () => {
  const { code, lines } = await install({});
  assert.is(code, 0);
  assert.equal(lines, ['vecstash: no Rust toolchain found; the portable engine serves']);
});

test('a crate registry out of reach: the same, naming the step', async () => {
  const cargo =
    'if [ "$1" = -vV ]; then echo "host: x86_64-unknown-linux-gnu"; else echo "error: failed to download from the registry" >&2; exit 101; fi';
  const { code, lines } = await install({ cargo });
  assert.is(code, 0);
  assert.is(lines.length, 1);
  assert.match(
    lines[0] as string,
    /cargo fetch failed \(failed to download from the registry.*; the portable engine serves$/,
  );
});

test('a build that fails: the same', async () => {
  const cargo =
    'if [ "$1" = -vV ] || [ "$1" = fetch ]; then echo "host: x86_64-unknown-linux-gnu"; else echo "error: linker \\`cc\\` not found" >&2; exit 101; fi';
  const { code, lines } = await install({ cargo });
  assert.is(code, 0);
  assert.is(lines.length, 1);
  assert.match(lines[0] as string, /the Rust build failed .*; the portable engine serves$/);
});

test('VECSTASH_NATIVE=require makes a failure count; off builds nothing', async () => {
  assert.is((await install({}, { VECSTASH_NATIVE: 'require' })).code, 1);
  const off = await install({ cargo: 'echo called >&2; exit 1' }, { VECSTASH_NATIVE: 'off' });
  assert.equal([off.code, off.lines.length, off.stderr.includes('called')], [0, 1, false]);
});

test.run();
