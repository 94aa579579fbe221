/**
 * Terminates worker threads while they work on a file, as `sqlite-workers.ts DRIVER PATH PROGRAM ROUNDS`, and says so at the end. A
 * program is one of
 *
 * - `busy`: two workers ask for a file without end that another connection has for itself;
 * - `work`: two workers read and write the same file.
 */

import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { openSqlite, type SqliteDriver } from '../../src/backends/sqlite/driver/driver.js';
import { sqliteReason } from '../../src/backends/sqlite/error.js';
import { SqliteBackend } from '../../src/backends/sqlite/sqlite.js';
import { entry } from './sqlite-files.js';

interface Job {
  driver: SqliteDriver;
  path: string;
  program: string;
}

if (isMainThread) {
  const [driver, path, program, rounds] = process.argv.slice(2) as [SqliteDriver, string, string, string];
  await new SqliteBackend({ path, driver }).close();
  const holder = openSqlite(path, driver);
  if (program === 'busy') holder.exec('BEGIN IMMEDIATE');
  for (let round = 0; round < Number(rounds); round += 1) {
    const workers = [0, 1].map(() => startWorker({ driver, path, program }));
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  console.log('survived');
} else {
  const { driver, path, program } = workerData as Job;
  if (program === 'busy') beRefused(driver, path);
  else await work(driver, path);
}

/** tsx serves a process's first thread only, unless a worker asks for it. */
function startWorker(job: Job): Worker {
  const script = `import('tsx/esm/api').then(({ register }) => register()).then(() => import(${JSON.stringify(import.meta.url)}))`;
  return new Worker(script, { eval: true, execArgv: [], workerData: job });
}

function beRefused(driver: SqliteDriver, path: string): never {
  const database = openSqlite(path, driver);
  database.exec('PRAGMA busy_timeout = 0');
  for (let tries = 0; ; tries += 1) {
    try {
      database.exec('BEGIN IMMEDIATE');
    } catch (error) {
      if (!(error instanceof Error) || sqliteReason(error) !== 'BUSY') throw error;
    }
    if (tries === 100) parentPort?.postMessage('refused');
  }
}

async function work(driver: SqliteDriver, path: string): Promise<never> {
  const backend = new SqliteBackend({ path, driver });
  const entries = Array.from({ length: 200 }, (_, index) => entry(`k${index}`, 3000));
  const keys = entries.map(({ key }) => key);
  for (let round = 0; ; round += 1) {
    // Another worker's transaction may be in the way for too long.
    await Promise.allSettled([backend.setMany(entries), backend.getMany(keys), backend.deleteMany(keys.slice(0, 50))]);
    if (round === 3) parentPort?.postMessage('working');
  }
}
