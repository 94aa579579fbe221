import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSqlite, type SqliteDriver } from '../../src/backends/sqlite/driver/driver.js';
import { SqliteBackend } from '../../src/backends/sqlite/sqlite.js';
import { batchOf, recordOf } from '../support/sqlite-batches.js';
import { ask, forEachDriver, newPath, startProcess } from '../support/sqlite-files.js';

const seed = Number(process.env.VECSTASH_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`kill -9 with seed ${seed}`);
let state = seed | 1;
/** A whole number below `bound`. */
function random(bound: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % bound;
}

const COUNT = 40;

/** Starts a worker, kills it some time after its first batch, and returns the number of batches that it said were written. */
async function workAndKill(driver: SqliteDriver, path: string, worker: number, maxBytes: number, after: number) {
  const child = startProcess(driver, path, `work ${worker} ${COUNT} ${maxBytes}`);
  const closed = once(child, 'close');
  let output = '';
  const first = once(child.stdout, 'data');
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await Promise.race([first, closed]);
  await sleep(after);
  child.kill('SIGKILL');
  const [, signal] = await closed;
  assert.is(signal, 'SIGKILL', 'the worker was still working');
  return output.split('\n').length - 1;
}

/** Every record in the file is whole, belongs under its key, and is counted. */
function checkFile(driver: SqliteDriver, path: string, maxBytes: number): void {
  const database = openSqlite(path, driver);
  assert.equal(Object.values(database.prepare('PRAGMA integrity_check').get() as object), ['ok']);
  for (const row of database.prepare('SELECT key, value, size FROM records').all()) {
    const { key, value, size } = row as { key: string; value: Uint8Array; size: number };
    assert.ok(Buffer.compare(value, recordOf(key)) === 0, `the value of ${key}, seed ${seed}`);
    assert.ok(size > value.length);
  }
  database.close();
  const { bytes, sum } = ask(driver, path, 'SELECT bytes, (SELECT total(size) FROM records) AS sum FROM totals');
  assert.is(bytes, sum, `seed ${seed}`);
  assert.ok((bytes as number) <= maxBytes, `${bytes} bytes of ${maxBytes}, seed ${seed}`);
}

forEachDriver('kill -9', (driver) => {
  const test = suite(`SqliteBackend over ${driver}, kill -9`);

  for (const [title, maxBytes] of [
    ['nothing that was written is lost', 2 ** 40],
    ['the bound in bytes is kept', 400_000],
    ['the bound in bytes is kept, with hardly room for a batch', 120_000],
  ] as const) {
    test(`two processes, killed again and again: whole records only, ${title}`, async () => {
      const path = newPath();
      for (let round = 0; round < 4; round += 1) {
        const workers = [2 * round, 2 * round + 1];
        const written = await Promise.all(
          workers.map((worker) => workAndKill(driver, path, worker, maxBytes, random(200))),
        );
        // This process is the next to open the file: it finds what the log holds.
        const backend = new SqliteBackend({ path, driver });
        if (maxBytes === 2 ** 40) {
          for (const [index, batches] of written.entries()) {
            for (let batch = 0; batch < batches; batch += 1) {
              // The worker itself removes each fifth batch.
              if (batch % 5 === 0) continue;
              const entries = batchOf(workers[index] as number, batch, COUNT).filter(({ ttlMs }) => ttlMs !== 1);
              const values = await backend.getMany(entries.map(({ key }) => key));
              for (const [place, { key, value }] of entries.entries()) {
                const read = values[place];
                assert.ok(read && Buffer.compare(read, value) === 0, `${key} is there and right, seed ${seed}`);
              }
            }
          }
        }
        await backend.close();
        checkFile(driver, path, maxBytes);
      }
    });
  }

  test.run();
});
