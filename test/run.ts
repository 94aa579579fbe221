/**
 * The test command: `node --import tsx test/run.ts [filter...]` runs each test/**\/*.test.ts whose
 * path holds one of the filters in a process of its own, two at once. It builds dist first where one
 * of them uses it and the sources have changed. It fails where a file fails, hangs, or runs no test,
 * and where there is no file. The last line is `N passed, N failed, N skipped`. With `--checks` first
 * it runs the test/**\/*.check.ts instead, which install what they try the package with.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
// @ts-expect-error a script without types
import { isBuilt } from '../scripts/build/stamp.mjs';
import { findRedis, REDIS_SERVER_VARIABLE } from './support/find-redis.js';
import { usesDist } from './support/uses-dist.js';

const isChecking = process.argv[2] === '--checks';
/** Generous: it is there for files that hang. A check may be a long load. In milliseconds. */
const FILE_LIMIT = Number(process.env.VECSTASH_TEST_FILE_LIMIT ?? (isChecking ? 3_600_000 : 600_000));
/** How long a file may take to end after its last test: what a test did not close keeps it alive. In milliseconds. */
const END_LIMIT = 10_000;
const AT_ONCE = 2;
const SLOWEST_SHOWN = 5;

interface Outcome {
  file: string;
  seconds: number;
  passed: number;
  failed: number;
  skipped: number;
  output: string;
  /** Why the file counts as failed although no test of it did. */
  problem?: string;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const running = new Set<number>();

async function main(): Promise<void> {
  const filters = process.argv.slice(isChecking ? 3 : 2);
  const files = testFiles(join(root, 'test'))
    .map((path) => relative(root, path).split(sep).join('/'))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
  buildFor(files);
  const environment = { ...process.env, ...(await redisEnvironment(files)) };

  const outcomes: Outcome[] = [];
  const queue = [...files];
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const outcome = await runFile(file, environment);
      outcomes.push(outcome);
      report(outcome);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  conclude(outcomes);
}

function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return entry.name.endsWith(isChecking ? '.check.ts' : '.test.ts') ? [path] : [];
  });
}

/** src itself needs one file of dist, msgpackr's bundle, which changes with the lock file alone. */
function buildFor(files: string[]): void {
  const isNeeded = !existsSync(join(root, 'dist/msgpackr.cjs')) || files.some(usesDist);
  if (!isNeeded || isBuilt()) return;
  console.log('dist is not what its sources make: building it');
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

/** Looks for a Redis once, before the files that need one do so at the same time. Each of them says why it fails or skips. */
async function redisEnvironment(files: string[]): Promise<Record<string, string>> {
  const isNeeded = files.some((file) => readFileSync(join(root, file), 'utf8').includes('support/redis-server.js'));
  if (!isNeeded) return {};
  try {
    return { [REDIS_SERVER_VARIABLE]: await findRedis() };
  } catch (error) {
    console.log(String(error));
    return {};
  }
}

function runFile(file: string, environment: NodeJS.ProcessEnv): Promise<Outcome> {
  const start = performance.now();
  return new Promise((resolve) => {
    // A process group of its own: what the file started ends with it.
    const child = spawn(process.execPath, ['--import', 'tsx', file], {
      cwd: root,
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const group = child.pid as number;
    running.add(group);
    let hung: string | undefined;
    const limit = (milliseconds: number, what: string) =>
      setTimeout(() => {
        hung = `still running ${milliseconds / 1000} s after ${what}`;
        endGroup(group);
      }, milliseconds);
    const timer = limit(FILE_LIMIT, 'its start');
    let endTimer: NodeJS.Timeout | undefined;
    const chunks: Buffer[] = [];
    const listen = (chunk: Buffer) => {
      chunks.push(chunk);
      // The last line of uvu's summary. What a client that was left open prints after it does not count as life.
      if (!/^ {2}Duration: /m.test(chunk.toString())) return;
      clearTimeout(endTimer);
      endTimer = limit(END_LIMIT, 'its last test');
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.on('exit', () => endGroup(group));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      clearTimeout(endTimer);
      running.delete(group);
      const seconds = (performance.now() - start) / 1000;
      const ending = hung ?? (code === 0 ? undefined : `exit ${code ?? signal}`);
      resolve(judge(file, seconds, Buffer.concat(chunks).toString(), ending));
    });
  });
}

/** Reads uvu's summary. A file must say that it ran something, or why it did not (support/skip.ts). */
function judge(file: string, seconds: number, output: string, ending: string | undefined): Outcome {
  const total = countOf(output, 'Total');
  const passed = countOf(output, 'Passed') ?? 0;
  const explained = output.match(/^skipped: /gm)?.length ?? 0;
  const skipped = Math.max(countOf(output, 'Skipped') ?? 0, explained);
  const failed = (total ?? 0) - passed;
  const outcome: Outcome = { file, seconds, passed, failed, skipped, output };
  // uvu says nothing of an error in a hook: it only stops the suite.
  if (failed > 0) return output.includes(' FAIL ') ? outcome : { ...outcome, problem: 'a hook threw' };
  if (ending !== undefined) return { ...outcome, failed: 1, problem: ending };
  if ((total ?? 0) === 0 && explained === 0)
    return { ...outcome, failed: 1, problem: 'ran no test: is test.run() missing?' };
  return outcome;
}

function countOf(output: string, label: string): number | undefined {
  const counts = [...output.matchAll(new RegExp(`^ {2}${label}: +(\\d+)$`, 'gm'))];
  return counts.length === 0 ? undefined : Number(counts.at(-1)?.[1]);
}

function report({ file, seconds, passed, failed, skipped, output, problem }: Outcome): void {
  const counts = `${passed} passed${failed ? `, ${failed} failed` : ''}${skipped ? `, ${skipped} skipped` : ''}`;
  console.log(
    `${failed ? 'FAIL' : 'ok  '} ${file}: ${counts} (${seconds.toFixed(1)} s)${problem ? `: ${problem}` : ''}`,
  );
  if (failed) console.log(output.replace(/^/gm, '    | '));
  else for (const line of output.match(/^(skipped: |contract of ).*$/gm) ?? []) console.log(`     ${line}`);
}

function conclude(outcomes: Outcome[]): void {
  const sum = (count: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + count(outcome), 0);
  const slowest = [...outcomes].sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN);
  console.log(`\nslowest: ${slowest.map(({ file, seconds }) => `${file} ${seconds.toFixed(1)} s`).join(', ')}`);
  const failures = outcomes.filter(({ failed }) => failed > 0);
  if (failures.length > 0) console.log(`failed: ${failures.map(({ file }) => file).join(', ')}`);
  if (outcomes.length === 0) console.log('no test file matches');
  const failed = sum((outcome) => outcome.failed);
  console.log(
    `${sum((outcome) => outcome.passed)} passed, ${failed} failed, ${sum((outcome) => outcome.skipped)} skipped`,
  );
  process.exitCode = failed > 0 || outcomes.length === 0 ? 1 : 0;
}

function endGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const group of running) endGroup(group);
    process.exit(1);
  });
}

await main();
