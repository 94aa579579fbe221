import { statSync } from 'node:fs';
import { BackendError, type VecstashError } from '../../../errors.js';
import { performance, sleep } from '../../../runtime.js';
import { openSqlite, type SqliteDatabase, type SqliteDriver } from '../driver/driver.js';
import { fullError, sqliteError, sqliteReason } from '../error.js';
import { fileBytes, freeBytes, identityOf, makePrivate, realPath } from './path.js';
import { isFresh, prepareSchema, readNumber, snapshot, transaction } from './schema.js';
import { SharedSteps } from './shared-steps.js';
import { prepareStatements, type SqliteStatements } from './statements.js';
import { type HasTimeLeft, TimeSlicer } from './time-slicer.js';

/** How long a step may read, in milliseconds. */
const READ_TIME = 3;

/** How long a step may write, in milliseconds: its commit takes as long again, or longer. */
const WRITE_TIME = 1;

/**
 * How large the log may grow until it is copied into the file, in bytes. The copying holds the
 * event loop, and with it the disk's syncing: for about 4 ms with an SSD.
 */
const MAX_LOG_BYTES = 512 * 1024;

/** How long a step tries while other processes write, in milliseconds. */
const MAX_BUSY_MS = 1000;

/** How often it is looked whether the file is still the one at its path, in milliseconds. */
const IDENTITY_INTERVAL = 1000;

/**
 * What stays free for removals, in bytes: they write to the log, and the log must fit into the
 * file.
 */
const RESERVE = 2 * MAX_LOG_BYTES;

/** Below what is free on the disk the log is copied after each step, in bytes. */
const LITTLE_ROOM = 64 * 2 ** 20;

/**
 * How often it is measured what is free, in milliseconds: too short for the reserve to be written
 * full.
 */
const MEASURE_INTERVAL = 5;

/** What is opened at a path. */
interface Opened {
  database: SqliteDatabase;
  statements: SqliteStatements;
  canShrink: boolean;
  identity: string | undefined;
}

/**
 * A file of records: opened and checked, asked in steps that hold the event loop for a short time
 * each.
 */
export class SqliteFile {
  /**
   * Is called when another file was opened, since the one at the path was removed or replaced: row
   * ids mean nothing any more.
   */
  onReplaced = () => {};
  readonly #path: string | undefined;
  readonly #driver: SqliteDriver | undefined;
  readonly #slicer = new TimeSlicer();
  readonly #reads = new SharedSteps(this.#slicer, READ_TIME, (work) => this.#snapshot(work));
  readonly #writes = new SharedSteps(this.#slicer, WRITE_TIME, (work) => this.#transact(work));
  #opened: Opened;
  #nextLook = 0;
  #nextMeasure = 0;
  #free = Number.POSITIVE_INFINITY;
  #damage: VecstashError | undefined;
  /** Why the file that has come to the path could not be opened. */
  #loss: VecstashError | undefined;

  /**
   * Throws `BackendError` for a file that cannot be opened or is not ours; its bytes are left as
   * they are.
   */
  constructor(path: string, driver?: SqliteDriver) {
    this.#path = path === ':memory:' ? undefined : realPath(path);
    this.#driver = driver;
    this.#opened = openFile(this.#path, driver);
  }

  /** Of the file that is open now: to be asked for in each step anew. */
  get statements(): SqliteStatements {
    return this.#opened.statements;
  }

  /** Whether pages that are free can be given back. */
  get canShrink(): boolean {
    return this.#opened.canShrink;
  }

  /** Whether so little is free on the disk that it is kept for removals. */
  get isDiskFull(): boolean {
    return this.#measure() < RESERVE;
  }

  /** What a call found out: the file is damaged. */
  get damage(): VecstashError | undefined {
    return this.#damage;
  }

  /** Runs a step that only reads. */
  read<T>(step: (hasTimeLeft: HasTimeLeft) => T): Promise<T> {
    return this.#waitFor(() => this.#reads.run(step));
  }

