// Runs tests of the Rust core under Miri, which sees undefined behaviour: node scripts/miri.mjs [name
// of a test...]. Left out is what takes zstd, which is C, or minutes of estimates.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const cwd = fileURLToPath(new URL('../native', import.meta.url));

if (spawnSync('cargo', ['+nightly', 'miri', '--version']).status !== 0) {
  run('rustup', 'toolchain', 'install', 'nightly', '--profile', 'minimal', '--component', 'miri,rust-src');
}
const tests = ['--', ...process.argv.slice(2), '--skip', 'estimate'];
run('cargo', '+nightly', 'miri', 'test', '-p', 'vecstash-core', '--lib', ...tests);

function run(command, ...args) {
  const env = { ...process.env, MIRIFLAGS: '-Zmiri-disable-isolation' };
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}
