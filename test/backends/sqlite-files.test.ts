import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSqlite, type SqliteDriver } from '../../src/backends/sqlite/driver/driver.js';
import { SqliteFile } from '../../src/backends/sqlite/file/file.js';
import { SqliteBackend, type SqliteBackendOptions } from '../../src/backends/sqlite/sqlite.js';
import { sweepSome } from '../../src/backends/sqlite/sweep.js';
import { Uses } from '../../src/backends/sqlite/uses.js';
import { BackendError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { rejection } from '../support/rejection.js';
import { recordOf } from '../support/sqlite-batches.js';
import { ask, entry, folder, forEachDriver, newPath } from '../support/sqlite-files.js';

const NOBODY = 65534;
const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`);
const entries = keys.map((key) => ({ key, value: recordOf(key) }));

/** The bytes of a file and its log, and whether the log's index is there. */
const stateOf = (path: string) => [
  ...[path, `${path}-wal`].map((name) => (existsSync(name) ? readFileSync(name).toString('hex') : 'none')),
  existsSync(`${path}-shm`),
];

function overwrite(path: string, start: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, start);
  closeSync(file);
}

/** Copies a database that is open: what a process leaves behind that is killed. */
function copyWithLog(path: string): string {
  const copy = newPath();
  for (const end of ['', '-wal', '-shm']) copyFileSync(path + end, copy + end);
  assert.ok(statSync(`${copy}-wal`).size > 0);
  return copy;
}

/** A database of another application, open. */
function openTheirs(driver: SqliteDriver, path: string) {
  const database = openSqlite(path, driver);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)');
  return database;
}

forEachDriver('files', (driver) => {
  const test = suite(`SqliteBackend over ${driver}, files that are not right`);
  const open = (path: string, options: Partial<SqliteBackendOptions> = {}) =>
    new SqliteBackend({ path, driver, ...options });

  /** A file of ours with all entries, closed. */
  async function filled(): Promise<string> {
    const path = newPath();
    const backend = open(path);
    await backend.setMany(entries);
    await backend.close();
    return path;
  }

  /** A file of ours with all entries as a killed process leaves it, its log shorter than itself. */
  async function killed(change: (path: string) => void = () => {}): Promise<string> {
    const path = await filled();
    const backend = open(path);
    await backend.setMany([entry('one more', 10)]);
    change(path);
    const copy = copyWithLog(path);
    await backend.close();
    return copy;
  }

  /** Opening fails with an error that says what is wrong and what to do, and leaves everything as it was. */
  function refuses(path: string, problem: RegExp, advice = /use another path/): void {
    const before = stateOf(path);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      assert.throws(
        () => open(path),
        (error: Error) =>
          (error instanceof BackendError && problem.test(error.message) && advice.test(error.message)) ||
          assert.unreachable(`${error.name}: ${error.message}`),
      );
    }
    assert.equal(stateOf(path), before, 'the bytes of the file and of its log');
  }

  test('a file that was cut short is refused and kept', async () => {
    const path = await filled();
    const { size } = statSync(path);
    for (const length of [size - 1, size - 8192, Math.floor(size / 2), 8192 * 3, 8192, 4096, 50]) {
      truncateSync(path, length);
      refuses(path, /malformed|not a database|cut short/, /another path/);
    }
  });

  test('a file that was cut short beside its log is refused, and both are kept', async () => {
    const path = await killed();
    truncateSync(path, Math.floor(statSync(path).size / 16384) * 8192);
    refuses(path, /cut short|malformed/);
    truncateSync(path, 0);
    refuses(path, /is empty, but its log/);
  });

  test('a file whose process was killed is taken, with its log', async () => {
    const backend = open(await killed());
    assert.is((await backend.getMany(['one more', 'key 1']))[0]?.length, 10);
    await backend.close();
  });

  test('a file of zero bytes is a new file', async () => {
    const path = newPath();
    writeFileSync(path, '');
    const backend = open(path);
    await backend.setMany([entry('a', 5)]);
    assert.is((await backend.getMany(['a']))[0]?.length, 5);
    await backend.close();
  });

  test('a file whose beginning was overwritten is refused and kept', async () => {
    for (const length of [50, 200, 8192 * 3]) {
      const path = await filled();
      overwrite(path, 0, Buffer.alloc(length, 0xaa));
      refuses(path, /not a database|malformed/);
      const withLog = await killed();
      overwrite(withLog, 0, Buffer.alloc(length, 0xaa));
      // What the log holds anew is no longer looked for in the file.
      try {
        refuses(withLog, /not a database|malformed/);
      } catch (error) {
        if (length > 8192) throw error;
        await open(withLog).close();
      }
    }
  });

  test('a file of another schema version is refused and kept, with its log', async () => {
    const path = await filled();
    ask(driver, path, 'PRAGMA application_id');
    const database = openSqlite(path, driver);
    database.exec('PRAGMA user_version = 99');
    const withLog = copyWithLog(path);
    database.close();
    refuses(path, /version 99, this vecstash reads version 1/);
    refuses(withLog, /version 99, this vecstash reads version 1/);
  });

  test("another application's file is refused and kept, with its log", () => {
    const path = newPath();
    const database = openTheirs(driver, path);
    const withLog = copyWithLog(path);
    database.close();
    refuses(path, /belongs to another application/);
    refuses(withLog, /belongs to another application/);
  });

  test('a file that is no database is refused and kept', () => {
    const path = newPath();
    for (const text of ['xy', 'this is no database. '.repeat(300)]) {
      writeFileSync(path, text);
      refuses(path, /not a database/);
    }
  });

  test('a path that is no file is refused', () => {
    const path = newPath();
    mkdirSync(path);
    assert.throws(
      () => open(path),
      (error: Error) => error instanceof BackendError && /is a folder: use another path/.test(error.message),
    );
    refuses(join(folder, 'no', 'such', 'folder.sqlite'), /./, /in a folder that exists/);
  });

  test('a file that cannot be written is refused and kept', async () => {
    const path = await filled();
    const before = stateOf(path);
    const isRoot = process.geteuid?.() === 0;
    // Nothing is read-only for root.
    chmodSync(folder, 0o755);
    chmodSync(path, 0o444);
    try {
      if (isRoot) process.seteuid?.(NOBODY);
      else chmodSync(folder, 0o555);
      assert.throws(
        () => open(path),
        (error: Error) =>
          (error instanceof BackendError && /writable|may read and write/.test(error.message)) ||
          assert.unreachable(error.message),
      );
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(folder, 0o755);
    }
    assert.equal(stateOf(path), before);
  });

  test('a read-only file in a folder that can be written is refused and kept', async () => {
    const path = await filled();
    const before = stateOf(path).slice(0, 1);
    const isRoot = process.geteuid?.() === 0;
    chmodSync(folder, 0o777);
    chmodSync(path, 0o444);
    try {
      if (isRoot) process.seteuid?.(NOBODY);
      assert.throws(
        () => open(path),
        (error: Error) =>
          (error instanceof BackendError && /make the file and its folder writable/.test(error.message)) ||
          assert.unreachable(error.message),
      );
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(folder, 0o755);
    }
    assert.equal(stateOf(path).slice(0, 1), before);
  });

  test('damage that shows later: what can be read is, nothing more is stored, and the file is kept', async () => {
    const path = await filled();
    const pages = statSync(path).size / 8192;
    for (let page = Math.floor(pages / 2); page < pages * 0.7; page += 1)
      overwrite(path, page * 8192, Buffer.alloc(8192, 0xaa));
    const before = readFileSync(path);
    const backend = open(path);
    assert.ok((await backend.health()).ok, 'nobody has seen it yet');

    const failures: unknown[] = [];
    const context = {
      signal: new AbortController().signal,
      onPartialFailure: (error: unknown) => failures.push(error),
    };
    const values = await backend.getMany(keys, context);
    assert.is(failures.length, 1);
    assert.instance(failures[0], BackendError);
    assert.match((failures[0] as Error).message, /damaged and was kept/);
    const found = values.filter((value, index) => {
      assert.ok(
        value === undefined || Buffer.compare(value, recordOf(keys[index] as string)) === 0,
        'never a wrong value',
      );
      return value !== undefined;
    });
    assert.ok(found.length > 30 && found.length < 270, `${found.length} of 300 are left`);
    assert.ok(values.at(-1), 'what lies beyond the damage');
    const lost = keys.filter((_, index) => values[index] === undefined);

    assert.instance(await rejection(backend.getMany(keys)), BackendError);
    // All of it failed: with a context, too.
    assert.instance(await rejection(backend.getMany(lost, context)), BackendError);
    const health = await backend.health();
    assert.not.ok(health.ok);
    assert.match(health.detail ?? '', /damaged and was kept/);
    assert.match((await rejection(backend.setMany([entry('new', 10)]))).message, /damaged and was kept/);
    await backend.close();
    assert.ok(Buffer.compare(readFileSync(path), before) === 0, 'the file was kept');
  });

  test('a row that holds something else is a miss', async () => {
    const path = await filled();
    const database = openSqlite(path, driver);
    database.exec(
      "UPDATE records SET value = 'text' WHERE key = 'key 1'; UPDATE records SET value = 7 WHERE key = 'key 2'",
    );
    database.close();
    const backend = open(path);
    const values = await backend.getMany(['key 1', 'key 2', 'key 3']);
    assert.equal(
      values.map((value) => value && Buffer.compare(value, recordOf('key 3'))),
      [undefined, undefined, 0],
    );
    await backend.close();
  });

  test('a file as it was first made works, and is not shrunk', async () => {
    const path = newPath();
    const database = openSqlite(path, driver);
    // Pages of 4 KiB, no vacuum, the value in the middle of the row.
    database.exec(`
      PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;
      CREATE TABLE records (
        id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, value BLOB NOT NULL, size INTEGER NOT NULL, expires INTEGER,
        used INTEGER NOT NULL
      );
      CREATE INDEX records_by_use ON records (used, id, size);
      CREATE INDEX records_by_expiry ON records (expires) WHERE expires IS NOT NULL;
      CREATE TABLE totals (bytes INTEGER NOT NULL);
      INSERT INTO totals VALUES (0);
      CREATE TRIGGER records_added AFTER INSERT ON records BEGIN UPDATE totals SET bytes = bytes + NEW.size; END;
      CREATE TRIGGER records_removed AFTER DELETE ON records BEGIN UPDATE totals SET bytes = bytes - OLD.size; END;
      CREATE TRIGGER records_resized AFTER UPDATE OF size ON records BEGIN
        UPDATE totals SET bytes = bytes + NEW.size - OLD.size;
      END;
      PRAGMA application_id = ${0x76656373}; PRAGMA user_version = 1;
    `);
    database.close();
    const backend = open(path, { sweepInterval: 5 });
    await backend.setMany(Array.from({ length: 1100 }, (_, index) => entry(`large ${index}`, 20_000)));
    await backend.setMany(entries.map((each, index) => (index % 2 ? { ...each, ttlMs: 1 } : each)));
    await backend.clear('large');
    await until('a sweep went through', () => ask(driver, path, 'SELECT count(*) AS rows FROM records').rows === 150);
    const values = await backend.getMany(keys);
    for (const [index, key] of keys.entries()) {
      const value = values[index];
      assert.ok(index % 2 ? !value : value && Buffer.compare(value, recordOf(key)) === 0, key);
    }
    await backend.close();
    assert.ok(statSync(path).size > 20e6);
    const file = new SqliteFile(path, driver);
    assert.is(
      sweepSome(file, new Uses(), () => false),
      false,
      'and a sweep does not try without end',
    );
    file.close();
  });

  test.run();
});
