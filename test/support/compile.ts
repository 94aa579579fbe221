import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const OPTIONS = '--module nodenext --strict --noEmit --types node --skipLibCheck false --target es2022'.split(' ');

/** Type-checks sources, by file name, as those of somebody who has the built package installed. Throws where they do not compile. */
export function compileAsConsumer(sources: Record<string, string>): void {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-types-'));
  try {
    for (const [name, source] of Object.entries(sources)) writeFileSync(join(folder, name), source);
    writeFileSync(join(folder, 'package.json'), '{}');
    // As installed: under node_modules, with what is beside it there.
    mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
    symlinkSync(root, join(folder, 'node_modules/vecstash'));
    symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, ...OPTIONS, ...Object.keys(sources)], { cwd: folder, stdio: 'inherit' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
