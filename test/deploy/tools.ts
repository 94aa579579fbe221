import { setTimeout as delay } from 'node:timers/promises';
import { findProgram, onPath } from '../support/programs.js';
import { skipped } from '../support/skip.js';

/** How often an installation is tried: another test may be installing at the same time, and apt waits for one lock only. */
const ATTEMPTS = 5;

/**
 * The paths of programs of one Debian package, which is installed where it may be. Undefined, and said to be skipped, where they
 * are not and this is no Debian; throws on a Debian without them.
 */
export async function toolsOf(debianPackage: string, programs: string[]): Promise<string[] | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const paths = programs.flatMap((program) => findProgram(program, debianPackage) ?? []);
    if (paths.length === programs.length) return paths;
    if (onPath('apt-get') === undefined) {
      skipped(`${programs.join(' and ')}: not on PATH, and this is no Debian to install ${debianPackage} on`);
      return undefined;
    }
    if (attempt === ATTEMPTS) throw new Error(`no ${programs.join(' and ')}: apt-get install ${debianPackage}`);
    await delay(1000);
  }
}
