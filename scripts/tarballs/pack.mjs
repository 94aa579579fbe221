import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { napi } from './addon.mjs';
import { publishedReadme } from './readme.mjs';
import { run } from './run.mjs';
import { nativeTargets, root } from './targets.mjs';

const native = join(root, 'native');

/** What serves a checkout alone. */
const CHECKOUT_ONLY = ['scripts', 'devDependencies', 'allowScripts', 'overrides', 'gypfile', 'workspaces'];

/** The published package.json: no scripts, and every native package in this very version. */
export function publishedManifest(manifest) {
  const published = Object.fromEntries(Object.entries(manifest).filter(([field]) => !CHECKOUT_ONLY.includes(field)));
  const natives = Object.fromEntries(nativeTargets().map(({ id }) => [id, manifest.version]));
  return { ...published, optionalDependencies: { ...manifest.optionalDependencies, ...natives } };
}

/** Packs the main package into `folder` and returns the tarball's path. dist must be built. */
export function packMain(folder) {
  return inTemporary((temporary) => {
    const tarball = pack(root, temporary);
    run('tar', ['-xzf', tarball], { cwd: temporary });
    const manifest = join(temporary, 'package/package.json');
    const published = publishedManifest(JSON.parse(readFileSync(manifest, 'utf8')));
    write(manifest, published);
    const readme = join(temporary, 'package/README.md');
    writeFileSync(readme, publishedReadme(readFileSync(readme, 'utf8'), published));
    return pack(join(temporary, 'package'), folder);
  });
}

/** Packs the native package of a target, whose addon lies in `addons`. */
export function packNative(target, addons, folder) {
  return inTemporary((temporary) => {
    napi(['create-npm-dirs', '--npm-dir', relative(native, temporary)]);
    const source = join(temporary, target.name);
    const addon = `vecstash.${target.name}.node`;
    copyFileSync(join(addons, addon), join(source, addon));
    copyFileSync(join(root, 'LICENSE'), join(source, 'LICENSE'));
    return pack(source, folder);
  });
}

function pack(source, folder) {
  const options = ['--ignore-scripts', '--json', '--pack-destination', folder];
  return join(folder, JSON.parse(run('npm', ['pack', ...options], { cwd: source }))[0].filename);
}

function write(path, value) {
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}

/** Runs with a folder that is removed afterwards. */
function inTemporary(use) {
  const parent = join(native, 'target');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'pack-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
