import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STRICT } from '../types/resolutions.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Type-checks sources, by file name, as those of somebody who has the built package installed and
 * none of its optional peers. Throws what the compiler says where they do not compile.
 */
export function compileAsConsumer(sources: Record<string, string>, flags = ['--module', 'nodenext']): void {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-types-'));
  try {
    for (const [name, source] of Object.entries(sources)) writeFileSync(join(folder, name), source);
    writeFileSync(join(folder, 'package.json'), '{}');
    const installed = join(folder, 'node_modules/vecstash');
    mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
    cpSync(join(root, 'dist'), join(installed, 'dist'), { recursive: true });
    cpSync(join(root, 'package.json'), join(installed, 'package.json'));
    symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const args = [tsc, ...STRICT, '--types', 'node', ...flags, ...Object.keys(sources)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(stdout + stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
