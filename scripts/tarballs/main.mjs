/**
 * `npm run tarballs -- DIR [--only NAME,...] [--strict]` writes the main package and every native
 * package that this machine can build into DIR, as they are published. What cannot be built is said
 * in one line and left out. NAME is `main` or such as `linux-x64-gnu`; `--strict` fails where one
 * of them is left out, or is for this machine alone.
 */
import { mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildAddon } from './addon.mjs';
import { packMain, packNative } from './pack.mjs';
import { run } from './run.mjs';
import { nativeTargets, root } from './targets.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, strict: { type: 'boolean', default: false } },
});
const [given] = positionals;
const targets = nativeTargets();
const names = ['main', ...targets.map(({ name }) => name)];
const wanted = values.only?.split(',') ?? names;
const unknown = wanted.find((name) => !names.includes(name));

if (given === undefined || positionals.length > 1) fail('usage: npm run tarballs -- DIR [--only NAME,...] [--strict]');
else if (unknown !== undefined) fail(`${unknown} is none of the packages: ${names.join(', ')}`);
else make(resolve(given));

function make(folder) {
  mkdirSync(folder, { recursive: true });
  let incomplete = false;
  for (const name of names.filter((name) => wanted.includes(name))) {
    try {
      const { tarball, remark } = name === 'main' ? makeMain(folder) : makeNative(name, folder);
      console.log(`${relative(process.cwd(), tarball)}${remark ? ` (for this machine alone: ${remark})` : ''}`);
      incomplete ||= remark !== undefined;
    } catch (error) {
      incomplete = true;
      console.log(`${name} is left out: ${error.message}`);
      if (name === 'main') process.exitCode = 1;
    }
  }
  if (values.strict && incomplete) process.exitCode = 1;
}

function makeMain(folder) {
  run(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root });
  return { tarball: packMain(folder) };
}

function makeNative(name, folder) {
  const target = targets.find((target) => target.name === name);
  const addons = join(root, 'native/target/addons');
  const remark = buildAddon(target, addons);
  return { tarball: packNative(target, addons, folder), remark };
}

function fail(message) {
  console.error(`vecstash: ${message}`);
  process.exitCode = 2;
}
