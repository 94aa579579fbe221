import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackendError, type VecstashError } from '../../errors.js';
import { openSqlite, type SqliteDatabase, type SqliteDriver } from './driver.js';
import { sqliteError, sqliteReason } from './error.js';
import { fileBytes, isFresh, prepareSchema, readNumber, snapshot, transaction } from './schema.js';
import { prepareStatements, type SqliteStatements } from './statements.js';
import { type GoesOn, Turns } from './turns.js';

/** How long a step may read, in milliseconds. */
const READ_TIME = 3;

/** How long a step may write, in milliseconds: its commit takes as long again, or longer. */
const WRITE_TIME = 1;

/**
 * How large the log may grow until it is copied into the file, in bytes. The copying holds the event loop, and with it the
 * disk's syncing: for about 4 ms with an SSD.
 */
const MOST_LOG = 512 * 1024;

/** How long a step tries while other processes write, in milliseconds. */
const BUSY_LIMIT = 1000;

/** A file of records: opened and checked, asked in steps that hold the event loop for a short time each. */
export class SqliteFile {
  readonly statements: SqliteStatements;
  /** Whether pages that are free can be given back. */
  readonly canShrink: boolean;
  readonly #database: SqliteDatabase;
  readonly #path: string | undefined;
  readonly #turns = new Turns();
  #damage: VecstashError | undefined;

  /** Throws `BackendError` for a file that cannot be opened or is not ours; its bytes are left as they are. */
  constructor(path: string, driver?: SqliteDriver) {
    // A log's length is asked by path, and the process may change its folder.
    this.#path = path === ':memory:' ? undefined : resolve(path);
    if (this.#path !== undefined) inspect(this.#path, driver);
    this.#database = open(this.#path ?? path, driver);
    try {
      prepareSchema(this.#database, this.#path);
      this.statements = prepareStatements(this.#database);
      this.canShrink = readNumber(this.#database, 'PRAGMA auto_vacuum') === 2;
    } catch (error) {
      this.#database.close();
      throw sqliteError(error);
    }
  }

  /** What a call found out: the file is damaged. */
  get damage(): VecstashError | undefined {
    return this.#damage;
  }

  /** Runs a step that only reads. */
  read<T>(step: (goesOn: GoesOn) => T): Promise<T> {
    return this.#waitFor(() => this.#turns.run(READ_TIME, (goesOn) => snapshot(this.#database, () => step(goesOn))));
  }

  /** Runs a step that removes, in a transaction of its own. */
  async remove<T>(step: (goesOn: GoesOn) => T): Promise<T> {
    return this.#waitFor(() => this.#change(step));
  }

  /** Runs a step that stores, in a transaction of its own. Nothing is stored in a file that is known to be damaged. */
  async store<T>(step: (goesOn: GoesOn) => T): Promise<T> {
    if (this.#damage) throw this.#damage;
    return this.remove(step);
  }

  /** Stores what `one` stores for each of the items, as many in a step as its time allows, and returns its answers. */
  storeEach<Item, T>(items: readonly Item[], one: (item: Item, now: number) => T): Promise<T[]> {
    return inSteps(items, one, (step) => this.store(step));
  }

  /** The same for what removes. */
  removeEach<Item, T>(items: readonly Item[], one: (item: Item, now: number) => T): Promise<T[]> {
    return inSteps(items, one, (step) => this.remove(step));
  }

  /** Runs a step that stores unless another process writes: undefined, then. */
  async storeIfFree<T>(step: (goesOn: GoesOn) => T): Promise<T | undefined> {
    if (this.#damage) throw this.#damage;
    try {
      return await this.#change(step);
    } catch (error) {
      if (sqliteReason(error) === 'BUSY') return undefined;
      throw this.failure(error);
    }
  }

  /** Gives at most `count` free pages up. Only in a step. */
  shrink(count: number): void {
    this.#database.exec(`PRAGMA incremental_vacuum(${count})`);
  }

  /** Cuts off what pages given up have left at the file's end. Only copying the log does it. */
  async trim(): Promise<void> {
    if (this.#path === undefined) return;
    const { pages, pageSize } = this.statements;
    if (fileBytes(this.#path) > pages() * pageSize()) await this.#copyLog();
  }

  /** The error to show for one of SQLite's. */
  failure(error: unknown): VecstashError {
    const reason = sqliteReason(error);
    const shown = sqliteError(error, reason);
    if (reason === 'CORRUPT' || reason === 'NOTADB') this.#damage ??= shown;
    return shown;
  }

  /** The same inside of a reading step. What only has to be tried again is thrown. */
  readFailure(error: unknown): VecstashError {
    if (sqliteReason(error) === 'BUSY') throw error;
    return this.failure(error);
  }

  close(): void {
    try {
      this.#database.close();
    } catch (error) {
      throw sqliteError(error);
    }
  }

  async #change<T>(step: (goesOn: GoesOn) => T): Promise<T> {
    if (this.#path !== undefined && fileBytes(`${this.#path}-wal`) > MOST_LOG) await this.#copyLog();
    return this.#turns.run(WRITE_TIME, (goesOn) => transaction(this.#database, () => step(goesOn)));
  }

  /** What others still read stays in the log, and nobody waits. */
  #copyLog(): Promise<unknown> {
    return this.#turns.run(WRITE_TIME, () => this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)'));
  }

  /** SQLite's own waiting would block the event loop. */
  async #waitFor<T>(attempt: () => Promise<T>): Promise<T> {
    const limit = performance.now() + BUSY_LIMIT;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (sqliteReason(error) !== 'BUSY' || performance.now() > limit) throw this.failure(error);
      }
      await sleep(Math.random() * 10);
    }
  }
}

/** @param one is called for each item, with the step's time by the wall clock */
async function inSteps<Item, T>(
  items: readonly Item[],
  one: (item: Item, now: number) => T,
  run: (step: (goesOn: GoesOn) => T[]) => Promise<T[]>,
): Promise<T[]> {
  const answers: T[] = [];
  while (answers.length < items.length) {
    const some = await run((goesOn) => {
      const now = Date.now();
      const left = items.slice(answers.length);
      const done: T[] = [];
      do done.push(one(left[done.length] as Item, now));
      while (done.length < left.length && goesOn());
      return done;
    });
    answers.push(...some);
  }
  return answers;
}

/**
 * Whoever closes a database as the last one copies its log into it and removes the log. So a file with a log, which may be of a
 * process that was killed, is first looked at in a way that writes nothing.
 */
function inspect(path: string, driver: SqliteDriver | undefined): void {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file?.isDirectory()) throw new BackendError('the SQLite file is a folder: use another path');
  if (!file || fileBytes(`${path}-wal`) === 0) return;
  if (file.size === 0) {
    throw new BackendError(
      'the SQLite file is empty, but its log (-wal) is not; both were kept: move them away, or use another path',
    );
  }
  const database = open(path, driver, true);
  try {
    isFresh(database, path);
  } catch (error) {
    // Busy: others have it open, so that this one does not close it as the last.
    if (sqliteReason(error) !== 'BUSY') throw sqliteError(error);
  } finally {
    database.close();
  }
}

function open(path: string, driver: SqliteDriver | undefined, isReadOnly = false): SqliteDatabase {
  try {
    return openSqlite(path, driver, { isReadOnly });
  } catch (error) {
    // better-sqlite3 tells of a missing folder without a code.
    throw sqliteError(error, sqliteReason(error) ?? 'CANTOPEN');
  }
}
