import requireOptional from '#require';
import { BackendError } from '../../../errors.js';
import { loadBetterSqlite3 } from './better-sqlite3.js';
import type { Open, SqliteDatabase, SqliteMode } from './database.js';

export type { SqliteDatabase, SqliteStatement, SqliteValue } from './database.js';

export type SqliteDriver = 'better-sqlite3' | 'node:sqlite';

const loaders: Record<SqliteDriver, () => Open> = {
  'better-sqlite3': loadBetterSqlite3,
  'node:sqlite': () => {
    const { DatabaseSync } = requireOptional('node:sqlite') as {
      DatabaseSync: new (path: string, options: object) => SqliteDatabase;
    };
    return (path, { isReadOnly = false }) => new DatabaseSync(path, { readOnly: isReadOnly });
  },
};

const loaded = new Map<SqliteDriver, Open>();

/**
 * Opens a database with `driver`, or with the first driver that this installation has. Throws
 * `BackendError` where there is none, with the first reason as its cause, and what the driver
 * throws where the file cannot be opened.
 */
export function openSqlite(path: string, driver?: SqliteDriver, mode: SqliteMode = {}): SqliteDatabase {
  const failures: { name: SqliteDriver; error: unknown }[] = [];
  for (const name of driver ? [driver] : (Object.keys(loaders) as SqliteDriver[])) {
    try {
      if (!loaded.has(name)) loaded.set(name, loaders[name]());
    } catch (error) {
      failures.push({ name, error });
      continue;
    }
    return (loaded.get(name) as Open)(path, mode);
  }
  const reasons = failures.map(({ name, error }) => `${name}: ${(error as Error).message.split('\n', 1)[0]}`);
  throw new BackendError(
    `SqliteBackend needs Node 22.13 or newer, or the package better-sqlite3: npm install better-sqlite3 (${reasons.join('; ')})`,
    { cause: failures[0]?.error },
  );
}
