import { BackendError } from '../../../errors.js';
import { performance } from '../../../runtime.js';
import type { SqliteDatabase } from '../driver/driver.js';
import { sqliteReason } from '../error.js';
import { fileBytes } from './path.js';
import { LEAST_RECENTLY_USED } from './statements.js';

/** 'vecs': tells our files from other SQLite databases. */
const APPLICATION_ID = 0x76656373;

/** Grows when the tables change. A file of another version is refused and left as it is. */
const SCHEMA_VERSION = 1;

/**
 * Of new files, in bytes. A record of 768 dimensions (2.6 KB) takes 4.2 KB of file in pages of 4
 * KiB, and 2.8 KB in these; larger pages make records no smaller, but each write dearer, because
 * the pages of the indexes are written whole.
 */
const PAGE_SIZE = 8192;

/** What the log keeps of the disk once it has had it, in bytes. */
const MIN_LOG_BYTES = 256 * 1024;

/** How long a statement waits for other processes while the file is opened, in milliseconds. */
const BUSY_TIMEOUT = 200;

/** How long opening a file tries while other processes are making it, in milliseconds. */
const OPEN_TIMEOUT = 2000;

// `totals.bytes` is kept by triggers, inside each writer's transaction: every process sees the
// same, exact sum. The value comes last, so that what is asked of a row without it is at the row's
// beginning.
const SCHEMA = `
  CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    key TEXT UNIQUE NOT NULL,
    size INTEGER NOT NULL,
    expires INTEGER,
    used INTEGER NOT NULL,
    value BLOB NOT NULL
  );
  CREATE INDEX records_by_use ON records (used, id, size);
  CREATE INDEX records_by_expiry ON records (expires) WHERE expires IS NOT NULL;
  CREATE TABLE totals (bytes INTEGER NOT NULL);
  INSERT INTO totals VALUES (0);
  CREATE TRIGGER records_added AFTER INSERT ON records BEGIN
    UPDATE totals SET bytes = bytes + NEW.size;
  END;
  CREATE TRIGGER records_removed AFTER DELETE ON records BEGIN
    UPDATE totals SET bytes = bytes - OLD.size;
  END;
  CREATE TRIGGER records_resized AFTER UPDATE OF size ON records BEGIN
    UPDATE totals SET bytes = bytes + NEW.size - OLD.size;
  END;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Beside the version: files from before there were leases and locks get the tables when they are
 * opened, and whoever wrote those does not mind them.
 */
const ADDED_SCHEMA = `
  CREATE TABLE IF NOT EXISTS leases (
    name TEXT PRIMARY KEY NOT NULL,
    holder TEXT NOT NULL,
    expires INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS leases_by_expiry ON leases (expires);
  CREATE TABLE IF NOT EXISTS locks (
    key TEXT PRIMARY KEY NOT NULL,
    holder TEXT NOT NULL,
    expires INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS locks_by_expiry ON locks (expires);
`;

/**
 * Makes a new file ours, or checks that it is. Throws `BackendError` before anything was written to
 * a file that is not. Blocks for up to 2 seconds where other processes open the same new file.
 *
 * @param path the file, or undefined for a database in memory
 */
export function prepareSchema(database: SqliteDatabase, path: string | undefined): void {
  const deadline = performance.now() + OPEN_TIMEOUT;
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
  while (!isPrepared(database, path, deadline)) sleep(10);
  // From here on nobody blocks while another process writes. What a checkpoint has stored is cut
  // off the log with the next write, but for some room that the log keeps: for what removes on a
  // full disk.
  database.exec(`PRAGMA busy_timeout = 0; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = ${MIN_LOG_BYTES}`);
}

/**
 * False where another process was in the way: SQLite does not wait for everything that
 * `busy_timeout` seems to promise.
 */
function isPrepared(database: SqliteDatabase, path: string | undefined, deadline: number): boolean {
  try {
    if (isFresh(database, path)) {
      // Before the transaction that writes, because SQLite cannot switch inside one; all three are
      // stored in the file.
      database.exec(`PRAGMA page_size = ${PAGE_SIZE}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL`);
      transaction(database, () => hasNoTables(database) && database.exec(SCHEMA));
    }
    transaction(database, () => database.exec(ADDED_SCHEMA));
    // Changes nothing, and fails where nothing can be changed.
    database.exec('UPDATE totals SET bytes = bytes WHERE 0');
    return true;
  } catch (error) {
    if (sqliteReason(error) === 'BUSY' && performance.now() < deadline) return false;
    throw error;
  }
}

/**
 * Whether the file holds nothing yet. False: it is ours, and whole as far as a short look tells.
 * Throws for any other file.
 */
export function isFresh(database: SqliteDatabase, path: string | undefined): boolean {
  // Of one moment: other processes may be making the tables, or shrinking the file.
  return snapshot(database, () => {
    if (hasNoTables(database)) return true;
    if (path !== undefined) checkLength(database, path);
    for (const sql of ['SELECT bytes FROM totals', LEAST_RECENTLY_USED, 'SELECT id FROM records LIMIT 1']) {
      database.prepare(sql).get();
    }
    return false;
  });
}

/** SQLite itself sees that a file was cut short only while there is no log beside it. */
function checkLength(database: SqliteDatabase, path: string): void {
  const bytes = readNumber(database, 'PRAGMA page_count') * readNumber(database, 'PRAGMA page_size');
  const found = fileBytes(path) + fileBytes(`${path}-wal`);
  if (found >= bytes) return;
  throw new BackendError(
    `the SQLite file was cut short, ${bytes - found} of ${bytes} bytes are missing; it was kept: move it away, or use another path`,
  );
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Runs `work` in a transaction that writes, or takes back what it did where it throws. */
export function transaction<T>(database: SqliteDatabase, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Runs `work`, which only reads, on one moment of the database. */
export function snapshot<T>(database: SqliteDatabase, work: () => T): T {
  database.exec('BEGIN');
  try {
    return work();
  } finally {
    try {
      // After a damaged page this throws, although nothing is to be written: what was read counts
      // all the same.
      database.exec('COMMIT');
    } catch {
      rollBack(database);
    }
  }
}

function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // A full disk and the like have rolled it back already.
  }
}

/** False: the tables are ours. Throws for tables that are not. */
function hasNoTables(database: SqliteDatabase): boolean {
  const application = readNumber(database, 'PRAGMA application_id');
  const version = readNumber(database, 'PRAGMA user_version');
  if (application === APPLICATION_ID && version === SCHEMA_VERSION) return false;
  if (application === APPLICATION_ID) {
    throw new BackendError(
      `the SQLite file has schema version ${version}, this vecstash reads version ${SCHEMA_VERSION}; it was kept: use another path`,
    );
  }
  const isEmpty = readNumber(database, 'SELECT count(*) FROM sqlite_master') === 0;
  if (application === 0 && version === 0 && isEmpty) return true;
  throw new BackendError('the SQLite file belongs to another application; it was kept: use another path');
}

export function readNumber(database: SqliteDatabase, sql: string): number {
  const row = database.prepare(sql).get() as Record<string, number | bigint>;
  return Number(Object.values(row)[0]);
}
