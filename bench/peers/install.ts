import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const FILES = ['package.json', 'package-lock.json', 'load.mjs'];
const HERE = fileURLToPath(new URL('.', import.meta.url));

/** A package's exports, by name. */
export type Exports = Record<string, unknown>;

/** Packages that the project does not depend on. */
export interface InstalledPeers {
  /** Imports one; undefined where it is not there, with a line in `missing` that says why. */
  load(name: string): Promise<Exports | undefined>;
  missing: string[];
}

/**
 * Installs bench/peers/package.json, as its lock file pins it, into a folder of the user's cache,
 * once for each content of the lock file. No install script is run. Whatever cannot be installed or
 * loaded is missing, and nothing throws.
 */
export function installPeers(): InstalledPeers {
  const folder = cacheFolder();
  const missing: string[] = [];
  const failure = existsSync(folder) ? undefined : install(folder);
  return {
    missing,
    async load(name) {
      if (failure !== undefined) {
        missing.push(`${name} is not measured: ${failure}`);
        return undefined;
      }
      try {
        const { load } = (await import(pathToFileURL(join(folder, 'load.mjs')).href)) as {
          load(name: string): Promise<Exports>;
        };
        return await load(name);
      } catch (error) {
        missing.push(`${name} is not measured: ${String(error).split('\n')[0]}`);
        return undefined;
      }
    },
  };
}

function cacheFolder(): string {
  const hash = createHash('sha256');
  for (const file of FILES) hash.update(readFileSync(join(HERE, file)));
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'vecstash-bench', hash.digest('hex').slice(0, 16));
}

/** Why it failed; undefined where it did not. The folder appears when it is whole. */
function install(folder: string): string | undefined {
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  for (const file of FILES) cpSync(join(HERE, file), join(unfinished, file));
  const { status, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: unfinished,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0) {
    renameSync(unfinished, folder);
    return undefined;
  }
  rmSync(unfinished, { recursive: true, force: true });
  return `npm ci of bench/peers failed: ${stderr?.trim().split('\n').at(-1) ?? 'npm was not found'}`;
}
