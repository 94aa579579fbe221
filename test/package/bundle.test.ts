import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runBundle, runElsewhere, served } from '../bundlers/run-bundle.js';
import { startRedis } from '../support/redis-server.js';

// The other bundlers are in `npm run check:bundlers`, which installs them.
const test = suite('bundles by esbuild');
const root = fileURLToPath(new URL('../..', import.meta.url));
// Within the checkout, so that its node_modules are found.
const folder = mkdtempSync(join(root, 'dist/bundle-'));
const redis = await startRedis();
test.after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await redis.stop();
});

async function bundle(format: 'esm' | 'cjs', name: string): Promise<string> {
  const outfile = join(folder, name);
  const entry = join(root, 'test/bundlers/entry.mjs');
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format, outfile, logLevel: 'error' });
  return outfile;
}

test('CommonJS: everything is in the bundle, the core as text', async () => {
  assert.equal(await runElsewhere(await bundle('cjs', 'all.cjs'), redis.url), served('portable'));
});

test('ESM, which has no `require`: what a bundle cannot hold is loaded from node_modules', async () => {
  assert.equal(await runBundle(await bundle('esm', 'all.mjs'), redis.url, folder), served('portable'));
});

test('ESM away from node_modules: the error says what to do and keeps its cause', async () => {
  const { error, cause } = await runElsewhere(await bundle('esm', 'lone.mjs'), redis.url);
  assert.match(String(error), /prom-client.*could not be loaded \(Dynamic require of .*mark prom-client as external/);
  assert.match(String(cause), /Dynamic require of/);
});

test.run();
