import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// @ts-expect-error a script without types
import { packMain } from '../../scripts/tarballs/pack.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A project that has the packed tarball installed, and beside it what this checkout has: nothing is fetched. */
export interface PackedProject {
  folder: string;
  /** The folders of the platforms' packages that this checkout has built: none without Rust. */
  addons: string[];
  remove(): void;
}

/**
 * Packs what was built (`npm test` builds first), as it is published, and unpacks it under
 * `node_modules/vecstash` of a new folder.
 */
export function packProject(): PackedProject {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-packed-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'vecstash'), { recursive: true });
  execFileSync('tar', ['-xzf', packMain(folder), '-C', join(modules, 'vecstash'), '--strip-components=1']);
  for (const name of readdirSync(join(root, 'node_modules'))) {
    const isTaken = existsSync(join(modules, name));
    if (!name.startsWith('.') && !isTaken) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  const addons = linkAddons(modules);
  writeFileSync(join(folder, 'package.json'), '{ "name": "reader", "private": true, "type": "module" }\n');
  return { folder, addons, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Puts each addon of this checkout where its platform's package would be installed; returns these folders. */
function linkAddons(modules: string): string[] {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const addons = readdirSync(join(root, 'native')).filter((name) => name.endsWith('.node'));
  return addons.map((file) => {
    const name = `@vecstash/native-${file.replace(/^vecstash\.|\.node$/g, '')}`;
    const folder = join(modules, name);
    if (existsSync(folder)) return folder;
    mkdirSync(folder, { recursive: true });
    symlinkSync(join(root, 'native', file), join(folder, file));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version, main: file }));
    return folder;
  });
}
