/**
 * `node scripts/publish.mjs DIR [npm options]` publishes the tarballs of DIR to the registry that
 * npm is set up with: every native package first, then the main one. It starts only where none is
 * missing, and leaves out what is published already, so that a release that broke off can be run
 * again. `--dry-run` tries all but the upload.
 */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ask, run } from './tarballs/run.mjs';
import { nativeTargets } from './tarballs/targets.mjs';

const [folder, ...options] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node scripts/publish.mjs DIR [npm options]');

const tarballs = new Map();
for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
  const path = resolve(join(folder, file));
  const { name, version } = JSON.parse(run('tar', ['-xzOf', path, 'package/package.json']));
  tarballs.set(name, { path, version });
}
const wanted = [...nativeTargets().map(({ id }) => id), 'vecstash'];
const missing = wanted.filter((name) => !tarballs.has(name));
const versions = new Set(wanted.map((name) => tarballs.get(name)?.version));
if (missing.length > 0) throw new Error(`nothing is published, since these are missing: ${missing.join(', ')}`);
if (versions.size > 1) throw new Error(`nothing is published, since the versions differ: ${[...versions].join(', ')}`);

for (const name of wanted) {
  const { path, version } = tarballs.get(name);
  if (ask('npm', ['view', `${name}@${version}`, 'version']) === version) {
    console.log(`${name}@${version} is published already`);
    continue;
  }
  run('npm', ['publish', path, '--access', 'public', ...options]);
  console.log(`published ${name}@${version}`);
}
