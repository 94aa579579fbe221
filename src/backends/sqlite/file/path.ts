import { closeSync, fchmodSync, openSync, readlinkSync, realpathSync, rmSync, statfsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Symbolic links that follow one another, at most. */
const MAX_LINKS = 40;

/**
 * The path by which SQLite knows a file: it follows symbolic links, also one whose file is not
 * there yet, and names the files beside by what it finds. Absolute, because the process may change
 * its folder.
 */
export function realPath(given: string): string {
  let path = resolve(given);
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const real = attempt(() => realpathSync(path));
    if (real !== undefined) return real;
    const target = attempt(() => readlinkSync(path));
    if (target === undefined) break;
    path = resolve(dirname(path), target);
  }
  return join(attempt(() => realpathSync(dirname(path))) ?? dirname(path), basename(path));
}

/**
 * Makes an empty file that nobody but its owner may read, where there is none; SQLite gives those
 * beside it the same rights. What a file that was removed has left beside it goes. Failures are
 * left to SQLite, which will meet them too.
 */
export function makePrivate(path: string): void {
  attempt(() => {
    const file = openSync(path, 'wx', 0o600);
    try {
      // Whatever the umask took away.
      fchmodSync(file, 0o600);
    } finally {
      // Nobody has it open yet: to close a file ends the locks that this process has on it.
      closeSync(file);
    }
    for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
  });
}

/** The length of a file in bytes; 0 where there is none. */
export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Tells a file from all others; undefined where there is none, or none that can be seen. */
export function identityOf(path: string): string | undefined {
  return attempt(() => {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  });
}

/** What is free where the file lies, in bytes. */
export function freeBytes(path: string): number {
  return (
    attempt(() => {
      const { bavail, bsize } = statfsSync(dirname(path));
      return bavail * bsize;
    }) ?? Number.POSITIVE_INFINITY
  );
}

function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}