  /** Runs a step that removes, in a transaction. */
  remove<T>(step: (hasTimeLeft: HasTimeLeft) => T): Promise<T> {
    return this.#waitFor(() =>
      this.#change((hasTimeLeft) => this.#writes.run((ownTime) => step(hasTimeLeft ?? ownTime))),
    );
  }

  /**
   * Runs a step that stores, in a transaction. Nothing is stored in a file that is known to be
   * damaged, or on a disk that is full.
   */
  store<T>(step: (hasTimeLeft: HasTimeLeft) => T): Promise<T> {
    return this.#waitFor(() => {
      this.#checkStorable();
      return this.#change((hasTimeLeft) => this.#writes.run((ownTime) => step(hasTimeLeft ?? ownTime)));
    });
  }

  /**
   * Stores what `one` stores for each of the items, as many in a step as its time allows, and
   * returns its answers.
   */
  storeEach<Item, T>(items: readonly Item[], one: (item: Item, now: number) => T): Promise<T[]> {
    return inSteps(items, one, (step) => this.store(step));
  }

  /** The same for what removes. */
  removeEach<Item, T>(items: readonly Item[], one: (item: Item, now: number) => T): Promise<T[]> {
    return inSteps(items, one, (step) => this.remove(step));
  }

  /**
   * Runs a step that stores unless another process writes, in a transaction of its own: undefined,
   * then.
   */
  async storeIfFree<T>(step: (hasTimeLeft: HasTimeLeft) => T): Promise<T | undefined> {
    try {
      if (this.#damage) throw this.#damage;
      return await this.#change((hasTimeLeft) =>
        this.#slicer.run(WRITE_TIME, (hasTime) => this.#transact(() => step(hasTimeLeft ?? hasTime))),
      );
    } catch (error) {
      if (sqliteReason(error) === 'BUSY') return undefined;
      throw this.failure(error);
    }
  }

  /** Gives at most `count` free pages up. Only in a step. */
  shrink(count: number): void {
    this.#opened.database.exec(`PRAGMA incremental_vacuum(${count})`);
  }

  /**
   * Copies the log into the file, so that on a full disk there is room in it, and cuts off what
   * pages given up have left at the file's end: only copying does it.
   */
  async settle(): Promise<void> {
    if (this.#path !== undefined && fileBytes(`${this.#path}-wal`) > 0) await this.#copyLog();
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
      if (!this.#loss) this.#opened.database.close();
    } catch (error) {
      throw sqliteError(error);
    }
  }

  /**
   * Runs what writes. Where the disk is full it gets another try, with one row and the room that
   * the log takes once it is copied. That works only where the file need not grow for what is in
   * the log, so on a disk with little room the log is copied at once.
   * @param write hands its step what it is given instead of its own clock
   */
  async #change<T>(write: (hasTimeLeft?: HasTimeLeft) => Promise<T>): Promise<T> {
    if (this.#path !== undefined && fileBytes(`${this.#path}-wal`) > MAX_LOG_BYTES) await this.#copyLog();
    try {
      return await write();
    } catch (error) {
      if (sqliteReason(error) !== 'FULL') throw error;
      await this.#copyLog();
      return await write(() => false);
    } finally {
      if (this.#measure() < LITTLE_ROOM) await this.#copyLog().catch(() => {});
    }
  }

  /** What is free on the disk, in bytes, not long ago. */
  #measure(): number {
    const now = performance.now();
    if (this.#path !== undefined && now >= this.#nextMeasure) {
      this.#nextMeasure = now + MEASURE_INTERVAL;
      this.#free = freeBytes(this.#path);
    }
    return this.#free;
  }

  /**
   * What others still read stays in the log, and nobody waits. On a full disk it stays, too, as far
   * as it is new.
   */
  async #copyLog(): Promise<void> {
    if (this.#loss) return;
    try {
      await this.#slicer.run(WRITE_TIME, () => this.#opened.database.exec('PRAGMA wal_checkpoint(PASSIVE)'));
    } catch (error) {
      if (sqliteReason(error) !== 'FULL') throw error;
    }
  }

  #snapshot<T>(work: () => T): T {
    this.#look();
    return snapshot(this.#opened.database, work);
  }

  #transact<T>(work: () => T): T {
    this.#look();
    return transaction(this.#opened.database, work);
  }

  /** Throws where nothing can be stored. */
  #checkStorable(): void {
    if (this.#damage) throw this.#damage;
    if (this.#loss || !this.isDiskFull) return;
    const { freePages, pageSize } = this.statements;
    if (this.#free + freePages() * pageSize() < RESERVE) throw fullError('the disk is almost full');
  }

  /**
   * Opens the file at the path anew where it is another one than that which is open, or none. Only
   * between two transactions.
   */
  #look(): void {
    const now = performance.now();
    if (this.#path !== undefined && now >= this.#nextLook) {
      this.#nextLook = now + IDENTITY_INTERVAL;
      if (this.#loss || identityOf(this.#path) !== this.#opened.identity) this.#reopen(this.#path);
    }
    if (this.#loss) throw this.#loss;
  }

  #reopen(path: string): void {
    try {
      if (!this.#loss) this.#opened.database.close();
    } catch {
      // It is gone in any case.
    }
    this.onReplaced();
    this.#damage = undefined;
    try {
      this.#opened = openFile(path, this.#driver);
      this.#loss = undefined;
    } catch (error) {
      this.#loss = sqliteError(error);
    }
  }

  /** SQLite's own waiting would block the event loop. */
  async #waitFor<T>(attempt: () => Promise<T>): Promise<T> {
    const limit = performance.now() + MAX_BUSY_MS;
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
  run: (step: (hasTimeLeft: HasTimeLeft) => T[]) => Promise<T[]>,
): Promise<T[]> {
  const answers: T[] = [];
  while (answers.length < items.length) {
    const some = await run((hasTimeLeft) => {
      const now = Date.now();
      const done: T[] = [];
      do done.push(one(items[answers.length + done.length] as Item, now));
      while (answers.length + done.length < items.length && hasTimeLeft());
      return done;
    });
    answers.push(...some);
  }
  return answers;
}

/**
 * Opens a file that is ours, or makes one.
 * @param path undefined for a database in memory
 */
function openFile(path: string | undefined, driver: SqliteDriver | undefined): Opened {
  if (path !== undefined) {
    inspect(path, driver);
    makePrivate(path);
  }
  const database = open(path ?? ':memory:', driver);
  try {
    prepareSchema(database, path);
    return {
      database,
      statements: prepareStatements(database),
      canShrink: readNumber(database, 'PRAGMA auto_vacuum') === 2,
      identity: path === undefined ? undefined : identityOf(path),
    };
  } catch (error) {
    database.close();
    throw sqliteError(error);
  }
}

/**
 * Whoever closes a database as the last one copies its log into it and removes the log. So a file
 * with a log, which may be of a process that was killed, is first looked at in a way that writes
 * nothing.
 */
function inspect(path: string, driver: SqliteDriver | undefined): void {
  const { isFolder, bytes, logBytes } = lookAt(path);
  if (isFolder) throw new BackendError('the SQLite file is a folder: use another path');
  if (bytes === undefined || logBytes === 0) return;
  if (bytes === 0) {
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

function lookAt(path: string): { isFolder: boolean; bytes: number | undefined; logBytes: number } {
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    return { isFolder: file?.isDirectory() ?? false, bytes: file?.size, logBytes: fileBytes(`${path}-wal`) };
  } catch (error) {
    throw sqliteError(error);
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
