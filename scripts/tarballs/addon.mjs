import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { run } from './run.mjs';
import { GLIBC, root } from './targets.mjs';
import { planFor } from './toolchain.mjs';

const require = createRequire(import.meta.url);

/** Runs `napi ...` in native/. */
export function napi(args, env = {}) {
  const manifest = require.resolve('@napi-rs/cli/package.json');
  const cli = join(dirname(manifest), require(manifest).bin.napi);
  const cwd = join(root, 'native');
  const where = ['--cwd', cwd, '--config-path', 'napi.json', '--package-json-path', '../package.json'];
  const [command, ...rest] = args;
  return run(process.execPath, [cli, command, ...where, ...rest], { cwd, env: { ...process.env, ...env } });
}

/**
 * Builds the addon of a target into `folder`. Returns what keeps it from being published, or
 * undefined. Throws where it cannot be built.
 */
export function buildAddon(target, folder) {
  const { options, env } = planFor(target);
  mkdirSync(folder, { recursive: true });
  // Apart from native/target: cargo does not notice that another linker or C compiler made what lies there.
  const paths = ['--output-dir', folder, '--target-dir', join(root, 'native/target/tarballs')];
  napi(['build', ...options, ...paths, '--release', '--platform', '--no-js', '--', '--locked'], env);
  if (target.abi !== 'gnu') return undefined;
  const needed = glibcOf(join(folder, `vecstash.${target.name}.node`));
  if (compareVersions(needed, GLIBC) <= 0) return undefined;
  return `it needs glibc ${needed} instead of ${GLIBC}: install zig and cargo-zigbuild`;
}

/** The newest version of glibc that an addon asks for: the names of its symbols' versions stand in it as text. */
export function glibcOf(path) {
  const versions = readFileSync(path, 'latin1').matchAll(/\0GLIBC_(\d+(?:\.\d+)+)(?=\0)/g);
  return [...versions]
    .map(([, version]) => version)
    .sort(compareVersions)
    .at(-1);
}

function compareVersions(a, b) {
  return a.localeCompare(b, 'en', { numeric: true });
}
