import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../api', import.meta.url));

interface Item {
  text: string;
  link?: string;
  collapsed?: boolean;
  items?: Item[];
}

/** What typedoc wrote, as a sidebar: an entry of the package, then its classes, functions and types. */
export function apiSidebar(path = ''): Item[] {
  if (!existsSync(folder)) return [];
  return readdirSync(join(folder, path), { withFileTypes: true }).flatMap((entry): Item[] => {
    const below = join(path, entry.name);
    if (entry.isDirectory()) {
      const items = apiSidebar(below);
      const index = existsSync(join(folder, below, 'index.md')) ? { link: `/api/${below}/` } : {};
      return [{ text: entry.name, collapsed: path !== '', ...index, items }];
    }
    if (!entry.name.endsWith('.md') || entry.name === 'index.md') return [];
    const name = entry.name.slice(0, -'.md'.length);
    return [{ text: name, link: `/api/${path === '' ? '' : `${path}/`}${name}` }];
  });
}
