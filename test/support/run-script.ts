import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a process came to. */
export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  /** @default the repository */
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Runs `node ...args`, without blocking this process (which may be its server). */
export function runNode(args: string[], options: RunOptions = {}): Promise<Finished> {
  return run(process.execPath, args, options);
}

/** The same for any program. */
export function run(command: string, args: string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
}
