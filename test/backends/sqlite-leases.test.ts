import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSqlite } from '../../src/backends/sqlite/driver/driver.js';
import { SqliteBackend, type SqliteBackendOptions } from '../../src/backends/sqlite/sqlite.js';
import { BackendError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { rejection } from '../support/rejection.js';
import { slowly } from '../support/slowly.js';
import { ask, entry, forEachDriver, newPath, otherProcess } from '../support/sqlite-files.js';

const HOUR = 3_600_000;

forEachDriver('leases and touches', (driver) => {
  const test = suite(`SqliteBackend over ${driver}, leases and touches`);
  const open = (path: string, options: Partial<SqliteBackendOptions> = {}) =>
    new SqliteBackend({ path, driver, ...options });
  const leasesIn = (path: string) => ask(driver, path, 'SELECT count(*) AS count FROM leases').count;

  test('processes that share a file agree on who has a name', async () => {
    const path = newPath();
    const backend = open(path);
    assert.equal(await backend.leases.acquire(['a'], 'ours', HOUR), [true]);
    assert.is(await otherProcess(driver, path, 'lease theirs a b'), 'false,true');
    assert.equal(await backend.leases.acquire(['a', 'b'], 'ours', HOUR), [true, false]);
    await backend.leases.release(['a', 'b'], 'ours');
    assert.is(await otherProcess(driver, path, 'lease theirs a b'), 'true,true');
    await backend.close();
  });

  test('a file from before there were leases gets them, and keeps its records', async () => {
    const path = newPath();
    const before = open(path);
    await before.setMany([entry('a', 3)]);
    await before.close();
    const database = openSqlite(path, driver);
    database.exec('DROP TABLE leases');
    database.close();
    const backend = open(path);
    assert.equal(await backend.leases.acquire(['a'], 'one', HOUR), [true]);
    assert.is((await backend.getMany(['a']))[0]?.length, 3);
    await backend.close();
  });

  test('leases that ended are swept', async () => {
    const path = newPath();
    const backend = open(path, { sweepInterval: 5 });
    const names = Array.from({ length: 500 }, (_, index) => `name ${index}`);
    await backend.leases.acquire(names, 'one', 1);
    await backend.leases.acquire(['kept'], 'one', HOUR);
    await until('only one is left', () => leasesIn(path) === 1);
    assert.equal(await backend.leases.acquire(['kept'], 'two', HOUR), [false]);
    await backend.close();
  });

  test('leases are no records: they are not counted, evicted or cleared', async () => {
    const path = newPath();
    const backend = open(path, { maxBytes: 5000 });
    await backend.leases.acquire(['a', 'b'], 'one', HOUR);
    for (let index = 0; index < 10; index += 1) await backend.setMany([entry(`a${index}`, 1000)]);
    await backend.clear('');
    assert.is(ask(driver, path, 'SELECT bytes FROM totals').bytes, 0);
    assert.equal(await backend.leases.acquire(['a', 'b'], 'two', HOUR), [false, false]);
    await backend.close();
  });

  test('who asks for a lease waits for no long write', async () => {
    const backend = open(newPath());
    await backend.setMany(Array.from({ length: 100 }, (_, index) => entry(String(index), 100)));
    let isCleared = false;
    await slowly(async () => {
      const clearing = backend.clear('').then(() => {
        isCleared = true;
      });
      assert.equal(await backend.leases.acquire(['a'], 'one', HOUR), [true]);
      assert.is(isCleared, false);
      await clearing;
    });
    await backend.close();
  });

  test('a touch is stored, takes its turn among the writes, and is no use', async () => {
    const path = newPath();
    const backend = open(path, { maxBytes: 10_500 });
    for (const key of ['a', 'b', 'c']) await backend.setMany([{ ...entry(key, 3000), ttlMs: 60_000 }]);
    const pending = [
      backend.setMany([{ ...entry('c', 3000, 2), ttlMs: 60_000 }]),
      backend.touchMany(['a', 'c'].map((key) => ({ key, ttlMs: HOUR }))),
    ];
    await Promise.all(pending);
    const ends = ask(
      driver,
      path,
      'SELECT sum(expires > 1000 * unixepoch() + 3000000) AS long, count(*) AS rows FROM records',
    );
    assert.equal(ends, { long: 2, rows: 3 });
    await backend.setMany([entry('d', 3000)]);
    const held = (await backend.getMany(['a', 'b', 'c', 'd'])).map((value) => value?.[0]);
    assert.equal(held, [undefined, 1, 2, 1]);
    await backend.close();
  });

  test('a writer that holds the file fails both after a moment', async () => {
    const path = newPath();
    const backend = open(path);
    const other = openSqlite(path, driver);
    other.exec('BEGIN IMMEDIATE');
    const calls = [backend.touchMany([{ key: 'a', ttlMs: 1 }]), backend.leases.acquire(['a'], 'one', HOUR)];
    for (const error of await Promise.all(calls.map(rejection))) {
      assert.instance(error, BackendError);
      assert.match(error.message, /another process/);
    }
    other.exec('COMMIT');
    other.close();
    assert.equal(await backend.leases.acquire(['a'], 'one', HOUR), [true]);
    await backend.close();
  });

  test.run();
});
