import type { SqliteDatabase, SqliteValue } from './sqlite-driver.js';

/** CROSS JOIN keeps the order of the tables: one look-up in the index for each key asked. */
export const READ = `
  SELECT asked.key AS place, records.id AS id, records.value AS value
  FROM json_each(?) AS asked CROSS JOIN records ON records.key = asked.value
  WHERE records.expires IS NULL OR records.expires > ?
`;

/** Everything the backend asks of the database, each prepared once. */
export type SqliteStatements = ReturnType<typeof prepareStatements>;

export function prepareStatements(database: SqliteDatabase) {
  // Parameters are plain question marks: better-sqlite3 takes numbered ones for named ones.

  /** A statement that changes rows, and how many it changed. Rows that triggers change are not counted by SQLite. */
  const change = <Values extends SqliteValue[]>(sql: string) => {
    const statement = database.prepare(sql);
    return (...values: Values): number => Number(statement.run(...values).changes);
  };

  /** The rows of a query that are to be removed. */
  const find = <Values extends SqliteValue[]>(sql: string) => {
    const statement = database.prepare(sql);
    return (...values: Values) => statement.all(...values) as { id: number; size: number; isLive: 0 | 1 }[];
  };

  const read = database.prepare(READ);
  const totalBytes = database.prepare('SELECT bytes FROM totals');
  const columns = 'id, size, expires IS NULL OR expires > ? AS isLive';

  return {
    read: (keys: string, now: number) => read.all(keys, now) as { place: number; id: number; value: Uint8Array }[],
    totalBytes: () => (totalBytes.get() as { bytes: number }).bytes,
    put: change<[key: string, value: Uint8Array, size: number, expires: number | null, used: number]>(`
      INSERT INTO records (key, value, size, expires, used) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE
      SET value = excluded.value, size = excluded.size, expires = excluded.expires, used = excluded.used
    `),
    touch: change<[used: number, id: number]>('UPDATE records SET used = max(used, ?) WHERE id = ?'),
    findKeys: find<[now: number, keys: string]>(
      `SELECT ${columns} FROM records WHERE key IN (SELECT value FROM json_each(?))`,
    ),
    // The bounds are bound as bytes, since the upper one is no valid text.
    findRange: find<[now: number, lower: Uint8Array, upper: Uint8Array, limit: number]>(
      `SELECT ${columns} FROM records WHERE key >= CAST(? AS TEXT) AND key < CAST(? AS TEXT) LIMIT ?`,
    ),
    findExpired: find<[now: number, now: number, limit: number]>(
      `SELECT ${columns} FROM records WHERE expires <= ? LIMIT ?`,
    ),
    findLeastRecentlyUsed: find<[now: number, limit: number]>(
      `SELECT ${columns} FROM records ORDER BY used, id LIMIT ?`,
    ),
    remove: change<[ids: string]>('DELETE FROM records WHERE id IN (SELECT value FROM json_each(?))'),
    removeKey: change<[key: string]>('DELETE FROM records WHERE key = ?'),
  };
}
