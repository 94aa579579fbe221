/**
 * `npm run build:wasm` builds native/vecstash.wasm with the pinned toolchain, in a way that gives the same bytes in any folder.
 * `npm run build:wasm -- --check` builds beside it instead and fails where the two differ; without the toolchain it says so and passes.
 *
 * It uses Node alone, and Binaryen's wasm-opt, which it installs beside what it builds: that is 100 MB,
 * which who does not build this has no need of.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { compare } from './compare.mjs';

/** What the committed file is built with. Another clang gives other bytes, which do the same. */
const RUST = '1.95.0';
const CLANG = 'Debian clang version 14.0.6';
const TARGET = 'wasm32-unknown-unknown';
const BINARYEN = '132.0.0';
const OPTIMIZER = [
  '-O3',
  '--enable-simd',
  '--enable-bulk-memory',
  '--enable-nontrapping-float-to-int',
  '--enable-sign-ext',
  '--enable-mutable-globals',
];

/**
 * zstd without what level 1 and 3 never use: vecstash writes with the strategies `fast` and `dfast`
 * alone, and reading needs none. No code for windows of megabytes, no unrolled loops and less
 * inlining: that takes 36 KB less and no more time. The first is what a browser or a Worker has for
 * memcpy.
 */
const C_FLAGS = [
  '-mbulk-memory',
  ...['-fno-unroll-loops', '-mllvm', '-inline-threshold=75'],
  '-DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT',
  ...['GREEDY', 'LAZY', 'LAZY2', 'BTLAZY2', 'BTOPT', 'BTULTRA'].map(
    (name) => `-DZSTD_EXCLUDE_${name}_BLOCK_COMPRESSOR`,
  ),
];

/** What native/wasm/src/lib.rs exports, beside the memory. */
const EXPORTS = [
  ...['abi', 'hint_words', 'input', 'output', 'output_length', 'trim'],
  ...['encode_vectors', 'decode_vectors', 'encode_values', 'decode_values'],
  ...['load_dictionary', 'load_profile'],
  ...['digest', 'write_records', 'read_records'],
];

const MAX_BYTES = 600_000;
const MAX_GZIPPED = 200_000;

const native = dirname(dirname(fileURLToPath(import.meta.url)));
const artifact = join(native, 'vecstash.wasm');
const golden = join(dirname(native), 'test', 'golden', 'format-1.json');
const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');

try {
  const missing = whatIsMissing();
  if (!process.argv.includes('--check')) {
    if (missing) throw new Error(`native/vecstash.wasm cannot be built, since ${missing}`);
    make();
  } else if (missing) {
    console.log(`vecstash: native/vecstash.wasm is not checked, since ${missing}`);
  } else {
    check();
  }
} catch (error) {
  console.error(`vecstash: ${error.message}`);
  process.exitCode = 1;
}

function make() {
  const bytes = readFileSync(build(join(native, 'target', 'wasm')));
  const gzipped = gzipSync(bytes, { level: 9 }).length;
  const size = `${bytes.length} bytes, ${gzipped} gzipped`;
  if (bytes.length > MAX_BYTES || gzipped > MAX_GZIPPED)
    throw new Error(`native/vecstash.wasm would be ${size}; at most ${MAX_BYTES} and ${MAX_GZIPPED} are allowed`);
  writeFileSync(artifact, bytes);
  const clang = clangVersion();
  console.log(`vecstash: built native/vecstash.wasm: ${size}`);
  if (clang !== CLANG) console.log(`vecstash: made by "${clang}": the file to commit is the one that "${CLANG}" makes`);
}

