import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
// @ts-expect-error a script without types
import { packMain } from '../../scripts/tarballs/pack.mjs';

const MAX_BYTES = 1_650_000;
const MAX_DASHBOARD_BYTES = 60_000;

interface Lock {
  packages: Record<string, { hasInstallScript?: boolean; cpu?: string[] }>;
}

interface Packed {
  unpackedSize: number;
  files: { path: string; size: number }[];
}

const test = suite('the published package');
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'vecstash-size-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

execFileSync('tar', ['-xzf', packMain(folder), '-C', folder]);
const unpacked = join(folder, 'package');
const [packed] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: unpacked, encoding: 'utf8' }),
) as [Packed];
const paths = packed.files.map(({ path }) => path);
const manifest = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8'));

test(`takes at most ${MAX_BYTES} bytes`, () => {
  assert.ok(packed.unpackedSize <= MAX_BYTES, `${packed.unpackedSize} bytes`);
});

test(`its dashboard takes at most ${MAX_DASHBOARD_BYTES} bytes`, () => {
  const files = packed.files.filter(({ path }) => /^dist\/(\w+\/)?dashboard/.test(path));
  assert.ok(files.length > 4);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  assert.ok(bytes <= MAX_DASHBOARD_BYTES, `${bytes} bytes`);
});

test('holds what package.json names, and nothing that serves a checkout', () => {
  const named = [...JSON.stringify([manifest.exports, manifest.imports]).matchAll(/"(\.\/[^"*]+\.\w+)"/g)];
  for (const [, path] of named) assert.ok(existsSync(join(unpacked, path as string)), path);
  assert.equal(
    paths.filter(
      (path) => /\.(ts|map|node|rs|gyp|toml)$|^(test|bench|src|scripts|deploy)\//.test(path) && !path.endsWith('.d.ts'),
    ),
    [],
  );
  for (const field of ['scripts', 'devDependencies', 'workspaces', 'gypfile'])
    assert.is(manifest[field], undefined, field);
});

test('links of its README resolve without the repository', () => {
  const links = [...readFileSync(join(unpacked, 'README.md'), 'utf8').matchAll(/\]\(([^)\s]+)\)/g)];
  assert.ok(links.length > 0);
  for (const [, link] of links) assert.match(link as string, /^(https:\/\/|#)/);
});

test('its dependencies are JavaScript and run nothing when they are installed', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const names = Object.keys(manifest.dependencies);
  for (const name of names) {
    const { hasInstallScript, cpu } = packages[`node_modules/${name}`] as Lock['packages'][string];
    assert.equal([hasInstallScript, cpu], [undefined, undefined], name);
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'),
    );
    assert.equal([dependencies, optionalDependencies], [undefined, undefined], `${name} has none of its own`);
  }
  for (const name of Object.keys(manifest.peerDependencies)) {
    assert.equal(manifest.peerDependenciesMeta[name], { optional: true }, name);
  }
});

test('names of functions and classes stay, and a stack trace tells a short line', () => {
  const program = `
    const { createCache } = require('vecstash');
    try { createCache({}); } catch (error) { console.log(error.stack); }
  `;
  const stack = execFileSync(process.execPath, ['-e', program], { cwd: root, encoding: 'utf8' });
  assert.match(stack, /InvalidOptionError: /);
  assert.match(stack, /at createCache \(.*dist\/cjs\/.*\.js:(?!1:)\d+:\d{1,3}\)/);
});

test.run();
