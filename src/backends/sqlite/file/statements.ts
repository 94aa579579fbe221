import type { SqliteDatabase, SqliteValue } from '../driver/driver.js';

/** What a row is to readers. */
export interface ReadRow {
  id: number;
  value: Uint8Array;
  used: number;
}

export interface RemovedRow {
  size: number;
  isLive: 0 | 1;
}

export const READ = 'SELECT id, value, used FROM records WHERE key = ? AND (expires IS NULL OR expires > ?)';

export const LEAST_RECENTLY_USED = 'SELECT id, used FROM records ORDER BY used, id LIMIT 1';

/**
 * The bounds of all keys that begin with `prefix`; of no use for ''. Keys are compared as their
 * UTF-8 bytes. No byte of UTF-8 is 255, so the prefix with its last byte raised by one is the first
 * that no longer starts with it.
 */
export function rangeOf(prefix: string): { lower: Uint8Array; upper: Uint8Array } {
  const lower = Buffer.from(prefix);
  const upper = Buffer.from(lower);
  if (prefix !== '') upper.writeUInt8(lower.readUInt8(lower.length - 1) + 1, lower.length - 1);
  return { lower, upper };
}

/**
 * Everything the backend asks of the database, each prepared once. One row each: whoever runs them
 * can stop after any.
 */
export type SqliteStatements = ReturnType<typeof prepareStatements>;

export function prepareStatements(database: SqliteDatabase) {
  // Parameters are plain question marks: better-sqlite3 takes numbered ones for named ones.

  /** A statement without an answer. */
  const run = <Values extends SqliteValue[]>(sql: string) => {
    const statement = database.prepare(sql);
    return (...values: Values): void => {
      statement.run(...values);
    };
  };

  const first = <Row, Values extends SqliteValue[]>(sql: string) => {
    const statement = database.prepare(sql);
    return (...values: Values) => statement.get(...values) as Row | undefined;
  };

  /** One number; undefined where there is no row. */
  const number = <Answer extends number | undefined, Values extends SqliteValue[]>(sql: string) => {
    const row = first<Record<string, number>, Values>(sql);
    return (...values: Values) => Object.values(row(...values) ?? {})[0] as Answer;
  };

  /** Removes one row and returns it. The time comes last. */
  const remove = <Values extends SqliteValue[]>(which: string) =>
    first<RemovedRow, [...Values, now: number]>(
      `DELETE FROM records WHERE ${which} RETURNING size, expires IS NULL OR expires > ? AS isLive`,
    );

  return {
    read: first<ReadRow, [key: string, now: number]>(READ),
    totalBytes: number<number, []>('SELECT bytes FROM totals'),
    sizeOf: number<number | undefined, [key: string]>('SELECT size FROM records WHERE key = ?'),
    put: run<[key: string, value: Uint8Array, size: number, expires: number | null, used: number]>(`
      INSERT INTO records (key, value, size, expires, used) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE
      SET value = excluded.value, size = excluded.size, expires = excluded.expires, used = excluded.used
    `),
    touch: run<[used: number, id: number, used: number]>('UPDATE records SET used = ? WHERE id = ? AND used < ?'),
    /** What is expired is not brought back, and no TTL is made shorter. */
    prolong: run<[expires: number, key: string, now: number, expires: number]>(
      'UPDATE records SET expires = ? WHERE key = ? AND expires > ? AND expires < ?',
    ),
    leastRecentlyUsed: first<{ id: number; used: number }, []>(LEAST_RECENTLY_USED),
    removeKey: remove<[key: string]>('key = ?'),
    removeId: remove<[id: number]>('id = ?'),
    removeExpired: remove<[now: number]>('id = (SELECT id FROM records WHERE expires <= ? ORDER BY expires LIMIT 1)'),
    /** In the order of the file, which dirties fewer pages than the order of the keys. */
    removeAny: remove<[]>('id = (SELECT id FROM records ORDER BY id LIMIT 1)'),
    // The bounds are bound as bytes, since the upper one is no valid text.
    removeInRange: remove<[lower: Uint8Array, upper: Uint8Array]>(
      'id = (SELECT id FROM records WHERE key >= CAST(? AS TEXT) AND key < CAST(? AS TEXT) LIMIT 1)',
    ),
    /**
     * One where the holder has the name now. A lease that ended has the smaller end in any case.
     */
    takeLease: number<1 | undefined, [name: string, holder: string, expires: number, now: number]>(`
      INSERT INTO leases (name, holder, expires) VALUES (?, ?, ?)
      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires = max(expires, excluded.expires)
      WHERE holder = excluded.holder OR expires <= ? RETURNING 1
    `),
    giveLeaseBack: run<[name: string, holder: string]>('DELETE FROM leases WHERE name = ? AND holder = ?'),
    /** One where there was one. */
    removeEndedLease: number<1 | undefined, [now: number]>(
      'DELETE FROM leases WHERE name = (SELECT name FROM leases WHERE expires <= ? ORDER BY expires LIMIT 1) RETURNING 1',
    ),
    /**
     * One where the holder has the lock now. What is over at `now` is anybody's; the lock of
     * another one is not lengthened.
     */
    takeLock: number<1 | undefined, [key: string, holder: string, expires: number, now: number]>(`
      INSERT INTO locks (key, holder, expires) VALUES (?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET
        holder = excluded.holder, expires = iif(holder = excluded.holder, max(expires, excluded.expires), excluded.expires)
      WHERE holder = excluded.holder OR expires <= ? RETURNING 1
    `),
    renewLock: number<1 | undefined, [expires: number, key: string, holder: string]>(
      'UPDATE locks SET expires = max(expires, ?) WHERE key = ? AND holder = ? RETURNING 1',
    ),
    /** One where the holder has it, or had it and nobody took it over. */
    hasLock: number<1 | undefined, [key: string, holder: string]>('SELECT 1 FROM locks WHERE key = ? AND holder = ?'),
    giveLockBack: run<[key: string, holder: string]>('DELETE FROM locks WHERE key = ? AND holder = ?'),
    /** Whoever has it. */
    endLock: run<[key: string]>('DELETE FROM locks WHERE key = ?'),
    /** One where there was one. */
    endAnyLock: number<1 | undefined, []>('DELETE FROM locks WHERE key = (SELECT key FROM locks LIMIT 1) RETURNING 1'),
    endLockInRange: number<1 | undefined, [lower: Uint8Array, upper: Uint8Array]>(
      'DELETE FROM locks WHERE key = (SELECT key FROM locks WHERE key >= CAST(? AS TEXT) AND key < CAST(? AS TEXT) LIMIT 1) RETURNING 1',
    ),
    removeEndedLock: number<1 | undefined, [end: number]>(
      'DELETE FROM locks WHERE key = (SELECT key FROM locks WHERE expires <= ? ORDER BY expires LIMIT 1) RETURNING 1',
    ),
    pages: number<number, []>('PRAGMA page_count'),
    freePages: number<number, []>('PRAGMA freelist_count'),
    pageSize: number<number, []>('PRAGMA page_size'),
  };
}
