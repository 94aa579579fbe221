import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compileAsConsumer } from '../support/compile.js';
import { resolutionsOf } from './resolutions.js';

// With the checkout's own TypeScript; `npm run check:types` does it with others.
const test = suite('the types as a consumer has them');
const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const program = readFileSync(join(root, 'test/types/program.ts'), 'utf8');
const entries = Object.keys(manifest.exports).filter((path) => path !== './package.json');

const declarations = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.d.ts'))
  .map((path) => ({ path, text: readFileSync(join(root, 'dist', path), 'utf8') }));

test('the program imports every entry, and node10 finds each', () => {
  for (const entry of entries) assert.match(program, `from '${entry.replace('.', 'vecstash')}'`);
  const named = entries.filter((path) => path !== '.').map((path) => path.slice(2));
  assert.equal(Object.keys(manifest.typesVersions['*']), named);
});

for (const { name, extensions, flags } of resolutionsOf(6)) {
  test(`${name}: every entry compiles without the optional peers`, () => {
    compileAsConsumer(Object.fromEntries(extensions.map((extension) => [`program.${extension}`, program])), flags);
  });
}

test('types are imported of nobody but the optional peers, whose absence is no error', () => {
  const imports = declarations.flatMap(({ path, text }) =>
    [...text.matchAll(/^(.*\n)?.*(?:from |import\()'([^'.][^']*)'/gm)].map(([, before, id]) => ({ path, before, id })),
  );
  assert.equal([...new Set(imports.map(({ id }) => id))].sort(), ['@aws-sdk/client-dynamodb', 'ioredis']);
  for (const { path, before, id } of imports) assert.is(before, '// @ts-ignore\n', `${id} in ${path}`);
});

test('every option takes undefined', () => {
  const options = declarations.flatMap(({ text }) => text.match(/^interface \w*Options\b[\s\S]*?^}/gm) ?? []);
  assert.ok(options.length > 20);
  const refusing = options.flatMap((text) => text.match(/^ {4}\w+\?: .*(?<!\| undefined);$/gm) ?? []);
  assert.equal(refusing, []);
});

test.run();