/** Throws unless the committed file is what its source gives. */
function check() {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-wasm-'));
  try {
    const built = readFileSync(build(folder));
    const committed = readFileSync(artifact);
    if (built.equals(committed)) {
      console.log('vecstash: native/vecstash.wasm is what its source gives, byte for byte');
      return;
    }
    const clang = clangVersion();
    if (clang === CLANG)
      throw new Error('native/vecstash.wasm is not what its source gives: run npm run build:wasm, and commit the file');
    const calls = compare(built, committed, JSON.parse(readFileSync(golden, 'utf8')));
    const why = `its bytes differ, since the compiler is "${clang}" instead of "${CLANG}"`;
    console.log(`vecstash: native/vecstash.wasm does what its source does in ${calls} calls (${why})`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds into `folder` and returns where the file is. */
function build(folder) {
  const registry = join(cargoHome, 'registry', 'src');
  const crates = readdirSync(registry).map((name) => join(registry, name));
  const remapped = [...crates.map((path) => `${path}=crates`), `${native}=native`];
  const flags = ['-Ctarget-feature=+simd128', ...remapped.map((pair) => `--remap-path-prefix=${pair}`)];
  const under = TARGET.replaceAll('-', '_');
  const env = {
    ...withoutFlags(process.env),
    CARGO_TARGET_DIR: folder,
    // Separated by what no path has in it.
    CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'),
    [`CC_${under}`]: 'clang',
    [`CFLAGS_${under}`]: C_FLAGS.join(' '),
  };
  const options = ['--package', 'vecstash-wasm', '--profile', 'wasm', '--target', TARGET, '--locked'];
  run('cargo', [`+${RUST}`, 'build', ...options], { cwd: native, env });

  // Linked here, because cargo would export whatever any crate exports, and so keep it.
  const library = join(folder, TARGET, 'wasm', 'libvecstash.a');
  const file = join(folder, 'vecstash.wasm');
  const exported = EXPORTS.map((name) => `--export=${name}`);
  // As rustc does it: the stack comes first, so that an overflow traps instead of overwriting what lies below.
  const stack = ['-z', 'stack-size=1048576', '--stack-first'];
  const linked = ['--no-entry', '--gc-sections', '-O3', '--strip-all', ...stack, ...exported, '-o', file, library];
  run(linker(), ['-flavor', 'wasm', ...linked], {});
  run(process.execPath, [optimizer(), ...OPTIMIZER, file, '-o', file], {});
  return file;
}

/** Where wasm-opt is; installs it where it is not there yet. */
function optimizer() {
  const folder = join(native, 'target', `binaryen-${BINARYEN}`);
  const file = join(folder, 'node_modules', 'binaryen', 'bin', 'wasm-opt');
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const options = ['--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
  const shell = process.platform === 'win32';
  run('npm', ['install', ...options, `binaryen@${BINARYEN}`], { shell });
  return file;
}

function run(command, args, options) {
  const { status, error } = spawnSync(command, args, { ...options, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} failed${error ? ` (${error.message})` : ''}`);
}

/** The linker that rustc itself uses. */
function linker() {
  const host = /^host: (.+)$/m.exec(output('rustc', [`+${RUST}`, '-vV']))[1];
  return join(sysroot(), 'lib', 'rustlib', host, 'bin', process.platform === 'win32' ? 'rust-lld.exe' : 'rust-lld');
}

function sysroot() {
  return output('rustc', [`+${RUST}`, '--print', 'sysroot']);
}

/** The environment but for what would change the bytes. */
function withoutFlags(env) {
  const changes =
    /^(CARGO_(ENCODED_)?RUSTFLAGS|RUSTFLAGS|(HOST_|TARGET_)?C(C|XX|PP)?FLAGS.*|CARGO_(PROFILE|BUILD|TARGET)_.*|RUSTC.*|AR.*|ZSTD_SYS_.*)$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !changes.test(name)));
}

/** Half a sentence on what is needed to build and not there. */
function whatIsMissing() {
  if (!existsSync(join(native, 'wasm', 'Cargo.toml'))) return 'there is no source beside it';
  const root = sysroot();
  if (root === undefined) return `Rust ${RUST} is not there (rustup toolchain install ${RUST} --target ${TARGET})`;
  if (!existsSync(join(root, 'lib', 'rustlib', TARGET)))
    return `the target is not there (rustup target add ${TARGET} --toolchain ${RUST})`;
  if (clangVersion() === undefined) return 'clang is not there';
  // Fetched before anything is built: it has to be known then where crates lie.
  const fetched = output('cargo', [`+${RUST}`, 'fetch', '--locked', '--manifest-path', join(native, 'Cargo.toml')]);
  return fetched === undefined ? 'its crates are not there and cannot be fetched' : undefined;
}

function clangVersion() {
  return output('clang', ['--version'])?.split('\n', 1)[0];
}

function output(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
