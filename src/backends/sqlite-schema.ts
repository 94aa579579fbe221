import { BackendError } from '../errors.js';
import type { SqliteDatabase } from './sqlite-driver.js';

/** 'vecs': tells our files from other SQLite databases. */
const APPLICATION_ID = 0x76656373;

/** Grows when the tables change. A file of another version is refused and left as it is. */
const SCHEMA_VERSION = 1;

/**
 * How long a statement waits for another process's write transaction, in milliseconds. It blocks the event loop meanwhile, so
 * it is short: a write that cannot have its turn fails, and the cache counts it.
 */
const BUSY_TIMEOUT = 200;

/** How long opening a file tries while other processes are making it, in milliseconds. */
const OPEN_TIMEOUT = 2000;

// `totals.bytes` is kept by triggers, inside each writer's transaction: every process sees the same, exact sum.
const SCHEMA = `
  CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    key TEXT UNIQUE NOT NULL,
    value BLOB NOT NULL,
    size INTEGER NOT NULL,
    expires INTEGER,
    used INTEGER NOT NULL
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
 * Makes a new file ours, or checks that it is. Throws `BackendError` before anything was written to a file that is not. Blocks
 * for up to 2 seconds where other processes open the same new file.
 */
export function prepareSchema(database: SqliteDatabase): void {
  const deadline = performance.now() + OPEN_TIMEOUT;
  while (!isPrepared(database, deadline)) sleep(10);
}

/** False where another process was in the way: SQLite does not wait for everything that `busy_timeout` seems to promise. */
function isPrepared(database: SqliteDatabase, deadline: number): boolean {
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
    // A transaction, because what is read must be of one moment: another process may be making the tables.
    if (transaction(database, 'BEGIN', () => isFresh(database))) {
      // Before the transaction that writes, because SQLite cannot switch inside one; the switch is stored in the file.
      database.exec('PRAGMA journal_mode = WAL');
      transaction(database, 'BEGIN IMMEDIATE', () => isFresh(database) && database.exec(SCHEMA));
    }
    database.exec('PRAGMA synchronous = NORMAL');
    return true;
  } catch (error) {
    if ((error as Error).message === 'database is locked' && performance.now() < deadline) return false;
    throw error;
  }
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Runs `work` between `begin` and a commit, or takes back what it did where it throws. */
export function transaction<T>(database: SqliteDatabase, begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
  database.exec(begin);
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    try {
      database.exec('ROLLBACK');
    } catch {
      // A full disk and the like have rolled it back already.
    }
    throw error;
  }
}

/** Whether the file holds nothing yet. False: it is ours. Throws for a file that is neither. */
function isFresh(database: SqliteDatabase): boolean {
  const application = readNumber(database, 'PRAGMA application_id');
  const version = readNumber(database, 'PRAGMA user_version');
  if (application === APPLICATION_ID && version === SCHEMA_VERSION) return false;
  if (application === APPLICATION_ID) {
    throw new BackendError(
      `the SQLite file has schema version ${version}, this vecstash reads version ${SCHEMA_VERSION}: use another path`,
    );
  }
  const isEmpty = readNumber(database, 'SELECT count(*) FROM sqlite_master') === 0;
  if (application === 0 && version === 0 && isEmpty) return true;
  throw new BackendError('the SQLite file belongs to another application: use another path');
}

function readNumber(database: SqliteDatabase, sql: string): number {
  const row = database.prepare(sql).get() as Record<string, number | bigint>;
  return Number(Object.values(row)[0]);
}
