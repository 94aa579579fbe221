import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { runNode } from '../support/run-script.js';

let runs = 0;

/** What a bundle of entry.mjs prints, run with the Redis at `url`. */
export async function runBundle(file: string, url: string, cwd: string): Promise<Record<string, unknown>> {
  runs += 1;
  const env = { ...process.env, REDIS_URL: url, NAMESPACE: `bundle-${process.pid}-${runs}`, VECSTASH_NATIVE: '' };
  const { stdout, stderr } = await runNode([file], { cwd, env });
  const line = stdout.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) throw new Error(`${basename(file)} printed ${stdout}${stderr}`);
  return JSON.parse(line);
}

/** The same in an empty folder, away from any node_modules. */
export async function runElsewhere(file: string, url: string): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-moved-'));
  try {
    copyFileSync(file, join(folder, basename(file)));
    return await runBundle(join(folder, basename(file)), url, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What it prints where all is well. */
export function served(engine: 'native' | 'portable') {
  return {
    engine,
    asked: ['a', 'bb', 'ccc'],
    vectors: [
      [1, 1],
      [1, 2],
      [1, 3],
    ],
    hits: '2',
  };
}
