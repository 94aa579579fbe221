import { statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSqlite } from '../../src/backends/sqlite/driver/driver.js';
import { SqliteBackend, type SqliteBackendOptions } from '../../src/backends/sqlite/sqlite.js';
import { Sweep } from '../../src/backends/sqlite/sweep.js';
import { until } from '../../src/testing/until.js';
import { reader } from '../support/reader.js';
import { rejection } from '../support/rejection.js';
import { slowly } from '../support/slowly.js';
import { ask, entry, forEachDriver, newPath } from '../support/sqlite-files.js';

/** How many turns of the event loop others had until the call was done, on such a machine. */
async function slowTurnsOf(call: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  await slowly(call).finally(() => {
    isDone = true;
  });
  return turns;
}

const keysOf = (count: number, prefix = 'k') => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const entriesOf = (keys: string[], length = 10) => keys.map((key) => entry(key, length));

forEachDriver('steps', (driver) => {
  const test = suite(`SqliteBackend over ${driver}, in steps`);
  const open = (path: string, options: Partial<SqliteBackendOptions> = {}) =>
    new SqliteBackend({ path, driver, ...options });

  test('however slow the machine is, others have their turns after each row', async () => {
    const backend = open(newPath(), { maxBytes: 40_000 });
    const keys = keysOf(40);
    const large = keysOf(20, 'large');
    assert.ok((await slowTurnsOf(() => backend.setMany(entriesOf(keys)))) >= 39, 'writes');
    assert.ok((await slowTurnsOf(() => backend.getMany(keys))) >= 39, 'reads');
    assert.ok((await slowTurnsOf(() => backend.setMany(entriesOf(large, 1800)))) >= 50, 'writes that evict');
    await backend.setMany([entry('last', 1800)]);
    assert.ok((await slowTurnsOf(() => backend.leases.acquire(keys, 'one', 1000))) >= 39, 'leases');
    assert.ok((await slowTurnsOf(() => backend.leases.release(keys, 'one'))) >= 39, 'leases given back');
    assert.ok((await slowTurnsOf(() => backend.locks.acquire(keys, 'one', 1000))) >= 39, 'locks');
    assert.ok(
      (await slowTurnsOf(() => backend.locks.setMany(entriesOf(keys.slice(0, 20)), 'one'))) >= 19,
      'under locks',
    );
    assert.ok((await slowTurnsOf(() => backend.locks.release(keys, 'one'))) >= 39, 'locks given back');
    const touches = keys.map((key) => ({ key, ttlMs: 1000 }));
    assert.ok((await slowTurnsOf(() => backend.touchMany(touches))) >= 39, 'touches');
    assert.ok((await slowTurnsOf(() => backend.deleteMany(large.slice(0, 12)))) >= 11, 'removals');
    await backend.setMany(entriesOf(keys));
    assert.ok((await slowTurnsOf(() => backend.clear('k'))) >= 39, 'clearing a prefix');
    await backend.setMany(entriesOf(keys));
    assert.ok((await slowTurnsOf(() => backend.clear(''))) >= 39, 'clearing everything');
    await backend.close();
  });

  test('a bound that is far below what is stored is reached in steps', async () => {
    const path = newPath();
    const before = open(path);
    await before.setMany(entriesOf(keysOf(300)));
    await before.close();
    const after = open(path, { maxBytes: 2000 });
    assert.ok((await slowTurnsOf(() => after.setMany([entry('new', 10)]))) >= 280);
    assert.is((await after.getMany(['new']))[0]?.length, 10);
    await after.close();
  });

  test('calls that come at once share the turns', async () => {
    const backend = open(newPath());
    const keys = keysOf(60);
    await backend.setMany(entriesOf(keys));
    const reads = () => Promise.all(keys.map((key) => backend.getMany([key])));
    assert.ok((await slowTurnsOf(reads)) >= 59);
    const writes = () => Promise.all(keys.map((key) => backend.setMany([entry(key, 20)])));
    assert.ok((await slowTurnsOf(writes)) >= 59);
    assert.ok((await backend.getMany(keys)).every((value) => value?.length === 20));
    await backend.close();
  });

  test('a step waits for those that were asked for before it, not for all of a long write', async () => {
    const backend = open(newPath());
    await backend.setMany([...entriesOf(keysOf(40)), entry('last', 10)]);
    const ended: string[] = [];
    const note = (name: string) => () => ended.push(name);
    await nextTurn();
    await slowly(async () => {
      const clearing = backend.clear('k').then(note('clear'));
      await nextTurn();
      const lease = backend.leases.acquire(['a'], 'one', 1000).then(note('lease'));
      const read = backend.getMany(['last']).then(note('read'));
      await Promise.all([clearing, lease, read]);
    });
    assert.equal(ended.slice(0, 2).sort(), ['lease', 'read']);
    assert.is(ended[2], 'clear');
    await backend.close();
  });

  test('a read that is no longer waited for ends with what it has', async () => {
    const backend = open(newPath());
    const keys = keysOf(200);
    await backend.setMany(entriesOf(keys));
    const { controller, failures, context } = reader();
    let progress = 0;
    const told = { ...context, onProgress: () => (progress += 1) };
    let values: (Uint8Array | undefined)[] = [];
    const turns = await slowTurnsOf(async () => {
      const reading = backend.getMany(keys, told);
      setImmediate(() => setImmediate(() => controller.abort()));
      values = await reading;
    });
    assert.ok(turns < 20, `${turns} turns`);
    assert.is(values.length, 200);
    assert.is(values[0]?.length, 10);
    assert.is(values[199], undefined);
    assert.is(failures.length, 1);
    assert.match((failures[0] as Error).message, /given up/);
    assert.is(progress, values.filter(Boolean).length, 'told after each step');
    // Nothing was read: that is no partial failure.
    assert.match((await rejection(backend.getMany(keys, context))).message, /given up/);
    assert.is(failures.length, 1);
    await backend.close();
  });

  test('a read that is given up ends at once, though its turn has not come', async () => {
    const backend = open(newPath());
    await backend.setMany(entriesOf(keysOf(200)));
    const { controller, context } = reader();
    const ended: string[] = [];
    await slowly(async () => {
      const others = backend.getMany(keysOf(200)).then(() => ended.push('read'));
      const reading = backend.getMany(['k1'], context).catch(() => ended.push('given up'));
      controller.abort();
      await Promise.all([reading, others]);
    });
    assert.equal(ended, ['given up', 'read']);
    await backend.close();
  });

  test('many calls share few transactions, and one that fails spoils no other', async () => {
    const path = newPath();
    const backend = open(path);
    const keys = keysOf(500);
    const database = openSqlite(path, driver);
    database.exec(
      "CREATE TRIGGER refuse BEFORE INSERT ON records WHEN NEW.key = 'k77' BEGIN SELECT raise(ABORT, 'refused'); END",
    );
    const results = await Promise.allSettled(keys.map((key) => backend.setMany([entry(key, 10)])));
    assert.equal(
      results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : [])),
      [77],
    );
    const found = await Promise.all(keys.map((key) => backend.getMany([key])));
    assert.is(found.filter(([value]) => value?.length === 10).length, 499);
    database.close();
    await backend.close();
  });

  test('the log stays small beside what is written', async () => {
    const path = newPath();
    const backend = open(path);
    let largest = 0;
    for (let batch = 0; batch < 20; batch += 1) {
      await backend.setMany(entriesOf(keysOf(200, `${batch}:`), 3000));
      largest = Math.max(largest, statSync(`${path}-wal`).size);
    }
    assert.ok(statSync(path).size > 10e6);
    assert.ok(largest < 3e6, `a log of ${largest} bytes`);
    await backend.close();
  });

  const sweep = suite(`SqliteBackend over ${driver}, sweeps`);

  sweep('what is expired goes without a call', async () => {
    const path = newPath();
    const backend = open(path, { sweepInterval: 5 });
    const short = entriesOf(keysOf(1000)).map((each) => ({ ...each, ttlMs: 20 }));
    await backend.setMany([...short, entry('long', 10), { ...entry('later', 10), ttlMs: 3_600_000 }]);
    await until('the rows are gone', () => ask(driver, path, 'SELECT count(*) AS rows FROM records').rows === 2);
    const { bytes, sum } = ask(driver, path, 'SELECT bytes, (SELECT sum(size) FROM records) AS sum FROM totals');
    assert.is(bytes, sum);
    assert.ok((await backend.getMany(['long', 'later'])).every((value) => value?.length === 10));
    await backend.close();
  });

  sweep('whoever stops a sweep can wait for the step that is under way', async () => {
    let steps = 0;
    let finish = (_isMore: boolean) => {};
    const running = new Sweep(1, () => {
      steps += 1;
      return new Promise((resolve) => {
        finish = resolve;
      });
    });
    await until('a step is under way', () => steps === 1);
    running.stop();
    let hasEnded = false;
    const ended = running.ended().then(() => {
      hasEnded = true;
    });
    await nextTurn();
    assert.not.ok(hasEnded);
    finish(true);
    await ended;
    assert.is(steps, 1, 'no other is begun');
  });

  sweep('uses are stored without a write or a close', async () => {
    const path = newPath();
    const backend = open(path, { sweepInterval: 5 });
    await backend.setMany([entry('a', 3000)]);
    await backend.setMany([entry('b', 3000)]);
    const first = () => ask(driver, path, "SELECT key = 'a' AS isA FROM records ORDER BY used, id LIMIT 1").isA;
    assert.is(first(), 1);
    await backend.getMany(['a']);
    await until('the use of a is stored', () => first() === 0);
    await backend.close();
  });

  sweep('what was used just now is not written again', async () => {
    const path = newPath();
    const backend = open(path, { sweepInterval: 5 });
    await backend.setMany([entry('old', 10)]);
    const database = openSqlite(path, driver);
    // As if it had been written an hour ago.
    database.exec('UPDATE records SET used = used - 3600000000');
    database.close();
    await backend.setMany([entry('new', 10)]);
    const uses = () => ask(driver, path, 'SELECT sum(used) AS uses, max(used) AS newest FROM records');
    const { newest } = uses();
    await backend.getMany(['new']);
    await backend.getMany(['old']);
    // Notes are stored in the order of the reads: that of 'new' would have come first.
    await until('the use of old is stored', () => (uses().newest as number) > (newest as number));
    const stored = ask(driver, path, "SELECT used FROM records WHERE key = 'new'");
    assert.is(stored.used, newest);
    await backend.close();
  });

  sweep('a file that is mostly free gives the space back', async () => {
    const path = newPath();
    const backend = open(path, { sweepInterval: 5 });
    await backend.setMany(entriesOf(keysOf(2000), 20_000));
    await backend.setMany(entriesOf(keysOf(5, 'kept'), 20_000));
    const full = statSync(path).size;
    assert.ok(full > 35e6, `${full} bytes`);
    assert.is(await backend.clear('k'), 2005);
    await until('the file is small', () => statSync(path).size < 18e6, 30_000);
    assert.ok(statSync(path).size > 15e6, 'and no smaller than there is use for');
    await backend.setMany([entry('again', 20_000, 3)]);
    assert.is((await backend.getMany(['again']))[0]?.[19_999], 3);
    await backend.close();
    assert.equal(Object.values(ask(driver, path, 'PRAGMA integrity_check')), ['ok']);
  });

  sweep('is left out while another process writes, and disturbs nobody', async () => {
    const path = newPath();
    const backend = open(path, { sweepInterval: 2 });
    await backend.setMany([{ ...entry('a', 10), ttlMs: 1 }, entry('b', 10)]);
    const rows = () => ask(driver, path, 'SELECT count(*) AS rows FROM records').rows;
    await until('a is swept', () => rows() === 1);
    const other = openSqlite(path, driver);
    other.exec("BEGIN IMMEDIATE; UPDATE records SET expires = 1 WHERE key = 'b'");
    // Other than sweeping there is nothing to do for it: these turns are full of sweeps that find the file busy.
    for (let wait = 0; wait < 20; wait += 1) {
      await new Promise((resolve) => setTimeout(resolve, 3));
      assert.is((await backend.getMany(['b']))[0]?.length, 10);
    }
    other.exec('COMMIT');
    other.close();
    await until('b is swept', () => rows() === 0);
    assert.ok((await backend.health()).ok);
    await backend.close();
  });

  sweep('a call waits for a step of a sweep, not for the whole', async () => {
    const path = newPath();
    const backend = open(path, { sweepInterval: 1 });
    await backend.setMany(entriesOf(keysOf(300)).map((each) => ({ ...each, ttlMs: 3_600_000 })));
    const rows = () => ask(driver, path, 'SELECT count(*) AS rows FROM records').rows as number;
    await slowly(async () => {
      const database = openSqlite(path, driver);
      database.exec('UPDATE records SET expires = 1');
      database.close();
      await until('the sweep is under way', () => rows() < 300);
      await backend.setMany([entry('b', 10)]);
      // There is a pause after each of these steps, so that all of them would take seconds.
      assert.ok(rows() > 100, `${rows()} rows left`);
    });
    await backend.close();
  });

  test.run();
  sweep.run();
});
