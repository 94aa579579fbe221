import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A path in quotes, as imports, `new URL` and arguments of `node` have it. */
const QUOTED_PATH = /['"`]([\w./-]+\.[cm]?[jt]s)['"`]/g;
/** An entry of the package, a file of dist, a run of `npm pack`, or the page that is bundled into dist. */
const USE_OF_DIST =
  /(?:from|import|require|resolve)\W{1,3}vecstash\b|['"]vecstash\/[a-z-]+['"]|['"`./]dist\/|'pack'|src\/dashboard\//;

/**
 * Whether a test file uses dist, the package as it is built: whether it, or a file that it names in
 * quotes, imports an entry of the package, reads dist or packs it. Files of src do not count.
 */
export function usesDist(file: string): boolean {
  const reached = new Set([file]);
  for (const path of reached) {
    const text = readFileSync(join(root, path), 'utf8');
    if (USE_OF_DIST.test(text)) return true;
    for (const named of filesNamedIn(text, path)) reached.add(named);
  }
  return false;
}

/** Paths from the repository's root. */
function filesNamedIn(text: string, file: string): string[] {
  return [...text.matchAll(QUOTED_PATH)].flatMap(([, path = '']) => {
    const places = [path.replace(/\.js$/, '.ts'), path].flatMap((name) => [
      posix.join(posix.dirname(file), name),
      posix.normalize(name),
    ]);
    const place = places.find((place) => !place.startsWith('..') && existsSync(join(root, place)));
    return place === undefined || place.startsWith('src/') ? [] : [place];
  });
}
