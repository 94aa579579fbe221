import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url));
const node = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).trim();
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.keys(exports)
  .filter((path) => path !== './package.json')
  .map((path) => path.replace('.', 'vecstash'));

const use = `
  const cache = createCache({ backend: new MemoryBackend() });
  const docs = cache.embeddings('docs', { model: 'm', dimensions: 2, embed: async (texts) => texts.map((text) => [1, text.length]) });
  docs.embed(['a', 'bb']).then((vectors) => console.log(JSON.stringify(vectors.map((vector) => [...vector]))));
`;

test('import and require reach the built package by its own name, and it works', () => {
  assert.is(
    node('--input-type=module', '-e', `import { createCache, MemoryBackend } from 'vecstash'; ${use}`),
    '[[1,1],[1,2]]',
  );
  assert.is(
    node('--input-type=commonjs', '-e', `const { createCache, MemoryBackend } = require('vecstash'); ${use}`),
    '[[1,1],[1,2]]',
  );
});

test('every entry has the same names for import and require', () => {
  for (const entry of entries) {
    const imported = node(
      '--input-type=module',
      '-e',
      `console.log(Object.keys(await import('${entry}')).sort().join())`,
    );
    const required = node('--input-type=commonjs', '-e', `console.log(Object.keys(require('${entry}')).sort().join())`);
    assert.is(imported, required, entry);
    assert.ok(imported.length > 0, entry);
  }
});

test('an error is recognised across the ESM and the CJS copy, and only as what it is', () => {
  const program = `
    import { createRequire } from 'node:module';
    import * as esm from 'vecstash';
    const cjs = createRequire(process.cwd() + '/x.js')('vecstash');
    const errors = [new cjs.InvalidOptionError('a', 'b', 'c'), new cjs.EmbedError('x', [1]), new Error('plain'), null, 'text'];
    console.log(JSON.stringify(errors.map((error) => [
      error instanceof esm.VecstashError, error instanceof esm.InvalidOptionError, error instanceof esm.EmbedError,
    ].map(Number).join(''))));
  `;
  assert.is(node('--input-type=module', '-e', program), '["110","101","000","000","000"]');
});

test.run();
