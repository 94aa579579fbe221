// Fuzzes the Rust core: node scripts/fuzz.mjs [target...] [seconds for each] [--keep]. What it finds
// on the way stays in native/fuzz/corpus, which git ignores, and is where the next run begins;
// --keep puts as few inputs as reach the same code into native/fuzz/seeds, which is committed and
// which `cargo test` replays.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SECONDS = 60;

process.chdir(fileURLToPath(new URL('../native/fuzz', import.meta.url)));
const all = readdirSync('fuzz_targets').map((file) => file.replace('.rs', ''));

const args = process.argv.slice(2);
const keeps = args.includes('--keep');
const seconds = Number(args.find((arg) => /^\d+$/.test(arg)) ?? SECONDS);
const chosen = args.filter((arg) => arg !== '--keep' && !/^\d+$/.test(arg));
const unknown = chosen.filter((target) => !all.includes(target));
if (unknown.length > 0) {
  console.error(`There is no target ${unknown.join(', ')}: there are ${all.join(', ')}.`);
  process.exit(2);
}
if (spawnSync('cargo', ['fuzz', '--version']).status !== 0) cargo('install', '--locked', 'cargo-fuzz');

for (const target of chosen.length > 0 ? chosen : all) {
  const [corpus, seeds] = [`corpus/${target}`, `seeds/${target}`];
  for (const folder of [corpus, seeds]) mkdirSync(folder, { recursive: true });
  if (seconds > 0) fuzz(target, [corpus, seeds], `-max_total_time=${seconds}`);
  if (!keeps) continue;
  const kept = `seeds/${target}.new`;
  rmSync(kept, { recursive: true, force: true });
  mkdirSync(kept);
  fuzz(target, [kept, seeds, corpus], '-set_cover_merge=1', '-use_counters=0');
  rmSync(seeds, { recursive: true });
  renameSync(kept, seeds);
}

function fuzz(target, folders, ...options) {
  cargo('fuzz', 'run', '--fuzz-dir', '.', target, ...folders, '--', ...options);
}

/** A stable toolchain may use the sanitizer where it is told that it is its own compiler's. */
function cargo(...args) {
  const { status } = spawnSync('cargo', args, { stdio: 'inherit', env: { ...process.env, RUSTC_BOOTSTRAP: '1' } });
  if (status !== 0) process.exit(status ?? 1);
}
