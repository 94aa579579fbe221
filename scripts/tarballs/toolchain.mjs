import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ask, run } from './run.mjs';
import { GLIBC, root } from './targets.mjs';

/** Where tools are installed that are not on the PATH. */
const tools = join(root, 'native/target/tools');

/**
 * How this machine builds a target: `{ options, env }` for `napi build`. Throws an Error whose
 * message is half a sentence where it cannot.
 */
export function planFor(target) {
  if (ask('cargo', ['-V']) === undefined) throw new Error('Rust is not installed');
  const cannot = reasonAgainst(target);
  if (cannot) throw new Error(cannot);
  if (target.platform === process.platform && target.platform !== 'linux') {
    addRustTarget(target.triple);
    return { options: ['--target', target.triple], env: {} };
  }
  if (target.platform === 'win32') {
    addRustTarget(target.triple);
    return { options: ['--target', target.triple, '--cross-compile'], env: {} };
  }
  try {
    const env = { PATH: zigPath() };
    addRustTarget(target.triple);
    // zig links against the glibc that is asked for, and brings musl and the symbols of macOS.
    const triple = target.abi === 'gnu' ? `${target.triple}.${GLIBC}` : target.triple;
    return { options: ['--target', triple, '--cross-compile'], env };
  } catch (error) {
    if (ask('rustc', ['-vV'])?.includes(`host: ${target.triple}\n`) !== true) throw error;
    return { options: ['--target', target.triple], env: {} };
  }
}

function reasonAgainst({ platform }) {
  if (platform === process.platform) return undefined;
  if (platform === 'win32')
    return ask('cargo', ['xwin', '--version']) === undefined ? 'it takes Windows, or cargo-xwin' : undefined;
  return process.platform === 'win32' ? 'it takes Linux or macOS' : undefined;
}

function addRustTarget(triple) {
  const installed = ask('rustup', ['target', 'list', '--installed']);
  // Without rustup, cargo says what is missing.
  if (installed === undefined || installed.split('\n').includes(triple)) return;
  console.log(`rustup target add ${triple}`);
  if (ask('rustup', ['target', 'add', triple]) === undefined) throw new Error(`rustup target add ${triple} failed`);
}

let path;

/** The PATH on which zig and cargo-zigbuild are; where they are not, both come from PyPI into native/target/tools. */
function zigPath() {
  path ??= findZig();
  return path;
}

function findZig() {
  if (ask('cargo-zigbuild', ['--version']) !== undefined && ask('zig', ['version']) !== undefined)
    return process.env.PATH;
  const bin = join(tools, 'bin');
  const installed = `${bin}${delimiter}${process.env.PATH}`;
  if (ask('zig', ['version'], { env: { ...process.env, PATH: installed } }) !== undefined) return installed;
  if (ask('python3', ['--version']) === undefined)
    throw new Error('it takes zig and cargo-zigbuild (or python3 to install them)');
  console.log(`installing zig and cargo-zigbuild from PyPI into ${tools}`);
  try {
    mkdirSync(tools, { recursive: true });
    run('python3', ['-m', 'venv', tools]);
    run(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', 'cargo-zigbuild', 'ziglang']);
  } catch {
    throw new Error('zig and cargo-zigbuild are not on the PATH and cannot be installed from PyPI');
  }
  const zig = join(bin, 'zig');
  if (!existsSync(zig)) writeFileSync(zig, `#!/bin/sh\nexec "${join(bin, 'python')}" -m ziglang "$@"\n`);
  chmodSync(zig, 0o755);
  return installed;
}
