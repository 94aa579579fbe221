// Builds dist: JavaScript as ESM and as CommonJS, types, and what both share.
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { markBuilt, sourceDigest } from './build/stamp.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const steps = await Promise.all([
  import('./build/dashboard.mjs'),
  import('./build/javascript.mjs'),
  import('./build/msgpackr.mjs'),
  import('./build/types.mjs'),
  import('./build/wasm-inline.mjs'),
]).catch((error) => {
  console.error(
    `vecstash: nothing was built, since what builds it is not installed (npm ci installs it): ${error.message}`,
  );
  process.exit(1);
});
const {
  bundleDashboard,
  buildJavaScript,
  readManifest,
  programsOf,
  sourcesOf,
  bundleMsgpackr,
  buildTypes,
  inlineWasm,
} = Object.assign({}, ...steps);

const manifest = readManifest();
const sources = sourcesOf(manifest);

const digest = sourceDigest();
rmSync('dist', { recursive: true, force: true });
await buildJavaScript(sources, programsOf(manifest), manifest.imports);
writeFileSync('dist/dashboard-page.cjs', await bundleDashboard());
await bundleMsgpackr('dist/msgpackr.cjs');
await inlineWasm('native/vecstash.wasm', 'dist/wasm-inline.mjs');
process.exitCode = await buildTypes(sources, Object.keys(manifest.peerDependencies));
if (process.exitCode === 0) markBuilt(digest);
