import requireOptional from '#require';
import { BackendError } from '../../errors.js';

/** A value that is bound to a statement. */
export type SqliteValue = string | number | Uint8Array | null;

export interface SqliteStatement {
  run(...values: SqliteValue[]): { changes: number | bigint };
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
}

/** What better-sqlite3's `Database` and node:sqlite's `DatabaseSync` have in common. All of it is synchronous. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export type SqliteDriver = 'better-sqlite3' | 'node:sqlite';

export interface SqliteMode {
  /** Nothing is written, on closing neither. The file must be there. */
  isReadOnly?: boolean;
}

type Open = (path: string, mode: SqliteMode) => SqliteDatabase;

const loaders: Record<SqliteDriver, () => Open> = {
  'better-sqlite3': () => {
    const Database = requireOptional('better-sqlite3') as new (path: string, options?: object) => SqliteDatabase;
    // The package loads its native part only now; where that was not built, this throws.
    new Database(':memory:').close();
    return (path, { isReadOnly = false }) => new Database(path, { readonly: isReadOnly });
  },
  'node:sqlite': () => {
    const { DatabaseSync } = requireOptional('node:sqlite') as {
      DatabaseSync: new (path: string, options: object) => SqliteDatabase;
    };
    return (path, { isReadOnly = false }) => new DatabaseSync(path, { readOnly: isReadOnly });
  },
};

const loaded = new Map<SqliteDriver, Open>();

/**
 * Opens a database with `driver`, or with the first driver that this installation has. Throws `BackendError` where there is
 * none, and what the driver throws where the file cannot be opened.
 */
export function openSqlite(path: string, driver?: SqliteDriver, mode: SqliteMode = {}): SqliteDatabase {
  const failures: string[] = [];
  for (const name of driver ? [driver] : (Object.keys(loaders) as SqliteDriver[])) {
    try {
      if (!loaded.has(name)) loaded.set(name, loaders[name]());
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message.split('\n', 1)[0]}`);
      continue;
    }
    return (loaded.get(name) as Open)(path, mode);
  }
  throw new BackendError(
    `SQLite needs the package better-sqlite3 (npm install better-sqlite3) or Node 22.13 or newer (${failures.join('; ')})`,
  );
}
