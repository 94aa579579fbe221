import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../tarballs/run.mjs';
import { root } from '../tarballs/targets.mjs';

const cache = join(root, 'node_modules/.cache/check-install');

/** Installs packages of the npm registry once, without their scripts, and returns the folder. */
export function tool(packages) {
  const folder = join(cache, packages.join('+').replaceAll(/[^\w.@+-]/g, '_'));
  if (existsSync(join(folder, 'done'))) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--force', ...packages], { cwd: folder });
  writeFileSync(join(folder, 'done'), '');
  return folder;
}

/** The executable of a major version of Node, from the npm registry. */
export function nodeOf(major, platform = `${process.platform}-${process.arch}`) {
  const name = `node-${platform}`;
  return join(tool([`${name}@${major}`]), 'node_modules', name, 'bin/node');
}
