import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The path of a program on PATH. */
export function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The path of a program, installed from a Debian package where it is missing and this may be done. */
export function findProgram(name: string, debianPackage: string): string | undefined {
  return onPath(name) ?? installByApt(name, debianPackage);
}

/** Several test files may want something at once, and not all of apt's locks are waited for: one at a time. */
const ONE_AT_A_TIME = ['-w', '600', join(tmpdir(), 'vecstash-apt.lock')];

function installByApt(name: string, debianPackage: string): string | undefined {
  if (process.getuid?.() !== 0 || !onPath('apt-get') || !onPath('flock')) return undefined;
  const script = 'command -v "$0" || { apt-get update && apt-get install -y --no-install-recommends "$1"; }';
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    execFileSync('flock', [...ONE_AT_A_TIME, 'sh', '-c', script, name, debianPackage], { stdio: 'ignore', env });
  } catch {
    return undefined;
  }
  return onPath(name);
}
