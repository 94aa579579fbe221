import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Result } from './scenario.js';

/** What `VECSTASH_NATIVE` takes here. */
export type Engine = 'auto' | 'off';

/** A scenario, and how it is to be played. */
export interface Round {
  name: string;
  /** @default what the environment says */
  engine?: Engine;
  seed: number;
  isLong: boolean;
  /** Only variants whose name holds this text. */
  only?: string;
}

/** How long a scenario may take at all, in milliseconds: it is there for those that hang. */
const LIMIT = { long: 3_600_000, quick: 180_000 };

/** Plays a scenario in a process of its own. What the process died of is a result too. */
export async function playInChild({ name, engine, seed, isLong, only }: Round): Promise<Result[]> {
  const form = isLong ? 'long' : 'quick';
  const script = fileURLToPath(new URL('./play.ts', import.meta.url));
  const start = performance.now();
  const results: Result[] = [];
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--expose-gc', script, name, String(seed), form, ...(only ? [only] : [])],
    {
      env: { ...process.env, ...(engine && { VECSTASH_NATIVE: engine }) },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    },
  );
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  child.on('message', (result) => results.push(result as Result));
  let problem = '';
  const timer = setTimeout(() => {
    problem = `still running after ${LIMIT[form] / 1000} s`;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 2000).unref();
  }, LIMIT[form]);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  if (code !== 0) problem ||= `the process ended with ${code ?? signal}: ${errors.trim()}`;
  if (problem === '') return results;
  const seconds = (performance.now() - start) / 1000;
  return [...results, { variant: '(process)', seconds, figures: {}, missed: [problem], unjudged: [] }];
}
