import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
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

function installByApt(name: string, debianPackage: string): string | undefined {
  if (process.getuid?.() !== 0 || !onPath('apt-get')) return undefined;
  const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  try {
    execFileSync('apt-get', [...wait, 'update'], options);
    execFileSync('apt-get', [...wait, 'install', '-y', '--no-install-recommends', debianPackage], options);
  } catch {
    return undefined;
  }
  return onPath(name);
}
