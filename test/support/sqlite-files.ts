import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { openSqlite, type SqliteDriver } from '../../src/backends/sqlite/driver/driver.js';
import { skipped } from './skip.js';

/** A folder of this process, removed when it ends. */
export const folder = mkdtempSync(join(tmpdir(), 'vecstash-sqlite-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

let files = 0;

/** The path of a file that is not there yet. */
export function newPath(): string {
  files += 1;
  return join(folder, `${files}.sqlite`);
}

export const entry = (key: string, length: number, fill = 1) => ({ key, value: new Uint8Array(length).fill(fill) });

/** Calls `tests` for each driver that this installation has. */
export function forEachDriver(what: string, tests: (driver: SqliteDriver) => void): void {
  for (const driver of ['better-sqlite3', 'node:sqlite'] as const) {
    try {
      openSqlite(':memory:', driver).close();
    } catch (error) {
      skipped(`${what} over ${driver}: ${(error as Error).message}`);
      continue;
    }
    tests(driver);
  }
}

/** One row of a query, through a connection of its own. */
export function ask(driver: SqliteDriver, path: string, sql: string): Record<string, number> {
  const database = openSqlite(path, driver);
  try {
    return { ...(database.prepare(sql).get() as Record<string, number>) };
  } finally {
    database.close();
  }
}

/** Starts a program of sqlite-process.ts on the file. */
export function startProcess(driver: SqliteDriver, path: string, program: string) {
  const script = fileURLToPath(new URL('./sqlite-process.ts', import.meta.url));
  return spawn(process.execPath, [...process.execArgv, script, driver, path, program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Runs a program of sqlite-process.ts on the file and returns what it says. */
export async function otherProcess(driver: SqliteDriver, path: string, program: string): Promise<string> {
  const child = startProcess(driver, path, program);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  assert.is(code, 0, `process ${program}`);
  return output.trim();
}
