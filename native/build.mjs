/**
 * Builds the addon for this machine where Rust is at hand, and says in one line what serves where
 * it is not. `npm ci` runs it in a checkout (`prepare`) and must never fail over it, so it exits 0
 * whatever happens; `--require` (`npm run build:native`, or VECSTASH_NATIVE=require) makes failures
 * count. The published package has neither this file nor a script: its addon comes prebuilt.
 *
 * It uses nothing but Node itself: it runs before anyone knows what could be installed.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const manifest = join(here, 'Cargo.toml');
const target = join(here, 'target');
const log = join(target, 'install.log');
const require = createRequire(import.meta.url);

const FETCH_LIMIT_MS = 60_000;
const BUILD_LIMIT_MS = 20 * 60_000;

/** A step that could not be taken. The message fits one line. */
class Unbuilt extends Error {}

const wanted = process.env.VECSTASH_NATIVE;

if (wanted === 'off') {
  console.log('vecstash: VECSTASH_NATIVE=off, so no native engine is built; the portable engine serves');
} else {
  try {
    await build();
  } catch (error) {
    const serving = require('./load.cjs')().addon
      ? 'the native engine built earlier serves'
      : 'the portable engine serves';
    console.log(`vecstash: ${reasonOf(error)}; ${serving}`);
    if (wanted === 'require' || process.argv.includes('--require')) process.exitCode = 1;
  }
}

async function build() {
  const started = performance.now();
  const cargo = await run('cargo', ['-vV'], { limit: FETCH_LIMIT_MS });
  if (!cargo.ok) throw new Unbuilt('no Rust toolchain found');
  const cli = findNapi();

  // Fetching first, and building offline, tells a registry out of reach (known within seconds) from code that does not build.
  // For every platform: the metadata that @napi-rs/cli reads names all crates, those of other platforms too.
  await step('cargo fetch', 'cargo', ['fetch', '--locked', '--manifest-path', manifest], {
    limit: FETCH_LIMIT_MS,
    env: { CARGO_NET_RETRY: '0', CARGO_HTTP_TIMEOUT: '10' },
  });

  // Built beside and moved over: a process that has the addon loaded keeps the file it loaded.
  const output = join(target, 'addon');
  const options = ['--release', '--platform', '--no-js', '--config-path', 'napi.json', '--output-dir', output];
  const paths = ['--cwd', here, '--package-json-path', join('..', 'package.json')];
  const building = [cli, 'build', ...options, ...paths, '--', '--locked', '--offline'];
  await step('the Rust build', process.execPath, building, { limit: BUILD_LIMIT_MS });
  for (const name of readdirSync(output)) {
    if (name.endsWith('.node')) renameSync(join(output, name), join(here, name));
  }

  const { error } = require('./load.cjs')();
  if (error) throw new Unbuilt(`the native engine was built but does not load (${firstLine(error.message)})`);
  console.log(`vecstash: built native engine in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

function findNapi() {
  try {
    const root = require.resolve('@napi-rs/cli/package.json');
    return join(dirname(root), require(root).bin.napi);
  } catch {
    throw new Unbuilt('@napi-rs/cli is not installed, so no native engine is built');
  }
}

/** Runs a command; when it fails, keeps its output in the log and throws a line that says so. */
async function step(name, command, args, options) {
  const { ok, output, late } = await run(command, args, options);
  if (ok) return;
  mkdirSync(target, { recursive: true });
  writeFileSync(log, output);
  const reason = late ? `took longer than ${options.limit / 1000} s` : causeIn(output);
  throw new Unbuilt(`${name} failed (${reason}; see ${log})`);
}

/** Runs a command to its end or the limit, and never throws. */
function run(command, args, { limit, env = {} }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: here,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that a compiler does not outlive the build that started it.
      detached: process.platform !== 'win32',
    });
    let output = '';
    let late = false;
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    const timer = setTimeout(() => {
      late = true;
      kill(child);
    }, limit);
    const interrupt = () => {
      kill(child);
      process.exit(130);
    };
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    const end = (ok) => {
      clearTimeout(timer);
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      resolve({ ok, output, late });
    };
    child.on('error', (error) => {
      output += `error: ${error.message}\n`;
      end(false);
    });
    child.on('close', (code) => end(code === 0));
  });
}

function kill(child) {
  try {
    if (process.platform === 'win32') child.kill();
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}

/** The line of a build's output that says most. */
function causeIn(output) {
  const lines = output.split('\n').map((line) => line.trim());
  const telling = [/error occurred in cc-rs: (.+)/, /^error: (linker .+)/, /^\[\d+\] (.+)/, /^error(?:\[\w+\])?: (.+)/];
  for (const pattern of telling) {
    const found = lines.map((line) => pattern.exec(line)?.[1]).find((match) => match !== undefined);
    if (found !== undefined) return shorten(found);
  }
  return 'no reason given';
}

function reasonOf(error) {
  return error instanceof Unbuilt ? error.message : `the native engine was not built (${firstLine(String(error))})`;
}

function firstLine(text) {
  return shorten(text.split('\n', 1)[0]);
}

function shorten(text) {
  return text.length > 160 ? `${text.slice(0, 157)}...` : text;
}
