import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runNode } from '../support/run-script.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const { version } = JSON.parse(read('package.json'));
const name = nameHere();

/** The name of this machine's package. Its libc is told by another way than load.cjs has. */
function nameHere(): string {
  const { platform, arch } = process;
  const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
  if (platform === 'linux') return `linux-${arch}-${glibcVersionRuntime ? 'gnu' : 'musl'}`;
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/** Loads load.cjs as an installed package has it, beside a native package of these files; 'loaded', or the message. */
async function load(files?: Record<string, string | Buffer>, setUp = '', ours = version): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-load-'));
  try {
    const main = join(folder, 'node_modules/vecstash');
    const native = join(folder, `node_modules/@vecstash/native-${name}`);
    for (const file of ['native/load.cjs', 'shims/require.cjs']) cpSync(join(root, file), join(main, file));
    writeFileSync(join(main, 'package.json'), JSON.stringify({ name: 'vecstash', version: ours }));
    if (files) mkdirSync(native, { recursive: true });
    for (const [file, content] of Object.entries(files ?? {})) writeFileSync(join(native, file), content);
    const program = `${setUp}; const { addon, error } = require('vecstash/native/load.cjs')(); console.log(addon ? 'loaded' : error.message)`;
    const { code, stdout, stderr } = await runNode(['-e', program], { cwd: folder });
    assert.equal([code, stderr], [0, '']);
    return stdout.trim();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const packed = (version: string) => ({
  'package.json': JSON.stringify({ name: `@vecstash/native-${name}`, version, main: 'addon.js' }),
  'addon.js': `exports.VERSION = '${version}'`,
});

test('the native package for this platform is loaded', async () => {
  assert.is(await load(packed(version)), 'loaded');
});

test('without one, the message says what to install', async () => {
  assert.is(
    await load(),
    `@vecstash/native-${name} is not installed: install vecstash with its optional dependencies, on the platform it runs on`,
  );
});

test('one of another version is not used', async () => {
  const wanted = `install vecstash and @vecstash/native-${name} in one version`;
  assert.is(
    await load(packed('0.0.9')),
    `@vecstash/native-${name} is of version 0.0.9 and vecstash of ${version}: ${wanted}`,
  );
  const before = { ...packed(version), 'addon.js': 'exports.decodeVectors = () => {}' };
  assert.match(await load(before), /is of version unknown and vecstash of/);
});

test('one that does not load is told with the reason', async () => {
  const broken = {
    'package.json': JSON.stringify({ name: `@vecstash/native-${name}`, version, main: 'addon.node' }),
    'addon.node': 'this is no addon',
  };
  assert.match(await load(broken), new RegExp(`^@vecstash/native-${name} does not load: .*addon\\.node`));
});

test('a platform that has no package', async () => {
  const setUp = `Object.defineProperty(process, 'platform', { value: 'sunos' })`;
  assert.is(await load(packed(version), setUp), `there is no native package for sunos-${process.arch}`);
});

test('every target has a package that is looked for, and the other way round', () => {
  const names = (JSON.parse(read('native/napi.json')).targets as string[]).map((triple) => {
    const [cpu, , system, abi] = triple.split('-') as [string, string, string, string?];
    const arch = cpu === 'x86_64' ? 'x64' : 'arm64';
    const platform = { windows: 'win32' }[system] ?? system;
    return [platform, arch, ...(abi ? [abi] : [])].join('-');
  });
  // load.cjs looks for them, and tracers find them in shims/require.cjs.
  for (const file of ['native/load.cjs', 'shims/require.cjs']) {
    const looked = [...read(file).matchAll(/load\('@vecstash\/native-([\w-]+)'\)/g)].map(([, found]) => found);
    assert.equal(looked.sort(), names.sort(), file);
  }
});

test('the crates have the version of the package', () => {
  assert.match(read('native/Cargo.toml'), new RegExp(`\\[workspace\\.package\\]\nversion = "${version}"`));
});

test.run();
