import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The README, SECURITY.md and every page of `docs/`, as paths in the repository. */
export function docPages(root: string): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !/(^|[/\\])(node_modules|api|\.vitepress)[/\\]/.test(path))
    .map((path) => `docs/${path.replaceAll('\\', '/')}`);
  return ['README.md', 'SECURITY.md', ...docs.sort()];
}
