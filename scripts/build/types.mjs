// The types of the entries, once: bundled without what is private, in dist/cjs. ESM has files that
// hand those on, so that a class has one type whichever way it was imported.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

const EMITTED = 'dist/types';

/**
 * Returns the exit code of tsc. Types of the optional packages `peers` are `any` to a consumer who
 * has not installed them, and no error.
 */
export async function buildTypes(sources, peers) {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const args = [tsc, '-p', 'scripts/tsconfig.build.json', '--emitDeclarationOnly', '--outDir', EMITTED];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) return status ?? 1;

  const names = sources.map((source) => source.replace(/^src\/(.*)\.ts$/, '$1'));
  const bundle = await rollup({
    input: Object.fromEntries(names.map((name) => [name, join(EMITTED, `${name}.d.ts`)])),
    plugins: [dts(), { name: 'optional-peers', renderChunk: (code) => withoutErrors(code, peers) }],
    external: (id) => !/^[./]|^\w:/.test(id),
    // It tells of types that entries use and do not export, which is no mistake.
    onwarn: (warning) => {
      if (!/private shared type exports/.test(warning.message)) throw new Error(warning.message);
    },
  });
  const layout = { entryFileNames: '[name].d.ts', chunkFileNames: 'chunks/[hash].d.ts' };
  await bundle.write({ dir: 'dist/cjs', format: 'es', ...layout });
  await bundle.close();
  rmSync(EMITTED, { recursive: true });

  for (const name of names) {
    const file = join('dist/esm', `${name}.d.ts`);
    const target = posix.relative(posix.dirname(`dist/esm/${name}`), `dist/cjs/${name}.js`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `export * from '${target}';\n`);
  }
  return 0;
}

function withoutErrors(code, peers) {
  return code.replace(/^import .* from '(.+)';$/gm, (line, id) =>
    peers.includes(id) ? `// @ts-ignore\n${line}` : line,
  );
}
