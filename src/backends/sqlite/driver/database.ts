/** A value that is bound to a statement. */
export type SqliteValue = string | number | Uint8Array | null;

export interface SqliteStatement {
  run(...values: SqliteValue[]): { changes: number | bigint };
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
}

/**
 * What better-sqlite3's `Database` and node:sqlite's `DatabaseSync` have in common. All of it is
 * synchronous.
 */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export interface SqliteMode {
  /** Nothing is written, on closing neither. The file must be there. */
  isReadOnly?: boolean;
}

/** Opens a database. Throws what the driver throws. */
export type Open = (path: string, mode: SqliteMode) => SqliteDatabase;
