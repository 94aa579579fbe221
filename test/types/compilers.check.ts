import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { installConsumer } from '../support/consumer.js';
import { type Resolution, resolutionsOf, STRICT } from './resolutions.js';

const test = suite('the types, by other compilers');
const compilers = ['typescript-5.4', 'typescript-5.9', 'typescript-6.0', 'typescript-7.0'];
const ends = ['typescript-5.4', 'typescript-7.0'];
const peers = ['@aws-sdk/client-dynamodb', '@upstash/redis', 'ioredis', 'prom-client'];

const bare = await installConsumer('@types/node', '@arethetypeswrong/cli', 'publint', ...compilers);
const full = await installConsumer('@types/node', ...peers, ...ends);
for (const name of ['program', 'peers']) {
  const source = readFileSync(new URL(`${name}.ts`, import.meta.url), 'utf8');
  for (const consumer of [bare, full])
    consumer.write(Object.fromEntries(['ts', 'mts', 'cts'].map((extension) => [`${name}.${extension}`, source])));
}
test.after(() => {
  for (const consumer of [bare, full]) consumer.remove();
});

for (const compiler of compilers) {
  for (const resolution of resolutionsOf(Number(compiler.split(/[-.]/)[1]))) {
    test(`${compiler}, ${resolution.name}: every entry without the optional peers`, () =>
      compile(bare, compiler, resolution, 'program'));
    if (!ends.includes(compiler)) continue;
    test(`${compiler}, ${resolution.name}: clients of the optional peers`, () =>
      compile(full, compiler, resolution, 'peers'));
  }
}

async function compile(consumer: typeof bare, compiler: string, { extensions, flags }: Resolution, program: string) {
  const tsc = `node_modules/${compiler}/bin/tsc`;
  // 6.0 and later take no types by themselves.
  const files = extensions.map((extension) => `${program}.${extension}`);
  const args = [tsc, ...STRICT, '--types', 'node', ...flags, ...files];
  assert.is(await consumer.run(process.execPath, args), '');
}

const tarball = () => {
  const folder = process.env.VECSTASH_TARBALLS ?? join(bare.folder, 'tarballs');
  return join(folder, readdirSync(folder).find((name) => /^vecstash-\d.*\.tgz$/.test(name)) as string);
};

test('attw finds nothing', async () => {
  assert.match(await bare.run('attw', [tarball()]), /No problems found/);
});

test('publint finds nothing', async () => {
  assert.match(await bare.run('publint', [tarball(), '--strict']), /All good!/);
});

test.run();
