import { once } from 'node:events';
import { statSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSqlite, type SqliteDriver } from '../../src/backends/sqlite/driver/driver.js';
import { READ } from '../../src/backends/sqlite/file/statements.js';
import { SqliteBackend, type SqliteBackendOptions } from '../../src/backends/sqlite/sqlite.js';
import { BackendError, InvalidOptionError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { backendContract } from '../contract/backend-contract.js';
import { plain } from '../support/entries.js';
import { ask, entry, forEachDriver, newPath, otherProcess, startProcess } from '../support/sqlite-files.js';

const TOTALS =
  'SELECT bytes, (SELECT total(size) FROM records) AS sum, (SELECT count(*) FROM records) AS rows FROM totals';

function driverTests(driver: SqliteDriver): void {
  const test = suite(`SqliteBackend over ${driver}`);
  const open = (path: string, options: Partial<SqliteBackendOptions> = {}) =>
    new SqliteBackend({ path, driver, ...options });
  const held = async (backend: SqliteBackend, keys: string[]) =>
    (await backend.getMany(keys)).flatMap((value, index) => (value ? [keys[index]] : []));

  test('another process reads what was written, and the other way round', async () => {
    const path = newPath();
    const backend = open(path);
    await backend.setMany([entry('ours', 3, 7)]);
    assert.is(await otherProcess(driver, path, 'read ours'), '7,7,7');
    assert.is(await otherProcess(driver, path, 'write theirs 5'), 'done');
    assert.equal(plain(await backend.getMany(['theirs'])), [[5]]);
    await backend.close();
    const again = open(path);
    assert.equal(plain(await again.getMany(['ours', 'theirs'])), [[7, 7, 7], [5]]);
    await again.close();
  });

  test('processes that write one new file at once agree on its bytes', async () => {
    const path = newPath();
    // They open it in the same millisecond, as nearly as can be had.
    const start = Date.now() + 2000;
    const programs = ['a', 'b', 'c'].map((name) => `fill ${name} 300 ${start} ${2 ** 30}`);
    const counts = await Promise.all(programs.map((program) => otherProcess(driver, path, program)));
    const { bytes, sum, rows } = ask(driver, path, TOTALS);
    assert.is(bytes, sum);
    assert.is(rows, 900);
    assert.equal(counts, ['300', '300', '300']);
  });

  test('processes that write at once keep the bound together', async () => {
    const path = newPath();
    const start = Date.now() + 2000;
    const programs = ['a', 'b'].map((name) => `fill ${name} 600 ${start} 60000`);
    await Promise.all(programs.map((program) => otherProcess(driver, path, program)));
    const { bytes, sum } = ask(driver, path, TOTALS) as { bytes: number; sum: number };
    assert.is(bytes, sum);
    assert.ok(bytes <= 60_000 && bytes > 55_000, `${bytes} bytes`);
  });

  test('an open file keeps no process alive', async () => {
    const path = newPath();
    const child = startProcess(driver, path, 'linger');
    const [code] = await once(child, 'close');
    assert.is(code, 0);
    const { rows } = ask(driver, path, TOTALS);
    assert.is(rows, 1);
  });

  test('writes take effect in the order they were asked, whatever their size', async () => {
    const backend = open(newPath());
    const large = Array.from({ length: 2000 }, (_, index) => entry(String(index), 10, 1));
    const pending = [backend.setMany(large), backend.setMany([entry('1999', 10, 2)]), backend.deleteMany(['1998'])];
    await Promise.all(pending);
    assert.equal(
      (await backend.getMany(['1997', '1998', '1999'])).map((value) => value?.[0]),
      [1, undefined, 2],
    );
    await backend.close();
  });

  test('a bound in bytes: what was read recently stays', async () => {
    const backend = open(newPath(), { maxBytes: 10_500 });
    for (const key of ['a', 'b', 'c']) await backend.setMany([entry(key, 3000)]);
    await backend.getMany(['a']);
    await backend.setMany([entry('d', 3000)]);
    assert.equal(await held(backend, ['a', 'b', 'c', 'd']), ['a', 'c', 'd']);
    await backend.close();
  });

  test('a bound in bytes: what is overwritten makes room itself', async () => {
    const path = newPath();
    const backend = open(path, { maxBytes: 13_000 });
    for (const key of ['a', 'b', 'c', 'd']) await backend.setMany([entry(key, 3000)]);
    await backend.setMany([entry('d', 3000, 2)]);
    assert.equal(await held(backend, ['a', 'b', 'c', 'd']), ['a', 'b', 'c', 'd']);
    await backend.close();
  });

  test('a bound in bytes: it holds where what is to be overwritten is evicted first', async () => {
    const path = newPath();
    const backend = open(path, { maxBytes: 10_500 });
    for (const key of ['a', 'b', 'c']) await backend.setMany([entry(key, 3000)]);
    await backend.setMany([entry('a', 3500, 2), entry('d', 3000)]);
    assert.equal(await held(backend, ['a', 'b', 'c', 'd']), ['a', 'c', 'd']);
    const { bytes, sum } = ask(driver, path, TOTALS) as { bytes: number; sum: number };
    assert.is(bytes, sum);
    assert.ok(bytes <= 10_500, `${bytes} bytes`);
    await backend.close();
  });

  test('uses are noted on close, for the next process', async () => {
    const path = newPath();
    const first = open(path, { maxBytes: 10_500 });
    for (const key of ['a', 'b', 'c']) await first.setMany([entry(key, 3000)]);
    await first.getMany(['a']);
    await first.close();
    const second = open(path, { maxBytes: 10_500 });
    await second.setMany([entry('d', 3000)]);
    assert.equal(await held(second, ['a', 'b', 'c', 'd']), ['a', 'c', 'd']);
    await second.close();
  });

  test('the bound holds over many sizes, and is used', async () => {
    const path = newPath();
    const backend = open(path, { maxBytes: 200_000 });
    const database = openSqlite(path, driver);
    const total = database.prepare('SELECT bytes FROM totals');
    let bytes = 0;
    for (let index = 0; index < 200; index += 1) {
      await backend.setMany([
        entry(`resized ${index % 10}`, (index * 131) % 900),
        entry(`x${index % 150}`, (index * 379) % 7000),
        entry(`y${index}`, 100),
      ]);
      bytes = (total.get() as { bytes: number }).bytes;
      assert.ok(bytes <= 200_000);
    }
    assert.ok(bytes > 190_000);
    await backend.setMany(Array.from({ length: 2000 }, (_, index) => entry(`z${index}`, 1000)));
    assert.ok((total.get() as { bytes: number }).bytes <= 200_000);
    const sum = database.prepare('SELECT sum(size) AS bytes FROM records').get();
    assert.equal(Object.assign({}, total.get()), Object.assign({}, sum));
    database.close();
    await backend.close();
  });

  test('a smaller bound than before is reached with the next write', async () => {
    const path = newPath();
    const large = open(path);
    await large.setMany(Array.from({ length: 1500 }, (_, index) => entry(String(index), 1000)));
    await large.close();
    const small = open(path, { maxBytes: 5000 });
    await small.setMany([entry('new', 1000)]);
    assert.equal(await held(small, ['0', '1495', '1496', '1497', '1498', '1499', 'new']), [
      '1497',
      '1498',
      '1499',
      'new',
    ]);
    await small.close();
  });

  test('what is expired goes before what is old', async () => {
    const backend = open(newPath(), { maxBytes: 10_500 });
    await backend.setMany([entry('old', 3000)]);
    await backend.setMany([{ ...entry('short', 3000), ttlMs: 1 }, entry('b', 3000)]);
    await until('the entry expires', async () => (await backend.getMany(['short']))[0] === undefined);
    await backend.setMany([entry('c', 3000)]);
    assert.equal(await held(backend, ['old', 'short', 'b', 'c']), ['old', 'b', 'c']);
    await backend.close();
  });

  test('an entry larger than the bound is not stored, and the older value is gone', async () => {
    const backend = open(newPath(), { maxBytes: 10_000 });
    await backend.setMany([entry('a', 10), entry('b', 10)]);
    await backend.setMany([entry('a', 10_000)]);
    assert.equal(await held(backend, ['a', 'b']), ['b']);
    await backend.close();
  });

  test('reads write nothing', async () => {
    const path = newPath();
    const backend = open(path);
    await backend.setMany([entry('a', 10)]);
    const before = statSync(`${path}-wal`).size;
    for (let index = 0; index < 100; index += 1) await backend.getMany(['a', 'b']);
    assert.is(statSync(`${path}-wal`).size, before);
    await backend.close();
  });

  test('a writer that holds the file fails writes after a moment, and reads go on', async () => {
    const path = newPath();
    const backend = open(path);
    await backend.setMany([entry('a', 1)]);
    const other = openSqlite(path, driver);
    other.exec('BEGIN IMMEDIATE');
    const failed = backend.setMany([entry('b', 1)]).catch((error) => error);
    assert.equal(await held(backend, ['a', 'b']), ['a']);
    const failure = await failed;
    assert.instance(failure, BackendError);
    assert.match(failure.message, /another process/);
    other.exec('COMMIT');
    other.close();
    await backend.setMany([entry('b', 1)]);
    assert.equal(await held(backend, ['a', 'b']), ['a', 'b']);
    await backend.close();
  });

  test('a writer that lets go in time is waited for, without blocking', async () => {
    const path = newPath();
    const backend = open(path);
    const other = openSqlite(path, driver);
    other.exec('BEGIN IMMEDIATE');
    const calls = [backend.setMany([entry('b', 1)]), backend.deleteMany(['a'])];
    // Were the event loop blocked, this would come too late.
    setTimeout(() => {
      other.exec('COMMIT');
      other.close();
    }, 30);
    await Promise.all(calls);
    assert.equal(await held(backend, ['b']), ['b']);
    await backend.close();
  });

  test('reads use the index', async () => {
    const path = newPath();
    const backend = open(path);
    await backend.setMany([entry('a', 1)]);
    const database = openSqlite(path, driver);
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${READ}`).all('', 0) as { detail: string }[];
    assert.match(plan.map(({ detail }) => detail).join('\n'), /SEARCH records USING (COVERING )?INDEX/);
    database.close();
    await backend.close();
  });

  test.run();
  backendContract(`SqliteBackend: SQLite by ${driver}`, { open: () => open(newPath()) });
}

const options = suite('SqliteBackend options');
options('are checked', () => {
  const cases: [object, string][] = [
    [{}, 'path'],
    [{ path: '' }, 'path'],
    [{ path: ':memory:', maxBytes: -1 }, 'maxBytes'],
    [{ path: ':memory:', sweepInterval: 0 }, 'sweepInterval'],
    [{ path: ':memory:', driver: 'sqlite3' }, 'driver'],
    [{ path: ':memory:', table: 'x' }, 'table'],
  ];
  for (const [given, name] of cases) {
    assert.throws(
      () => new SqliteBackend(given as SqliteBackendOptions),
      (error: unknown) => error instanceof InvalidOptionError && error.option === name,
      JSON.stringify(given),
    );
  }
});
options.run();

forEachDriver('SqliteBackend', driverTests);
