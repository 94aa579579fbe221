// Compiles src twice, to ESM and to CJS, each with its own types. Plain files and no bundle: the entries share their modules,
// so that an error class or a backend is the same one whichever entry it came from.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

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

// The nearest package.json says what kind of module a .js file is, and it is also where its `#` imports are looked up.
const imports = { '#native': 'load', '#require': 'require' };
mkdirSync('dist/cjs', { recursive: true });
for (const file of Object.values(imports)) {
  writeFileSync(`dist/cjs/${file}.cjs`, `module.exports = require('../../native/${file}.cjs');\n`);
}
writeFileSync(
  'dist/cjs/package.json',
  JSON.stringify({
    type: 'commonjs',
    imports: Object.fromEntries(Object.entries(imports).map(([name, file]) => [name, `./${file}.cjs`])),
  }),
);
