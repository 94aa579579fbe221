import { setImmediate as nextTurn } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LOCK_GRACE } from '../../src/backends/shell/locks.js';
import { openSqlite } from '../../src/backends/sqlite/driver/driver.js';
import { SqliteBackend, type SqliteBackendOptions } from '../../src/backends/sqlite/sqlite.js';
import { until } from '../../src/testing/until.js';
import { plain } from '../support/entries.js';
import { slowly } from '../support/slowly.js';
import { ask, entry, forEachDriver, newPath, otherProcess } from '../support/sqlite-files.js';

const HOUR = 3_600_000;

forEachDriver('locks', (driver) => {
  const test = suite(`SqliteBackend over ${driver}, locks`);
  const open = (path: string, options: Partial<SqliteBackendOptions> = {}) =>
    new SqliteBackend({ path, driver, ...options });
  const locksIn = (path: string) => ask(driver, path, 'SELECT count(*) AS count FROM locks').count;

  test('what another process removed, wrote or cleared is not stored after it', async () => {
    const path = newPath();
    const backend = open(path);
    const keys = ['removed', 'written', 'cleared:a', 'taken', 'kept'];
    await backend.locks.acquire(keys, 'ours', HOUR);
    assert.is(await otherProcess(driver, path, 'delete removed'), '0');
    assert.is(await otherProcess(driver, path, 'write written 5'), 'done');
    assert.is(await otherProcess(driver, path, 'clear cleared:'), '0');
    assert.is(await otherProcess(driver, path, 'lock theirs taken kept'), 'false,false');
    await backend.locks.acquire(['taken'], 'newer', HOUR, { force: true });
    const entries = keys.map((key) => entry(key, 1, 9));
    assert.equal(await backend.locks.setMany(entries, 'ours'), [false, false, false, false, true]);
    assert.equal(plain(await backend.getMany(keys)), [undefined, [5], undefined, undefined, [9]]);
    await backend.close();
  });

  test('a clear ends the locks before it removes', async () => {
    const path = newPath();
    const [backend, other] = [open(path), open(path)];
    const keys = Array.from({ length: 40 }, (_, index) => `k${String(index).padStart(2, '0')}`);
    await backend.setMany(keys.map((key) => entry(key, 10)));
    await other.locks.acquire(keys, 'one', HOUR);
    const rows = () => ask(driver, path, 'SELECT count(*) AS count FROM records').count as number;
    await slowly(async () => {
      const clearing = backend.clear('k');
      // After each turn: a look each few milliseconds would miss all of it on a quick machine.
      while (rows() >= 30) await nextTurn();
      assert.ok(rows() > 0, 'in the middle of the clear');
      const answers = await other.locks.setMany(
        keys.map((key) => entry(key, 10, 2)),
        'one',
      );
      assert.not.ok(answers.includes(true));
      await clearing;
    });
    assert.is(rows(), 0);
    await backend.close();
    await other.close();
  });

  test('locks and writes of a key take effect in the order of their calls, beside a long clear of others', async () => {
    const backend = open(newPath());
    await backend.setMany(Array.from({ length: 100 }, (_, index) => entry(`other:${index}`, 100)));
    let isCleared = false;
    await slowly(async () => {
      const clearing = backend.clear('other:').then(() => {
        isCleared = true;
      });
      const calls = [
        backend.setMany([entry('a', 1, 1)]),
        backend.deleteMany(['a']),
        backend.locks.acquire(['a'], 'one', HOUR),
        backend.locks.setMany([entry('a', 1, 2)], 'one'),
      ];
      assert.equal((await Promise.all(calls)).slice(1), [1, [true], [true]]);
      assert.is(isCleared, false);
      assert.equal(plain(await backend.getMany(['a'])), [[2]]);
      await clearing;
    });
    await backend.close();
  });

  test('what was evicted or is expired may be stored by whoever computes it anew', async () => {
    const path = newPath();
    const backend = open(path, { maxBytes: 10_500, sweepInterval: 5 });
    await backend.setMany([entry('old', 3000), { ...entry('short', 3000), ttlMs: 1 }]);
    await backend.locks.acquire(['old', 'short'], 'one', HOUR);
    await backend.setMany(['a', 'b', 'c'].map((key) => entry(key, 3000)));
    await until('they are gone', () => ask(driver, path, 'SELECT count(*) AS count FROM records').count === 3);
    assert.equal(await backend.locks.setMany([entry('old', 100), entry('short', 100)], 'one'), [true, true]);
    await backend.close();
  });

  test('an entry larger than the bound is not stored under a lock, and the older value is gone', async () => {
    const backend = open(newPath(), { maxBytes: 10_000 });
    await backend.setMany([entry('a', 10)]);
    await backend.locks.acquire(['a'], 'one', HOUR);
    assert.equal(await backend.locks.setMany([entry('a', 10_000)], 'one'), [false]);
    assert.equal(await backend.getMany(['a']), [undefined]);
    assert.equal(await backend.locks.acquire(['a'], 'two', HOUR), [true]);
    await backend.close();
  });

  test('a file from before there were locks gets them', async () => {
    const path = newPath();
    await open(path).close();
    const database = openSqlite(path, driver);
    database.exec('DROP TABLE locks');
    database.close();
    const backend = open(path);
    assert.equal(await backend.locks.acquire(['a'], 'one', HOUR), [true]);
    await backend.close();
  });

  test('locks whose grace is over are swept, others are not', async () => {
    const path = newPath();
    const backend = open(path, { sweepInterval: 5 });
    const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`);
    await backend.locks.acquire(['kept', 'late'], 'one', HOUR);
    await backend.locks.acquire(keys, 'one', HOUR);
    const database = openSqlite(path, driver);
    const before = (time: number) => `UPDATE locks SET expires = ${Date.now() - time} WHERE key`;
    database.exec(`${before(LOCK_GRACE / 2)} = 'late'; ${before(LOCK_GRACE + 1)} LIKE 'key %'`);
    database.close();
    await until('two are left', () => locksIn(path) === 2);
    assert.equal(await backend.locks.setMany([entry('late', 1), entry('kept', 1)], 'one'), [true, true]);
    assert.is(locksIn(path), 0);
    await backend.close();
  });

  test.run();
});
