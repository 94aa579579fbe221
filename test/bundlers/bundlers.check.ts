import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { installConsumer } from '../support/consumer.js';
import { startRedis } from '../support/redis-server.js';
import { runBundle, runElsewhere, served } from './run-bundle.js';

const test = suite('bundlers');
const redis = await startRedis();
const tools = [
  'webpack',
  'esbuild',
  'vite',
  'rollup',
  '@rollup/plugin-node-resolve',
  '@rollup/plugin-commonjs',
  '@rollup/plugin-json',
];
const consumer = await installConsumer(
  ...tools,
  'rolldown',
  'tsup',
  'typescript',
  'bun',
  '@vercel/nft',
  'ioredis',
  'prom-client',
);
const { folder } = consumer;
const entry = readFileSync(new URL('entry.mjs', import.meta.url), 'utf8');
consumer.write({ 'entry.mjs': entry });
test.after(async () => {
  consumer.remove();
  await redis.stop();
});

const here = served(consumer.isNative ? 'native' : 'portable');
const path = (name: string) => join(folder, name);

/** A bundle that runs in the project with the native engine, and alone with the portable one. */
async function assertWhole(name: string): Promise<void> {
  assert.equal(await runBundle(path(name), redis.url, folder), here);
  assert.equal(await runElsewhere(path(name), redis.url), served('portable'));
}

/** A bundle that needs node_modules for what it could not take in. */
async function assertRuns(name: string): Promise<void> {
  assert.equal(await runBundle(path(name), redis.url, folder), here);
}

test('webpack, without a warning', async () => {
  consumer.write({
    'webpack.mjs': `
      import webpack from 'webpack';
      const output = { path: ${JSON.stringify(folder)}, filename: 'webpack.cjs' };
      webpack({ mode: 'production', target: 'node', entry: './entry.mjs', output }, (error, stats) => {
        if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString());
      });`,
  });
  await consumer.run(process.execPath, ['webpack.mjs']);
  await assertWhole('webpack.cjs');
});

test('esbuild, CommonJS', async () => {
  const output = await consumer.run('esbuild', 'entry.mjs --bundle --platform=node --outfile=esbuild.cjs'.split(' '));
  assert.not.match(output, /WARN/i);
  await assertWhole('esbuild.cjs');
});

test('esbuild, ESM', async () => {
  await consumer.run('esbuild', 'entry.mjs --bundle --platform=node --format=esm --outfile=esbuild.mjs'.split(' '));
  await assertRuns('esbuild.mjs');
});

test('esbuild, ESM with a `require` in its banner', async () => {
  const banner = "import { createRequire as open } from 'node:module'; const require = open(import.meta.url);";
  const options = 'entry.mjs --bundle --platform=node --format=esm --outfile=banner.mjs'.split(' ');
  await consumer.run('esbuild', [...options, `--banner:js=${banner}`]);
  await assertWhole('banner.mjs');
});

for (const isWhole of [false, true]) {
  test(`Vite SSR, ${isWhole ? 'with noExternal' : 'as it is'}`, async () => {
    const outDir = isWhole ? 'vite-whole' : 'vite';
    const ssr = isWhole ? '{ noExternal: true }' : '{}';
    consumer.write({ 'vite.config.mjs': `export default { ssr: ${ssr}, logLevel: 'warn' };` });
    await consumer.run('vite', ['build', '--ssr', 'entry.mjs', '--outDir', outDir]);
    const file = `${outDir}/entry.mjs`;
    if (isWhole) await assertWhole(file);
    else await assertRuns(file);
  });
}

for (const [format, extension] of [
  ['es', 'mjs'],
  ['cjs', 'cjs'],
]) {
  test(`Rollup, ${format}`, async () => {
    const plugins = ['-p', 'node-resolve={preferBuiltins:true}', '-p', 'commonjs', '-p', 'json'];
    await consumer.run('rollup', ['entry.mjs', ...plugins, '-f', format as string, '-o', `rollup.${extension}`]);
    await assertRuns(`rollup.${extension}`);
  });

  test(`rolldown, ${format}`, async () => {
    const options = ['entry.mjs', '--platform', 'node', '--format', format as string];
    await consumer.run('rolldown', [...options, '--file', `rolldown.${extension}`]);
    await assertWhole(`rolldown.${extension}`);
  });
}

test('tsup, which leaves dependencies out and what is told to bundle in', async () => {
  await consumer.run('tsup', 'entry.mjs --format esm,cjs --out-dir tsup --no-config'.split(' '));
  for (const name of ['entry.mjs', 'entry.js']) await assertRuns(`tsup/${name}`);
  consumer.write({ 'tsup.mjs': 'export default { noExternal: [/./] };' });
  await consumer.run('tsup', 'entry.mjs --format cjs --out-dir whole --config tsup.mjs'.split(' '));
  await assertWhole('whole/entry.js');
});

test('Bun: its bundles run in Bun and in Node', async () => {
  await consumer.run(process.execPath, ['node_modules/bun/install.js']);
  await consumer.run('bun', 'build entry.mjs --target node --outfile bun-node.mjs'.split(' '));
  await assertRuns('bun-node.mjs');
  await consumer.run('bun', 'build entry.mjs --target bun --outfile bun-bun.mjs'.split(' '));
  const env = { REDIS_URL: redis.url, NAMESPACE: `bun-${process.pid}` };
  const printed = await consumer.run('bun', ['bun-bun.mjs'], env);
  assert.equal(JSON.parse(printed.trim().split('\n').at(-1) as string), here);
});

test('@vercel/nft lists the optional packages, the addon and the core', async () => {
  const files = (await consumer.run('nft', ['print', 'entry.mjs'])).split('\n');
  const has = (pattern: RegExp) =>
    assert.ok(
      files.some((file) => pattern.test(file)),
      String(pattern),
    );
  has(/node_modules\/ioredis\//);
  has(/node_modules\/prom-client\//);
  has(/node_modules\/vecstash\/native\/vecstash\.wasm$/);
  if (consumer.isNative) has(/node_modules\/@vecstash\/native-.*\.node$/);
});

test('without the optional packages bundles are made, and say at run time what to install', async () => {
  const bare = await installConsumer('esbuild', 'webpack');
  try {
    bare.write({
      'entry.mjs': entry,
      'webpack.mjs': readFileSync(path('webpack.mjs'), 'utf8')
        .replaceAll(folder, bare.folder)
        .replace(' || stats.hasWarnings()', ''),
    });
    await bare.run('esbuild', 'entry.mjs --bundle --platform=node --outfile=esbuild.cjs'.split(' '));
    await bare.run(process.execPath, ['webpack.mjs']);
    for (const name of ['esbuild.cjs', 'webpack.cjs']) {
      const { error, cause } = await runBundle(join(bare.folder, name), redis.url, bare.folder);
      assert.match(String(error), /npm install prom-client$/);
      assert.match(String(cause), /Cannot find module 'prom-client'/);
    }
  } finally {
    bare.remove();
  }
});

test.run();
