import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

// What actionlint (`npm run lint:workflows`) does not look at.
const test = suite('workflows');
const root = fileURLToPath(new URL('../..', import.meta.url));
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const folder = join(root, '.github/workflows');
const text = readdirSync(folder)
  .map((name) => readFileSync(join(folder, name), 'utf8'))
  .join('\n');

test('each action is pinned to a commit, and one version of it is used', () => {
  const used = [...text.matchAll(/uses: (\S+)@(.*)/g)].map(([, name, version]) => [name, version] as [string, string]);
  assert.ok(used.length > 5);
  for (const [name, version] of used) assert.match(version, /^[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
  assert.is(new Set(used.map(String)).size, new Set(used.map(([name]) => name)).size);
});

test('the scripts that are run exist', () => {
  const checks = (/check: \[(.*)\]/.exec(text)?.[1] ?? '').split(', ').map((name) => `check:${name}`);
  const run = [...text.matchAll(/npm run ([\w:]*\w)(?= |$)/gm)].map(([, name]) => name as string);
  assert.ok(run.includes('tarballs') && checks.includes('check:types'));
  for (const name of [...run, ...checks]) assert.ok(name in scripts, name);
});

test.run();
