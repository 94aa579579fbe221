'use strict';

// Node's own, which no bundler follows into a binary: in a bundle it looks beside that as well.
const load = require('../shims/require.cjs');

/** What is published. Tracers read the same names in shims/require.cjs. */
const PACKAGES = {
  'linux-x64-gnu': () => load('@vecstash/native-linux-x64-gnu'),
  'linux-x64-musl': () => load('@vecstash/native-linux-x64-musl'),
  'linux-arm64-gnu': () => load('@vecstash/native-linux-arm64-gnu'),
  'linux-arm64-musl': () => load('@vecstash/native-linux-arm64-musl'),
  'darwin-x64': () => load('@vecstash/native-darwin-x64'),
  'darwin-arm64': () => load('@vecstash/native-darwin-arm64'),
  'win32-x64-msvc': () => load('@vecstash/native-win32-x64-msvc'),
  'win32-arm64-msvc': () => load('@vecstash/native-win32-arm64-msvc'),
};

function platformName() {
  const { platform, arch } = process;
  if (platform === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`;
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/**
 * Whether Node runs on musl, whose loader is mapped then. Its executable names it too, but one that
 * was patched does so anywhere. `process.report` takes 50 ms to tell.
 */
function isMusl() {
  try {
    return load('node:fs').readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-');
  } catch {
    return false;
  }
}

function find() {
  const name = platformName();
  // Beside this file, or beside the bundle that it is in; a bundle of modules has no __dirname.
  const folder = typeof __dirname === 'string' ? __dirname : '.';
  const inCheckout = attempt(() => load(`${folder}/vecstash.${name}.node`));
  // What was found but is of no use says more than that something else was not found.
  if (inCheckout.addon !== undefined || !isNotFound(inCheckout.error))
    return check(inCheckout, `native/vecstash.${name}.node`, 'build it again: npm run build:native');

  const id = `@vecstash/native-${name}`;
  const installed = PACKAGES[name];
  if (installed === undefined) return { error: new Error(`there is no native package for ${name}`) };
  return check(attempt(installed), id, `install vecstash and ${id} in one version`);
}

function check({ addon, error }, what, remedy) {
  const { version } = require('../package.json');
  if (addon !== undefined) {
    if (addon.VERSION === version) return { addon };
    const found = addon.VERSION ?? 'unknown';
    return { error: new Error(`${what} is of version ${found} and vecstash of ${version}: ${remedy}`) };
  }
  if (!isNotFound(error)) return { error: new Error(`${what} does not load: ${error.message}`, { cause: error }) };
  const message = `${what} is not installed: install vecstash with its optional dependencies, on the platform it runs on`;
  return { error: new Error(message, { cause: error }) };
}

function isNotFound(error) {
  return error.code === 'MODULE_NOT_FOUND';
}

function attempt(run) {
  try {
    return { addon: run() };
  } catch (error) {
    return { error };
  }
}

let found;

/**
 * Loads the addon when it is first called: from beside this file (a checkout), else from the native
 * package for this platform. Never throws. Returns `{ addon }`, or `{ error }` whose message says
 * what to do.
 */
module.exports = () => {
  found ??= find();
  return found;
};
