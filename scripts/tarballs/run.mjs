import { spawnSync } from 'node:child_process';

/** Runs a command to its end; throws an Error with what it wrote where it fails. Returns its standard output. */
export function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    // npm is a script on Windows.
    shell: process.platform === 'win32' && command === 'npm',
    ...options,
  });
  if (status === 0) return stdout;
  const said = error?.message ?? `${stdout}${stderr}`.trim();
  throw new Error(`${command} ${args.slice(0, 3).join(' ')} failed:\n${said}`);
}

/** What a command prints, or undefined where it is not there or fails. */
export function ask(command, args, options = {}) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', ...options });
  return status === 0 ? stdout.trim() : undefined;
}
