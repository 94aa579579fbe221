// Tells whether dist is what the sources make: it holds a digest of what it was built from.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const STAMP = join(root, 'dist/.built-from');

const SOURCES = [
  'src',
  'scripts/build',
  'scripts/build.mjs',
  'scripts/tsconfig.build.json',
  'tsconfig.json',
  'package.json',
  'package-lock.json',
  ...readdirSync(join(root, 'native'))
    .filter((name) => /\.(d\.cts|wasm)$/.test(name))
    .map((name) => `native/${name}`),
];

/** A digest of the names and contents of what dist is built from. */
export function sourceDigest() {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap(filesIn).sort()) {
    hash.update(`${file}\0`).update(
      createHash('sha256')
        .update(readFileSync(join(root, file)))
        .digest(),
    );
  }
  return hash.digest('hex');
}

export function isBuilt() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === sourceDigest();
}

/** `digest` is that of before the build: what was changed meanwhile may not be in it. */
export function markBuilt(digest) {
  writeFileSync(STAMP, digest);
}

function filesIn(path) {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path)).flatMap((name) => filesIn(`${path}/${name}`));
}
