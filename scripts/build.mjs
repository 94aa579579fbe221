// Compiles src twice, to ESM and to CJS, each with its own types. Plain files and no bundle: the entries share their modules,
// so that an error class or a backend is the same one whichever entry it came from.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleDashboard } from './dashboard.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

let tsc;
try {
  tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
} catch {
  console.error('vecstash: TypeScript is not installed (npm ci installs it); nothing was built');
  process.exit(1);
}

const formats = {
  esm: [],
  cjs: ['--module', 'commonjs', '--moduleResolution', 'bundler', '--verbatimModuleSyntax', 'false'],
};

rmSync('dist', { recursive: true, force: true });
for (const [format, options] of Object.entries(formats)) {
  const args = [tsc, '-p', 'scripts/tsconfig.build.json', '--outDir', `dist/${format}`, ...options];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

// The nearest package.json says what kind of module a .js file is. It is also where `#` imports would be looked up, which
// bundlers do not agree on: in this copy they become paths.
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
const { imports } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const name of readdirSync('dist/cjs', { recursive: true })) {
  if (!/\.(js|d\.ts)$/.test(name)) continue;
  const file = join('dist/cjs', name);
  const source = readFileSync(file, 'utf8');
  const resolved = source.replace(/(['"])(#\w+)\1/g, (_, quote, id) => {
    const path = relative(dirname(file), imports[id].default ?? imports[id]).replaceAll('\\', '/');
    return quote + path + quote;
  });
  if (resolved !== source) writeFileSync(file, resolved);
}

// What both copies of the dashboard serve, once.
writeFileSync('dist/dashboard-page.cjs', await bundleDashboard());

// A browser has no files, and a bundler no rule for WebAssembly that all of them have: there the core is text in a module.
const core = readFileSync('native/vecstash.wasm').toString('base64');
writeFileSync(
  'dist/wasm-inline.mjs',
  `const bytes = Uint8Array.from(atob('${core}'), (character) => character.charCodeAt(0));
let compiled;
export default () => {
  compiled ??= new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(compiled).exports;
};
`,
);
